"""The types of the options. They are generated from the table of all languages.

`TOKENLEASE_ACCEPT_OPTIONS=1 cargo test -p tokenlease-tests --test python` writes this file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from os import PathLike
from typing import Literal, TypedDict, Union

from tokenlease._tokenlease import Event, Registry

Duration = Union[float, timedelta, str]
"""Seconds, a `timedelta`, or text with a unit: `"500ms"`, `"10s"`, `"1h30m"`."""

Path = Union[str, PathLike[str]]

Secret = Union[str, Callable[[], str]]
"""Text, or a function that returns it.

The client calls the function on a separate thread before its first read of the store and before
each request that sends credentials, never while a cached token can be returned.
"""

Function = Callable[[Event], object]


class RegistryOptions(TypedDict, total=False):
    """The options of a registry."""

    proxy: str | None
    """The proxy for all requests, for example `http://proxy.example:3128` or
    `socks5h://proxy.example:1080`, with `USER@` before the host if it requires a login; `none` for
    no proxy. The default is that of the system: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
    `NO_PROXY`."""
    proxy_password_file: Path | None
    """Read the password for the proxy from this file, which must hold it on one line."""
    no_proxy: str | None
    """The servers to reach without a proxy, in place of `NO_PROXY`: domains, addresses and CIDR
    blocks, each with a port or not, separated by commas."""
    user_agent: str | None
    """The `User-Agent` header of all requests. The default is `tokenlease/` and the version."""
    client_cert: Path | None
    """The client certificate to present to servers that request one: a PEM file with its chain, or
    the PEM text itself without the key."""
    client_key: Path | None
    """The private key of the client certificate: an unencrypted PEM file, or the PEM text itself.
    By default it is in the file of `client_cert`."""
    ca: Path | None
    """A PEM file of certificate authorities to trust in addition to the system's, or the PEM text
    itself. A self-signed certificate of a server is trusted as that very certificate."""
    allow_plain_http: bool | None
    """Allow `http://` servers. Dangerous: passwords and tokens are sent unencrypted, and everyone
    on the network path can read them. Not needed for localhost."""
    timeout: Duration | None
    """The timeout of one request, for example `500ms` or `10s`. The default is 10 seconds."""
    max_concurrent_logins: int | str | None
    """How many logins to send to one server at once, from 1 to 10000. Further ones wait for their
    turn. The default is 8 for each process."""
    store: str | None
    """Where to share tokens: `file:/path` or `file:` (a folder of this user), `memory:` (this
    process only), or the URL of a Redis or PostgreSQL server for many hosts. The default is the
    memory of the process. Opening a store blocks."""
    store_password_file: Path | None
    """Read the password for the Redis or PostgreSQL server from this file, which must hold it on
    one line. The URL has none then."""
    store_password_command: str | None
    """Run this command and use the first line of its output as the password for the Redis or
    PostgreSQL server. It is run like `password_command`."""
    store_access: Literal["user", "group"] | None
    """Which users may use the store's folder. The default is `user`, its user alone. With `group`,
    all users of the folder's group can read and replace its tokens, for example several service
    accounts; set it for all of them."""
    store_key: Literal["keyring", "kernel-keyring", "passphrase"] | bytes | None
    """Where the store's encryption key comes from, if not from a file. By default a folder has its
    own key. All processes that share a store need the same key. Or the key itself: 32 bytes."""
    store_key_file: Path | None
    """Read the store's encryption key from this file: 32 bytes, raw, in hexadecimal or in
    base64."""
    store_passphrase_file: Path | None
    """Derive the store's encryption key from the passphrase in this file, which must hold it on one
    line."""
    proxy_password: str | None
    """The password for the proxy."""
    store_password: str | None
    """The password for the Redis or PostgreSQL server."""
    store_passphrase: str | None
    """A passphrase from which the store's key is derived."""


class _Shared(RegistryOptions, total=False):
    """The options of all clients."""

    subject: str | None
    """The application's own name of the user whom the token is for, for portals whose users'
    secrets are new each time. The token is then served for each secret: the application vouches for
    the user. By default there is none, and a token is served for the same secrets only."""
    without_login: bool | None
    """Never log in, so that no password is needed: for processes that validate or revoke tokens, or
    use those that other processes share by the store. Set `subject` for those."""
    deadline: Duration | None
    """The timeout of the whole call, including retries and waits, for example `1m`. The default is
    30 seconds."""
    password_file: Path | None
    """Read the password from this file, which must hold it on one line. Only you should be able to
    read the file."""
    password_command: str | None
    """Run this command and use the first line of its output as the password, for example `pass show
    erp`. It is run by `sh -c` (Windows: `cmd /C`). Other users can see the command, so put no
    secret in it."""
    on_store_outage: Literal["fail", "refetch-only", "login-within-budget"] | None
    """The behavior while the store is unavailable. The default is `refetch-only` if the provider
    can refetch (winkas), else `fail`. A store that answers with an error, such as a wrong password
    or a full disk, is not unavailable: nothing is sent for a token then, under any policy."""
    store_check_interval: Duration | None
    """How often to check the store for changes. A revocation by another process is seen after this
    time at the latest. The default is 30 seconds."""
    password: Secret | None
    """The password of the user."""
    registry: Registry | None
    """The registry to share with other clients. Without it, the client takes the options of a
    registry too."""
    on_event: Function | None
    """A function that gets each event of the client, in their order, on a thread that does nothing
    else: it may block and call the client. If more than 256 events wait, the oldest are dropped.
    `close` waits until it has returned from all of them."""


