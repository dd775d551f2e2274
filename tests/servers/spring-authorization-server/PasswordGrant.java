import java.util.Collections;
import java.util.Map;
import java.util.Set;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.dao.DaoAuthenticationProvider;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AccessTokenAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationGrantAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.context.AuthorizationServerContextHolder;
import org.springframework.security.oauth2.server.authorization.token.DefaultOAuth2TokenContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenGenerator;
import org.springframework.security.web.authentication.AuthenticationConverter;

/** The password grant, which OAuth 2.1 dropped: an extension grant as Spring's guide describes it. */
class PasswordGrant implements AuthenticationConverter, AuthenticationProvider {
    static final AuthorizationGrantType TYPE = new AuthorizationGrantType("password");

    private final OAuth2AuthorizationService tokens;
    private final OAuth2TokenGenerator<?> generator;
    private final DaoAuthenticationProvider users;

    PasswordGrant(OAuth2AuthorizationService tokens, OAuth2TokenGenerator<?> generator, UserDetailsService users) {
        this.tokens = tokens;
        this.generator = generator;
        this.users = new DaoAuthenticationProvider(users);
    }

    static class Request extends OAuth2AuthorizationGrantAuthenticationToken {
        Request(Authentication client, Map<String, Object> parameters) {
            super(TYPE, client, parameters);
        }
    }

    @Override
    public Authentication convert(HttpServletRequest request) {
        if (!TYPE.getValue().equals(request.getParameter(OAuth2ParameterNames.GRANT_TYPE))) {
            return null;
        }
        String name = single(request, "username");
        String password = single(request, "password");
        String scope = request.getParameter(OAuth2ParameterNames.SCOPE);
        return new Request(
                SecurityContextHolder.getContext().getAuthentication(),
                Map.of("name", name, "password", password, "scope", scope == null ? "" : scope));
    }

    private static String single(HttpServletRequest request, String parameter) {
        String[] values = request.getParameterValues(parameter);
        if (values == null || values.length != 1 || values[0].isEmpty()) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.INVALID_REQUEST);
        }
        return values[0];
    }

    @Override
    public Authentication authenticate(Authentication authentication) {
        var request = (Request) authentication;
        var principal = (OAuth2ClientAuthenticationToken) request.getPrincipal();
        var client = principal.getRegisteredClient();
        if (!client.getAuthorizationGrantTypes().contains(TYPE)) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.UNAUTHORIZED_CLIENT);
        }
        var parameters = request.getAdditionalParameters();
        String scope = (String) parameters.get("scope");
        Set<String> scopes = scope.isEmpty() ? Collections.emptySet() : Set.of(scope.split(" "));
        if (!client.getScopes().containsAll(scopes)) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.INVALID_SCOPE);
        }
        Authentication user;
        try {
            user = users.authenticate(UsernamePasswordAuthenticationToken.unauthenticated(
                    parameters.get("name"), parameters.get("password")));
        } catch (AuthenticationException wrong) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.INVALID_GRANT);
        }
        var generated = generator.generate(DefaultOAuth2TokenContext.builder()
                .registeredClient(client)
                .principal(user)
                .authorizationServerContext(AuthorizationServerContextHolder.getContext())
                .authorizedScopes(scopes)
                .tokenType(OAuth2TokenType.ACCESS_TOKEN)
                .authorizationGrantType(TYPE)
                .authorizationGrant(request)
                .build());
        var token = new OAuth2AccessToken(OAuth2AccessToken.TokenType.BEARER,
                generated.getTokenValue(), generated.getIssuedAt(), generated.getExpiresAt(), scopes);
        tokens.save(OAuth2Authorization.withRegisteredClient(client)
                .principalName(user.getName())
                .authorizationGrantType(TYPE)
                .authorizedScopes(scopes)
                .accessToken(token)
                .build());
        return new OAuth2AccessTokenAuthenticationToken(client, principal, token);
    }

    @Override
    public boolean supports(Class<?> type) {
        return Request.class.isAssignableFrom(type);
    }
}
