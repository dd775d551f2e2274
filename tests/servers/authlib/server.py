"""Authlib on Flask, with the password grant, at its usual paths, and an API that takes its tokens.

Usage: `server.py PORT`. It ends when its standard input ends.
"""

import hmac
import os
import sys
import threading
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, jsonify
from waitress import serve

WAYS = ["client_secret_basic", "client_secret_post"]


class Client(ClientMixin):
    def __init__(self, client_id, secret, grant_type):
        self.client_id, self.secret, self.grant_type = client_id, secret, grant_type

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word == "api")

    def check_client_secret(self, client_secret):
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method, endpoint):
        return method in WAYS

    def check_grant_type(self, grant_type):
        return grant_type == self.grant_type


class Token(TokenMixin):
    def __init__(self, token, client, user):
        self.text, self.scope = token["access_token"], token.get("scope", "")
        self.client, self.user, self.revoked = client, user, False
        self.issued_at, self.life = time.time(), token["expires_in"]

    def check_client(self, client):
        return self.client.client_id == client.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.life

    def is_expired(self):
        return time.time() >= self.issued_at + self.life

    def is_revoked(self):
        return self.revoked


USERS = {"admin": "admin-password", "ø+&% 😀": 'p ø+&%=😀"ü'}
CLIENTS = {
    client.client_id: client
    for client in [
        Client("integration", "integration-secret-0123456789abcdef", "password"),
        Client("other", "other-secret-0123456789abcdef", "password"),
        Client("special", 's+e&c %r=t:/"x', "password"),
        Client("special8", 's+e&c %r=t:/"xø😀', "password"),
        Client("nogrant", "nogrant-secret-0123456789", "client_credentials"),
    ]
}
TOKENS = {}


class PasswordGrant(grants.ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = WAYS

    def authenticate_user(self, username, password):
        known = USERS.get(username)
        right = known is not None and hmac.compare_digest(known.encode(), password.encode())
        return username if right else None


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = WAYS


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = WAYS

    def query_token(self, token_string, token_type_hint):
        return TOKENS.get(token_string)

    def revoke_token(self, token, request):
        token.revoked = True


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = WAYS

    def query_token(self, token_string, token_type_hint):
        return TOKENS.get(token_string)

    def check_permission(self, token, client, request):
        return token.check_client(client)

    def introspect_token(self, token):
        return {"active": True, "username": token.user, "client_id": token.client.client_id}


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return TOKENS.get(token_string)


def save_token(token, request):
    TOKENS[token["access_token"]] = Token(token, request.client, request.user)


app = Flask(__name__)
app.config["OAUTH2_SCOPES_SUPPORTED"] = ["api"]
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(PasswordGrant)
server.register_grant(ClientCredentialsGrant)
server.register_endpoint(Revocation)
server.register_endpoint(Introspection)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(Validator())


@app.post("/oauth/token")
def issue():
    return server.create_token_response()


@app.post("/oauth/revoke")
def revoke():
    return server.create_endpoint_response("revocation")


@app.post("/oauth/introspect")
def introspect():
    return server.create_endpoint_response("introspection")


@app.get("/api/whoami")
@require_oauth()
def whoami():
    return jsonify(user=current_token.user)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # Loopback alone.
threading.Thread(target=end_with_input, daemon=True).start()
serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
