import java.io.IOException;
import java.io.OutputStream;
import java.security.Principal;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.DefaultOAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.server.authorization.InMemoryOAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.OAuth2TokenFormat;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.token.OAuth2AccessTokenGenerator;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenGenerator;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;
import org.springframework.security.oauth2.server.resource.introspection.OpaqueTokenIntrospector;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Spring Authorization Server with a password grant, and an API that takes its tokens. It ends when its standard
 * input ends.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class Server {
    public static void main(String[] arguments) {
        Thread end = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException ended) {
                // There is no input left.
            }
            Runtime.getRuntime().halt(0);
        });
        end.setDaemon(true);
        end.start();
        SpringApplication.run(Server.class, arguments);
    }

    @GetMapping("/api/whoami")
    Map<String, String> whoami(Principal user) {
        return Map.of("user", user.getName());
    }

    @Bean
    @Order(1)
    SecurityFilterChain endpoints(HttpSecurity http) throws Exception {
        // It is no bean: Spring would use it for the API too.
        var grant = new PasswordGrant(tokens(), generator(), users());
        return http
                .oauth2AuthorizationServer(server -> {
                    http.securityMatcher(server.getEndpointsMatcher());
                    server.tokenEndpoint(token ->
                            token.accessTokenRequestConverter(grant).authenticationProvider(grant));
                })
                .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http
                .csrf(csrf -> csrf.disable())
                .authorizeHttpRequests(requests -> requests
                        .requestMatchers(HttpMethod.GET, "/api/**").authenticated()
                        .anyRequest().permitAll())
                .oauth2ResourceServer(api -> api.opaqueToken(token -> { }))
                .build();
    }

    @Bean
    OpaqueTokenIntrospector introspector(OAuth2AuthorizationService tokens) {
        return text -> {
            var found = tokens.findByToken(text, OAuth2TokenType.ACCESS_TOKEN);
            if (found == null || !found.getAccessToken().isActive()) {
                throw new BadOpaqueTokenException("unknown, expired or revoked");
            }
            OAuth2AuthenticatedPrincipal user = new DefaultOAuth2AuthenticatedPrincipal(
                    found.getPrincipalName(), Map.of("active", true), List.of());
            return user;
        };
    }

    @Bean
    RegisteredClientRepository clients() {
        return new InMemoryRegisteredClientRepository(
                client("integration", "integration-secret-0123456789abcdef", PasswordGrant.TYPE),
                client("other", "other-secret-0123456789abcdef", PasswordGrant.TYPE),
                client("special", "s+e&c %r=t:/\"x", PasswordGrant.TYPE),
                client("special8", "s+e&c %r=t:/\"xø😀", PasswordGrant.TYPE),
                client("nogrant", "nogrant-secret-0123456789", AuthorizationGrantType.CLIENT_CREDENTIALS));
    }

    private static RegisteredClient client(String id, String secret, AuthorizationGrantType grant) {
        return RegisteredClient.withId(id)
                .clientId(id)
                .clientSecret("{noop}" + secret)
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_POST)
                .authorizationGrantType(grant)
                .scope("api")
                .tokenSettings(TokenSettings.builder()
                        .accessTokenFormat(OAuth2TokenFormat.REFERENCE)
                        .accessTokenTimeToLive(Duration.ofHours(1))
                        .build())
                .build();
    }

    @Bean
    UserDetailsService users() {
        return new InMemoryUserDetailsManager(
                User.withUsername("admin").password("{noop}admin-password").build(),
                User.withUsername("ø+&% 😀").password("{noop}p ø+&%=😀\"ü").build());
    }

    @Bean
    OAuth2AuthorizationService tokens() {
        return new InMemoryOAuth2AuthorizationService();
    }

    @Bean
    OAuth2TokenGenerator<?> generator() {
        return new OAuth2AccessTokenGenerator();
    }
}
