// zitadel/oidc with a password grant, and an API that takes its tokens.
// Usage: server PORT. It ends when its standard input ends.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The library has no password grant: its users add one in front of the token endpoint.
type passwordRequest struct {
	Username     string                   `schema:"username"`
	Password     string                   `schema:"password"`
	Scope        oidc.SpaceDelimitedArray `schema:"scope"`
	ClientID     string                   `schema:"client_id"`
	ClientSecret string                   `schema:"client_secret"`
}

func (r *passwordRequest) SetClientID(id string)         { r.ClientID = id }
func (r *passwordRequest) SetClientSecret(secret string) { r.ClientSecret = secret }

func passwordGrant(provider *op.Provider, storage *storage, r *http.Request) (*oidc.AccessTokenResponse, error) {
	request := new(passwordRequest)
	if err := op.ParseAuthenticatedTokenRequest(r, provider.Decoder(), request); err != nil {
		return nil, err
	}
	if err := op.AuthorizeClientIDSecret(r.Context(), request.ClientID, request.ClientSecret, storage); err != nil {
		return nil, err
	}
	client, err := storage.GetClientByClientID(r.Context(), request.ClientID)
	if err != nil {
		return nil, err
	}
	if !op.ValidateGrantType(client, "password") {
		return nil, oidc.ErrUnauthorizedClient()
	}
	if request.Username == "" || request.Password == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("username or password missing")
	}
	if known, found := users[request.Username]; !found || known != request.Password {
		return nil, oidc.ErrInvalidGrant().WithDescription("username or password invalid")
	}
	if err := checkScopes(request.Scope); err != nil {
		return nil, err
	}
	token := &tokenRequest{subject: request.Username, client: request.ClientID, scopes: request.Scope}
	access, _, validity, err := op.CreateAccessToken(r.Context(), token, client.AccessTokenType(), provider, client, "")
	if err != nil {
		return nil, err
	}
	return &oidc.AccessTokenResponse{
		AccessToken: access,
		TokenType:   oidc.BearerToken,
		ExpiresIn:   uint64(validity.Seconds()),
		Scope:       request.Scope,
	}, nil
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func main() {
	address := "127.0.0.1:" + os.Args[1]
	storage := newStorage()
	provider, err := op.NewProvider(&op.Config{AuthMethodPost: true}, storage,
		op.StaticIssuer("http://"+address), op.WithAllowInsecure())
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", provider)
	http.HandleFunc("/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "password" {
			provider.ServeHTTP(w, r)
		} else if response, err := passwordGrant(provider, storage, r); err != nil {
			op.RequestError(w, r, err, nil)
		} else {
			answer(w, response)
		}
	})
	http.HandleFunc("/api/whoami", func(w http.ResponseWriter, r *http.Request) {
		text, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), oidc.PrefixBearer)
		opened, err := provider.Crypto().Decrypt(text)
		id, _, _ := strings.Cut(opened, ":")
		token, err2 := storage.token(id)
		if !isBearer || err != nil || err2 != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, map[string]string{"user": token.subject})
	})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.ListenAndServe(address, nil))
}
