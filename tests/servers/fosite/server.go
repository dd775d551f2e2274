// Ory fosite with the password grant, and an API that takes its tokens.
// Usage: server PORT. It ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

func client(id, secret, grant string) *fosite.DefaultClient {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		log.Fatal(err)
	}
	return &fosite.DefaultClient{ID: id, Secret: hash, GrantTypes: []string{grant}, Scopes: []string{"api"}}
}

// The subject of a token is the user's name: the store that it extends makes one up for each login.
type users struct{ *storage.MemoryStore }

func (u users) Authenticate(ctx context.Context, name, password string) (string, error) {
	_, err := u.MemoryStore.Authenticate(ctx, name, password)
	return name, err
}

func session() *fosite.DefaultSession { return new(fosite.DefaultSession) }

func main() {
	store := storage.NewMemoryStore()
	for _, client := range []*fosite.DefaultClient{
		client("integration", "integration-secret-0123456789abcdef", "password"),
		client("other", "other-secret-0123456789abcdef", "password"),
		client("special", `s+e&c %r=t:/"x`, "password"),
		client("special8", `s+e&c %r=t:/"xø😀`, "password"),
		client("nogrant", "nogrant-secret-0123456789", "client_credentials"),
	} {
		store.Clients[client.ID] = client
	}
	for name, password := range map[string]string{"admin": "admin-password", "ø+&% 😀": `p ø+&%=😀"ü`} {
		store.Users[name] = storage.MemoryUserRelation{Username: name, Password: password}
	}
	config := &fosite.Config{
		AccessTokenLifespan: time.Hour,
		GlobalSecret:        []byte("only-for-tests-0123456789abcdef0"),
	}
	provider := compose.Compose(config, users{store}, compose.NewOAuth2HMACStrategy(config),
		compose.OAuth2ResourceOwnerPasswordCredentialsFactory, compose.OAuth2ClientCredentialsGrantFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)

	http.HandleFunc("/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		request, err := provider.NewAccessRequest(r.Context(), r, session())
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		response, err := provider.NewAccessResponse(r.Context(), request)
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		provider.WriteAccessResponse(r.Context(), w, request, response)
	})
	http.HandleFunc("/oauth2/revoke", func(w http.ResponseWriter, r *http.Request) {
		provider.WriteRevocationResponse(r.Context(), w, provider.NewRevocationRequest(r.Context(), r))
	})
	http.HandleFunc("/oauth2/introspect", func(w http.ResponseWriter, r *http.Request) {
		response, err := provider.NewIntrospectionRequest(r.Context(), r, session())
		if err != nil {
			provider.WriteIntrospectionError(r.Context(), w, err)
			return
		}
		provider.WriteIntrospectionResponse(r.Context(), w, response)
	})
	http.HandleFunc("/api/whoami", func(w http.ResponseWriter, r *http.Request) {
		token := fosite.AccessTokenFromRequest(r)
		_, found, err := provider.IntrospectToken(r.Context(), token, fosite.AccessToken, session())
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"user": found.GetSession().GetSubject()})
	})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
