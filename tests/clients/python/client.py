"""Authlib and requests-oauthlib, unmodified, as clients of `tokenlease serve`."""

import os

import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

server, api, profile, client_id, secret = (
    os.environ[name] for name in ("SERVER", "API", "PROFILE", "CLIENT_ID", "CLIENT_SECRET")
)
# oauthlib requires https, also for loopback, unless this is set.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
endpoints = requests.get(f"{server}/.well-known/oauth-authorization-server", timeout=10).json()
assert endpoints["issuer"] == server, endpoints

authlib = AuthlibSession(
    client_id,
    secret,
    scope=profile,
    token_endpoint=endpoints["token_endpoint"],
    grant_type="client_credentials",
    token_endpoint_auth_method="client_secret_basic",
)
token = authlib.fetch_token()
assert token["expires_in"] > 60, token
assert not token.is_expired(), token
# The session presents the token, and gets another one by itself if it has expired.
me = authlib.get(api, timeout=10)
assert me.status_code == 200, me.text
authlib.token["expires_at"] = 1
assert authlib.get(api, timeout=10).status_code == 200
assert authlib.token["access_token"] == token["access_token"]
found = authlib.introspect_token(endpoints["introspection_endpoint"], token=token["access_token"])
assert found.json()["active"] is True, found.text

for in_body in (False, True):
    session = OAuth2Session(client=BackendApplicationClient(client_id, scope=[profile]))
    other = session.fetch_token(
        endpoints["token_endpoint"],
        client_secret=secret,
        include_client_id=in_body,
        auth=None if in_body else requests.auth.HTTPBasicAuth(client_id, secret),
    )
    assert other["access_token"] == token["access_token"]
    assert session.get(api, timeout=10).status_code == 200

revoked = authlib.revoke_token(endpoints["revocation_endpoint"], token=token["access_token"])
assert revoked.status_code == 200, revoked.text
found = authlib.introspect_token(endpoints["introspection_endpoint"], token=token["access_token"])
assert found.json() == {"active": False}, found.text
print(token["access_token"])
