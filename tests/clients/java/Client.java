import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import java.net.URI;

/** The OAuth 2.0 SDK of Nimbus, unmodified, as a client of `tokenlease serve`. */
public class Client {
    static final ClientSecretBasic AUTH = new ClientSecretBasic(
            new ClientID(System.getenv("CLIENT_ID")), new Secret(System.getenv("CLIENT_SECRET")));

    static AuthorizationServerMetadata metadata;

    public static void main(String[] arguments) throws Exception {
        metadata = AuthorizationServerMetadata.resolve(new Issuer(System.getenv("SERVER")));
        AccessToken token = token(System.getenv("PROFILE")).toSuccessResponse().getTokens().getAccessToken();
        check(token.getLifetime() > 60, "its life is " + token.getLifetime());
        AccessToken again = token(System.getenv("PROFILE")).toSuccessResponse().getTokens().getAccessToken();
        check(again.equals(token), "another token");
        HTTPRequest call = new HTTPRequest(HTTPRequest.Method.GET, URI.create(System.getenv("API")));
        call.setAuthorization(token.toAuthorizationHeader());
        check(call.send().getStatusCode() == 200, "the API rejects the token");
        check(isActive(token), "inactive");
        new TokenRevocationRequest(metadata.getRevocationEndpointURI(), AUTH, token)
                .toHTTPRequest().send().ensureStatusCode(200);
        check(!isActive(token), "active after its revocation");
        String code = token("nothing").toErrorResponse().getErrorObject().getCode();
        check(code.equals("invalid_scope"), code);
        System.out.println(token.getValue());
    }

    static TokenResponse token(String profile) throws Exception {
        TokenRequest request = new TokenRequest.Builder(
                metadata.getTokenEndpointURI(), AUTH, new ClientCredentialsGrant())
                .scope(new Scope(profile)).build();
        return TokenResponse.parse(request.toHTTPRequest().send());
    }

    static boolean isActive(AccessToken token) throws Exception {
        TokenIntrospectionRequest request =
                new TokenIntrospectionRequest(metadata.getIntrospectionEndpointURI(), AUTH, token);
        TokenIntrospectionResponse response =
                TokenIntrospectionResponse.parse(request.toHTTPRequest().send());
        return response.toSuccessResponse().isActive();
    }

    static void check(boolean holds, String why) {
        if (!holds) {
            throw new AssertionError(why);
        }
    }
}