class _OAuth(_Shared, total=False):
    """The options of clients of Wyn Enterprise and OAuth2 servers."""

    scope: str | None
    """The scopes to request, separated by spaces (wyn, oauth2). By default none are requested."""
    extra: str | list[str] | dict[str, str | list[str]] | None
    """An extra field of the token request, for example `audience=https://api.example` (wyn,
    oauth2). A dict or a list sets several; a name may have several values. Tokens are shared only
    among callers with the same fields."""
    client_auth: Literal["body", "basic", "basic-raw"] | None
    """Where to send the client ID and the client secret (wyn, oauth2). The default for oauth2 is
    `basic`; for wyn it is `body` in token requests and `basic` in revocations."""
    token_path: str | None
    """The path of the token endpoint, relative to the base URL. The default for wyn is
    `/connect/token`. Without it, oauth2 takes all paths that are not set from the server's
    discovery document (`/.well-known/openid-configuration` or `oauth-authorization-server`), or
    uses `/token` if the server has none."""
    revocation_path: str | None
    """The path of the revocation endpoint. The default for wyn is `/connect/revocation`; oauth2 has
    none but that of the discovery document. An empty path means that the server has none."""
    introspection_path: str | None
    """The path of the introspection endpoint. The default for oauth2 is that of the discovery
    document, unless userinfo is used. It is asked before a userinfo endpoint, because it says
    more."""
    userinfo_path: str | None
    """The path of the userinfo endpoint. The default for wyn is `/connect/userinfo`; for oauth2 it
    is that of the discovery document, for users with the scope `openid`. An empty path means that
    the server has none."""
    new_token_ends_old: bool | None
    """The server ends older tokens of an identity when it issues a new one (wyn, oauth2). No
    response says this. If set, a token is used until it expires instead of being refreshed
    early."""
    max_lifetime: Duration | None
    """An upper limit for lifetimes that the server states (wyn, oauth2), for example `12h`. By
    default there is no limit."""
    client_secret_file: Path | None
    """Read the client secret from this file, which must hold it on one line (wyn, oauth2)."""
    extra_secret_file: str | list[str] | dict[str, Path | list[Path]] | None
    """Read an extra field of the token request from a file, which must hold its secret value on one
    line (wyn, oauth2). A dict or a list sets several."""
    client_secret: Secret | None
    """The client secret."""
    extra_secret: dict[str, Secret | list[Secret]] | None
    """Extra fields of the token request whose values are secret; a name may have several values."""


class _OfWinkas(TypedDict, total=False):
    """The options of WinKAS Air alone."""

    agreed_lifetime: Duration | None
    """The lifetime of tokens by agreement with the provider, if no response states it (winkas), for
    example `24h`. The default is 12 hours; longer lifetimes are learned."""


class _OfWyn(TypedDict, total=False):
    """The options of Wyn Enterprise alone."""

    tenant: str | None
    """The organization, with a leading slash: `/Org/SubOrg` (wyn). The default is `/`, the global
    organization."""
    lifetime: Duration | None
    """The lifetime to request for new tokens, for example `8h` (wyn). By default the server
    decides: 10 years on a Wyn server as installed."""
    token_header: Literal["authorization", "reference-token"] | None
    """The header that presents a token to the server's API (wyn). The default is
    `authorization`."""


class _OfOAuth2(TypedDict, total=False):
    """The options of OAuth2 servers alone."""

    grant: Literal["password", "client_credentials"] | None
    """The OAuth 2.0 grant of a login (oauth2). The default is `password` if `user` is set, else
    `client_credentials`."""


class Options(_OAuth, _OfWinkas, _OfWyn, _OfOAuth2, total=False):
    """The options of `Client` and `AsyncClient`."""

    provider: Literal["winkas", "wyn", "oauth2"] | None
    """The server's API."""
    server: str | None
    """The server's base URL, for example `https://wyn.example.com`. The default for winkas is
    `https://air.winkas.net`."""
    user: str | None
    """The user to log in as."""
    contract: str | None
    """The contract code (winkas)."""
    client_id: str | None
    """The client ID (wyn, oauth2). The default for wyn is `integration`."""
    profile: str | None
    """The profile of the configuration file that has the options. Other arguments override it."""
    profile_file: Path | None
    """The configuration file. The default is that of the variable `TOKENLEASE_CONFIG`, else
    `tokenlease/config.toml` in the user's folder of settings."""


class _Winkas(TypedDict):
    """The options that `Client.winkas` requires."""

    user: str
    contract: str


class WinkasOptions(_Winkas, _Shared, _OfWinkas, total=False):
    """The options of `Client.winkas`."""

    server: str | None
    """The server's base URL, for example `https://wyn.example.com`. The default for winkas is
    `https://air.winkas.net`."""


class _Wyn(TypedDict):
    """The options that `Client.wyn` requires."""

    server: str
    user: str


class WynOptions(_Wyn, _OAuth, _OfWyn, total=False):
    """The options of `Client.wyn`."""

    client_id: str | None
    """The client ID (wyn, oauth2). The default for wyn is `integration`."""


class _OAuth2(TypedDict):
    """The options that `Client.oauth2` requires."""

    server: str
    client_id: str


class OAuth2Options(_OAuth2, _OAuth, _OfOAuth2, total=False):
    """The options of `Client.oauth2`."""

    user: str | None
    """The user to log in as."""
