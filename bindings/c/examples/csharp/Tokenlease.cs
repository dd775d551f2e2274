// The functions of the C library that a plugin needs, with its handles as SafeHandle.
using System;
using System.Runtime.InteropServices;
using System.Text;

// The runtime frees a handle once, and never while a call uses it.
abstract class Handle : SafeHandle
{
    protected Handle() : base(IntPtr.Zero, true) { }
    public override bool IsInvalid => handle == IntPtr.Zero;
    protected abstract void Free();
    protected override bool ReleaseHandle() { Free(); return true; }
}

sealed class Config : Handle { protected override void Free() => Native.tokenlease_config_free(handle); }
sealed class Client : Handle { protected override void Free() => Native.tokenlease_client_free(handle); }
sealed class Token : Handle { protected override void Free() => Native.tokenlease_token_free(handle); }
sealed class Error : Handle { protected override void Free() => Native.tokenlease_error_free(handle); }

sealed class TokenleaseException : Exception { public TokenleaseException(string message) : base(message) { } }

static class Native
{
    const string Library = "tokenlease";

    // Called on the calling thread. An exception must not pass through the library.
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int Function(IntPtr user, IntPtr token, IntPtr response);

    [DllImport(Library)] public static extern void tokenlease_config_free(IntPtr config);
    [DllImport(Library)] public static extern void tokenlease_client_free(IntPtr client);
    [DllImport(Library)] public static extern void tokenlease_token_free(IntPtr token);
    [DllImport(Library)] public static extern void tokenlease_error_free(IntPtr error);
    [DllImport(Library)] static extern IntPtr tokenlease_error_message(Error error);
    [DllImport(Library)] public static extern IntPtr tokenlease_token_json_field(IntPtr token);
    [DllImport(Library)] public static extern IntPtr tokenlease_token_authorization(IntPtr token);
    [DllImport(Library)] public static extern long tokenlease_token_expires_at_ms(Token token);
    [DllImport(Library)] public static extern int tokenlease_config_new(out Config config, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_config_load_environment(Config config, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_config_set_password(Config config, byte[] text, UIntPtr length, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_client_new(Config config, IntPtr registry, out Client client, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_client_token(Client client, IntPtr options, out Token token, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_client_revoke(
        Client client, Token token, IntPtr options, [MarshalAs(UnmanagedType.I1)] out bool proven, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_client_call(
        Client client, IntPtr options, Function function, IntPtr user, out Error error);
    [DllImport(Library)]
    public static extern int tokenlease_response_set(
        IntPtr response, int status, byte[] body, UIntPtr length, IntPtr error);

    // Returns a text of the library, which is UTF-8, or null.
    public static string Text(IntPtr text)
    {
        if (text == IntPtr.Zero) { return null; }
        int length = 0;
        while (Marshal.ReadByte(text, length) != 0) { length++; }
        var bytes = new byte[length];
        Marshal.Copy(text, bytes, 0, length);
        return Encoding.UTF8.GetString(bytes);
    }

    // Throws the error of a call that failed.
    public static void Check(int status, Error error)
    {
        using (error)
        {
            if (status != 0) { throw new TokenleaseException(Text(tokenlease_error_message(error))); }
        }
    }
}
