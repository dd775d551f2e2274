// go-oauth2 with the password grant, and an API that takes its tokens.
// Usage: server PORT. It ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"
	"github.com/go-oauth2/oauth2/v4/store"
)

var users = map[string]string{"admin": "admin-password", "ø+&% 😀": `p ø+&%=😀"ü`}

func main() {
	clients := store.NewClientStore()
	for id, secret := range map[string]string{
		"integration": "integration-secret-0123456789abcdef",
		"other":       "other-secret-0123456789abcdef",
		"special":     `s+e&c %r=t:/"x`,
		"special8":    `s+e&c %r=t:/"xø😀`,
		"nogrant":     "nogrant-secret-0123456789",
	} {
		if err := clients.Set(id, &models.Client{ID: id, Secret: secret}); err != nil {
			log.Fatal(err)
		}
	}
	manager := manage.NewDefaultManager()
	manager.MustTokenStorage(store.NewMemoryTokenStore())
	manager.MapClientStorage(clients)

	provider := server.NewDefaultServer(manager)
	provider.SetAllowedGrantType(oauth2.PasswordCredentials, oauth2.ClientCredentials)
	provider.SetClientInfoHandler(func(r *http.Request) (string, string, error) {
		if _, _, ok := r.BasicAuth(); ok {
			return server.ClientBasicHandler(r)
		}
		return server.ClientFormHandler(r)
	})
	provider.SetClientAuthorizedHandler(func(id string, grant oauth2.GrantType) (bool, error) {
		return (id == "nogrant") == (grant == oauth2.ClientCredentials), nil
	})
	provider.SetClientScopeHandler(func(request *oauth2.TokenGenerateRequest) (bool, error) {
		return request.Scope == "" || request.Scope == "api", nil
	})
	provider.SetPasswordAuthorizationHandler(func(_ context.Context, _, name, password string) (string, error) {
		if known, found := users[name]; !found || known != password {
			return "", nil
		}
		return name, nil
	})

	http.HandleFunc("/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if err := provider.HandleTokenRequest(w, r); err != nil {
			log.Print(err)
		}
	})
	http.HandleFunc("/api/whoami", func(w http.ResponseWriter, r *http.Request) {
		token, err := provider.ValidationBearerToken(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"user": token.GetUserID()})
	})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
