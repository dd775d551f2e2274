import java.io.IOException;
import java.io.OutputStream;
import java.security.Principal;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.config.annotation.authentication.builders.AuthenticationManagerBuilder;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.annotation.web.configuration.WebSecurityConfigurerAdapter;
import org.springframework.security.oauth2.config.annotation.configurers.ClientDetailsServiceConfigurer;
import org.springframework.security.oauth2.config.annotation.web.configuration.AuthorizationServerConfigurerAdapter;
import org.springframework.security.oauth2.config.annotation.web.configuration.EnableAuthorizationServer;
import org.springframework.security.oauth2.config.annotation.web.configuration.EnableResourceServer;
import org.springframework.security.oauth2.config.annotation.web.configuration.ResourceServerConfigurerAdapter;
import org.springframework.security.oauth2.config.annotation.web.configurers.AuthorizationServerEndpointsConfigurer;
import org.springframework.security.oauth2.config.annotation.web.configurers.AuthorizationServerSecurityConfigurer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.provider.token.TokenStore;
import org.springframework.security.oauth2.provider.token.store.InMemoryTokenStore;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Spring Security OAuth, which Spring Authorization Server replaced, with the password grant and an API that takes its
 * tokens. It ends when its standard input ends.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@Import({Server.Users.class, Server.Endpoints.class, Server.Api.class})
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
    TokenStore tokens() {
        return new InMemoryTokenStore();
    }

    @Configuration
    @EnableWebSecurity
    static class Users extends WebSecurityConfigurerAdapter {
        @Override
        protected void configure(AuthenticationManagerBuilder users) throws Exception {
            users.inMemoryAuthentication()
                    .withUser("admin").password("{noop}admin-password").roles("USER").and()
                    .withUser("ø+&% 😀").password("{noop}p ø+&%=😀\"ü").roles("USER");
        }

        @Bean
        @Override
        public AuthenticationManager authenticationManagerBean() throws Exception {
            return super.authenticationManagerBean();
        }
    }

    @Configuration
    @EnableAuthorizationServer
    static class Endpoints extends AuthorizationServerConfigurerAdapter {
        private final AuthenticationManager users;
        private final TokenStore tokens;

        Endpoints(AuthenticationManager users, TokenStore tokens) {
            this.users = users;
            this.tokens = tokens;
        }

        @Override
        public void configure(ClientDetailsServiceConfigurer service) throws Exception {
            var clients = service.inMemory();
            for (var client : Map.of(
                    "integration", "integration-secret-0123456789abcdef",
                    "other", "other-secret-0123456789abcdef",
                    "special", "s+e&c %r=t:/\"x",
                    "special8", "s+e&c %r=t:/\"xø😀",
                    "nogrant", "nogrant-secret-0123456789").entrySet()) {
                clients.withClient(client.getKey())
                        .secret("{noop}" + client.getValue())
                        .authorizedGrantTypes(
                                client.getKey().equals("nogrant") ? "client_credentials" : "password")
                        .scopes("api")
                        .accessTokenValiditySeconds(3600);
            }
        }

        @Override
        public void configure(AuthorizationServerEndpointsConfigurer endpoints) {
            endpoints.authenticationManager(users).tokenStore(tokens);
        }

        @Override
        public void configure(AuthorizationServerSecurityConfigurer security) {
            security.allowFormAuthenticationForClients().checkTokenAccess("isAuthenticated()");
        }
    }

    @Configuration
    @EnableResourceServer
    static class Api extends ResourceServerConfigurerAdapter {
        @Override
        public void configure(HttpSecurity http) throws Exception {
            http.authorizeRequests().antMatchers("/api/**").authenticated().anyRequest().permitAll();
        }
    }
}
