import com.sun.jna.Callback;
import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.ByteByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.function.Consumer;

/** The functions of the C library. A text is passed as its bytes in UTF-8 and their number. */
interface Tokenlease extends Library {
    Tokenlease C = Native.load("tokenlease", Tokenlease.class);

    void tokenlease_config_free(Pointer config);
    void tokenlease_client_free(Pointer client);
    void tokenlease_token_free(Pointer token);
    void tokenlease_error_free(Pointer error);
    Pointer tokenlease_error_message(Pointer error);
    Pointer tokenlease_token_authorization(Pointer token);
    Pointer tokenlease_token_json_field(Pointer token);
    long tokenlease_token_expires_at_ms(Pointer token);
    int tokenlease_config_new(PointerByReference config, PointerByReference error);
    int tokenlease_config_load_environment(Pointer config, PointerByReference error);
    int tokenlease_config_set_password(Pointer config, byte[] text, Size length, PointerByReference error);
    int tokenlease_client_new(Pointer config, Pointer registry, PointerByReference client, PointerByReference error);
    int tokenlease_client_token(Pointer client, Pointer options, PointerByReference token, PointerByReference error);
    int tokenlease_client_revoke(
        Pointer client, Pointer token, Pointer options, ByteByReference proven, PointerByReference error);
    int tokenlease_client_call(Pointer client, Pointer options, Function call, Pointer user, PointerByReference error);
    int tokenlease_response_set(Pointer response, int status, byte[] body, Size length, PointerByReference error);

    /** Called on the calling thread. An exception must not leave it: JNA would return 0 to the library. */
    interface Function extends Callback {
        int invoke(Pointer user, Pointer token, Pointer response);
    }

    /** A size_t. */
    class Size extends IntegerType {
        public Size() {
            this(0);
        }

        public Size(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /** A failed call, with the message of the library. */
    class TokenleaseException extends RuntimeException {
        TokenleaseException(String message) {
            super(message);
        }
    }

    /** A call that writes an error. */
    interface Call {
        int call(PointerByReference error);
    }

    /** Makes a call, and throws its error. */
    static void check(Call call) {
        PointerByReference error = new PointerByReference();
        if (call.call(error) != 0) {
            try (Handle details = new Handle(error.getValue(), C::tokenlease_error_free)) {
                throw new TokenleaseException(text(C.tokenlease_error_message(details.pointer())));
            }
        }
    }

    /** Returns a text of the library, or null. */
    static String text(Pointer text) {
        return text == null ? null : text.getString(0, "UTF-8");
    }

    /** A handle that a call returned. try-with-resources frees it. */
    record Handle(Pointer pointer, Consumer<Pointer> free) implements AutoCloseable {
        @Override
        public void close() {
            free.accept(pointer);
        }
    }

    /** A call that writes a handle and an error. */
    interface New {
        int call(PointerByReference handle, PointerByReference error);
    }

    /** Makes a call that returns a handle. */
    static Handle handle(Consumer<Pointer> free, New call) {
        PointerByReference handle = new PointerByReference();
        check(error -> call.call(handle, error));
        return new Handle(handle.getValue(), free);
    }
}
