package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var users = map[string]string{"admin": "admin-password", "ø+&% 😀": `p ø+&%=😀"ü`}

// A client that never sends a browser: of op.Client it needs what its grants use.
type client struct {
	op.Client
	id, secret string
	grant      oidc.GrantType
}

func (c *client) GetID() string                       { return c.id }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c *client) GrantTypes() []oidc.GrantType        { return []oidc.GrantType{c.grant} }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c *client) ClockSkew() time.Duration            { return 0 }

var clients = map[string]*client{
	"integration": {id: "integration", secret: "integration-secret-0123456789abcdef", grant: "password"},
	"other":       {id: "other", secret: "other-secret-0123456789abcdef", grant: "password"},
	"special":     {id: "special", secret: `s+e&c %r=t:/"x`, grant: "password"},
	"special8":    {id: "special8", secret: `s+e&c %r=t:/"xø😀`, grant: "password"},
	"nogrant":     {id: "nogrant", secret: "nogrant-secret-0123456789", grant: oidc.GrantTypeClientCredentials},
}

type tokenRequest struct {
	subject, client string
	scopes          []string
}

func (r *tokenRequest) GetSubject() string    { return r.subject }
func (r *tokenRequest) GetAudience() []string { return []string{r.client} }
func (r *tokenRequest) GetScopes() []string   { return r.scopes }

func checkScopes(scopes []string) error {
	for _, scope := range scopes {
		if scope != "api" && scope != oidc.ScopeOpenID {
			return oidc.ErrInvalidScope().WithDescription("unknown scope")
		}
	}
	return nil
}

// Of op.Storage it needs what the endpoints under test use.
type storage struct {
	op.Storage
	mutex  sync.Mutex
	tokens map[string]*tokenRequest
}

func newStorage() *storage { return &storage{tokens: make(map[string]*tokenRequest)} }

var errUnknown = errors.New("unknown")

func (s *storage) token(id string) (*tokenRequest, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if found, ok := s.tokens[id]; ok {
		return found, nil
	}
	return nil, errUnknown
}

func (s *storage) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	id := rand.Text()
	s.tokens[id] = request.(*tokenRequest)
	return id, time.Now().Add(time.Hour), nil
}

func (s *storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *storage) RevokeToken(_ context.Context, id, _, clientID string) *oidc.Error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if found, ok := s.tokens[id]; ok && found.client != clientID {
		return oidc.ErrInvalidClient().WithDescription("token was not issued for this client")
	}
	delete(s.tokens, id)
	return nil
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if found, ok := clients[id]; ok {
		return found, nil
	}
	return nil, oidc.ErrInvalidClient().WithDescription("client not found")
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if found, ok := clients[id]; !ok || found.secret != secret {
		return oidc.ErrInvalidClient().WithDescription("invalid secret")
	}
	return nil
}

func (s *storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return clients[id], nil
}

func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &tokenRequest{subject: id, client: id, scopes: scopes}, checkScopes(scopes)
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, subject, _ string) error {
	info.Subject = subject
	_, err := s.token(id)
	return err
}

func (s *storage) SetIntrospectionFromToken(_ context.Context, info *oidc.IntrospectionResponse, id, subject, clientID string) error {
	found, err := s.token(id)
	if err != nil {
		return err
	}
	if found.client != clientID {
		return errUnknown
	}
	info.Subject, info.ClientID, info.Scope = subject, clientID, found.scopes
	return nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return nil, errUnknown }
func (s *storage) KeySet(context.Context) ([]op.Key, error)          { return nil, nil }
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}
func (s *storage) Health(context.Context) error { return nil }
