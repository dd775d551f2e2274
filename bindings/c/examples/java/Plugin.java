import com.sun.jna.ptr.ByteByReference;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A plugin in Java. It calls each URL of its input with the token, or revokes the token. */
final class Plugin {
    private static final Tokenlease C = Tokenlease.C;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Makes a client from the environment and a password. */
    static Tokenlease.Handle client(String password) {
        byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
        try (Tokenlease.Handle config = Tokenlease.handle(C::tokenlease_config_free, C::tokenlease_config_new)) {
            Tokenlease.check(error -> C.tokenlease_config_load_environment(config.pointer(), error));
            Tokenlease.check(error ->
                C.tokenlease_config_set_password(config.pointer(), bytes, new Tokenlease.Size(bytes.length), error));
            return Tokenlease.handle(C::tokenlease_client_free,
                (client, error) -> C.tokenlease_client_new(config.pointer(), null, client, error));
        }
    }

    static HttpResponse<byte[]> send(String url, String authorization, String field) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10));
        if (field == null) {
            request.header("Authorization", authorization);
        } else {
            request.header("Content-Type", "application/json");
            request.POST(BodyPublishers.ofString("{\"Text\":\"hello\"," + field + "}"));
        }
        return HTTP.send(request.build(), BodyHandlers.ofByteArray());
    }

    /** Calls an API, and once more if it rejected the token. */
    static String callApi(Tokenlease.Handle client, String url) throws Exception {
        var answer = new Object() { HttpResponse<byte[]> last; int attempts; Exception failure; };
        Tokenlease.Function function = (user, token, response) -> {
            try {
                answer.attempts++;
                answer.last = send(url, Tokenlease.text(C.tokenlease_token_authorization(token)),
                    Tokenlease.text(C.tokenlease_token_json_field(token)));
                byte[] body = answer.last.body();
                return C.tokenlease_response_set(
                    response, answer.last.statusCode(), body, new Tokenlease.Size(body.length), null);
            } catch (Exception failure) {
                answer.failure = failure;
                return 1;
            }
        };
        try {
            Tokenlease.check(error -> C.tokenlease_client_call(client.pointer(), null, function, null, error));
        } catch (Tokenlease.TokenleaseException error) {
            throw answer.failure != null ? answer.failure : error;
        }
        return "HTTP " + answer.last.statusCode() + ", attempts: " + answer.attempts + ", "
            + new String(answer.last.body(), StandardCharsets.UTF_8);
    }

    static String revoke(Tokenlease.Handle client) {
        try (Tokenlease.Handle token = Tokenlease.handle(C::tokenlease_token_free,
                (handle, error) -> C.tokenlease_client_token(client.pointer(), null, handle, error))) {
            Tokenlease.check(error -> C.tokenlease_client_revoke(
                client.pointer(), token.pointer(), null, new ByteByReference(), error));
            return "revoked a token that expires at " + C.tokenlease_token_expires_at_ms(token.pointer());
        }
    }

    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Tokenlease.Handle client = client(System.getenv("PASSWORD"))) {
            for (String line; (line = lines.readLine()) != null;) {
                try {
                    System.out.println(line.equals("revoke") ? revoke(client) : callApi(client, line));
                } catch (Tokenlease.TokenleaseException | IOException error) {
                    System.out.println("error: " + error.getMessage());
                }
            }
        }
    }
}
