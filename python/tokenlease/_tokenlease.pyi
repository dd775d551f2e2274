"""The native half of tokenlease."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from os import PathLike
from typing import Literal, TypedDict, final

from typing_extensions import Self, TypeAlias, Unpack, disjoint_base

__all__ = [
    "ERROR_KINDS",
    "OPTIONS",
    "AsyncClient",
    "Client",
    "Registry",
    "Replaced",
    "Stats",
    "StillActive",
    "Token",
    "__version__",
]

__version__: str

OPTIONS: tuple[str, ...]
"""The options' names, the same as those of the program's profiles."""

ERROR_KINDS: tuple[str, ...]
"""The kinds of error."""

_Duration: TypeAlias = float | timedelta | str
"""Seconds, a `timedelta`, or text with units: `"500ms"`, `"10s"`, `"1h30m"`."""

_Path: TypeAlias = str | PathLike[str]
_Secret: TypeAlias = str | Callable[[], str]

class _Options(TypedDict, total=False):
    provider: Literal["winkas", "wyn", "oauth2"] | None
    server: str | None
    user: str | None
    contract: str | None
    client_id: str | None
    tenant: str | None
    scope: str | None
    lifetime: _Duration | None
    grant: Literal["password", "client_credentials"] | None
    client_auth: Literal["body", "basic", "basic-raw"] | None
    token_path: str | None
    revocation_path: str | None
    introspection_path: str | None
    userinfo_path: str | None
    new_token_ends_old: bool | None
    agreed_lifetime: _Duration | None
    max_lifetime: _Duration | None
    ca: _Path | None
    allow_plain_http: bool | None
    timeout: _Duration | None
    deadline: _Duration | None
    password_file: _Path | None
    password_command: str | None
    client_secret_file: _Path | None
    store: str | None
    store_key: Literal["keyring", "kernel-keyring", "passphrase"] | None
    store_key_file: _Path | None
    store_passphrase_file: _Path | None
    on_store_outage: Literal["fail", "refetch-only", "login-within-budget"] | None
    store_check_interval: _Duration | None

@final
class Token:
    """The secret text that the provider issued, with its kind.

    It is never printed and not pickled. Two are equal if their texts and kinds are, which is found
    out in constant time.
    """

    value: str
    """The token's text. Whoever reads it is responsible for where it goes."""

    @property
    def kind(self) -> Literal["winkas", "bearer"]:
        """How it is presented: in the field `Token` of a JSON body, or as a Bearer token."""

    @property
    def authorization(self) -> str:
        """The value of the header `Authorization`.

        A `ConfigError` for a token of WinKAS Air, which goes into no header.
        """

    def __new__(cls, value: str, *, kind: Literal["winkas", "bearer"]) -> Self:
        """Make one of a text from elsewhere, to `validate`, `report_rejected` or `revoke` it."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...

@final
class Replaced:
    """Another token is in use now: call the API once more with it."""

    token: Token
    """The token to call with."""

    __match_args__ = ("token",)

    def __new__(cls, token: Token) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class StillActive:
    """The provider says that the token is active, so the rejection is about something else.

    A permission, for one: don't call again.
    """

    def __new__(cls) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Stats:
    """What a client has done since it was made."""

    logins: int
    """Requests for a new token that were sent."""

    refetches: int
    """Requests for the running token that were sent."""

    validations: int
    """Questions about a token that were sent: Validate, userinfo or introspection."""

    revocations: int
    """Revocations that were sent."""

    store_calls: int
    """Calls of the store."""

    cache_misses: int
    """Callers that the cached token could not answer."""

    errors: int
    """Callers that were answered with an error."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Registry:
    """What many clients share: the store, trust, and how long a request may take.

    Clients that name none share the registry of their process, whose store is its memory.

    - `store`: where leases are kept and shared: `"file:/path"` or `"file:"` (the user's folder),
      `"memory:"`, `"redis://…"`, `"postgres://…"`. Opening it blocks.
    - `store_key_file`, `store_passphrase_file`: a file with the store's key, or with a passphrase
      that it is made of; `store_key`: who keeps the key else, where the module was built with
      keyrings. A folder has one of its own unless given.
    - `ca`: a file of certificates in PEM that are trusted too, beside the system's.
    - `allow_plain_http`: dangerous: sends passwords unencrypted to other machines.
    - `timeout`: how long one request may take: 10 s unless given.
    """

    def __new__(
        cls,
        *,
        store: str | None = None,
        store_key: Literal["keyring", "kernel-keyring", "passphrase"] | None = None,
        store_key_file: _Path | None = None,
        store_passphrase_file: _Path | None = None,
        ca: _Path | None = None,
        allow_plain_http: bool | None = None,
        timeout: _Duration | None = None,
    ) -> Self:
        """Make one; a `ConfigError` says what is wrong with an option."""

@final
class Client:
    """Gets, keeps and shares the token of one identity, for threads.

    While a token is fresh, asking for it costs no lock, no request and no wait. Otherwise one
    flight gets it for all who ask, each by a deadline of their own; other threads run meanwhile,
    and Ctrl-C ends the wait. It may be used by any number of threads.

    A process that was forked off makes clients of its own: those of its parent raise `ForkedError`
    as soon as they would have to wait.

    Beside the options of the program's profiles, by the same names, it takes

    - `password`, `client_secret`: text, or a function that returns it. A function is called on a
      thread of its own before the first look and before each send of credentials, never while a
      cached token serves;
    - `registry`: what it shares with other clients. Without one, `store`, `store_key_file`, `ca`,
      `allow_plain_http` and `timeout` may be given here.
    """

    def __new__(
        cls,
        *,
        password: _Secret | None = None,
        client_secret: _Secret | None = None,
        registry: Registry | None = None,
        **options: Unpack[_Options],
    ) -> Self:
        """Make one; it sends nothing until it is asked.

        A `ConfigError` says which option is missing, unknown or wrong.
        """

    def token(self) -> Token:
        """Give the token to use now, or wait for it until the client's own deadline."""

    def token_with(
        self,
        *,
        deadline: _Duration | None = None,
        min_remaining: _Duration | None = None,
    ) -> Token:
        """Give the token to use now, by a deadline or with a wish of the caller's own.

        `deadline` is how long to wait at most: 30 s, unless the client was made with another.
        `min_remaining` is the life that should be left: a wish, clamped to a half of the token's
        life. For WinKAS, whose ends nobody states, it means a validation now, never a new token.
        """

    def report_rejected(self, token: Token) -> Replaced | StillActive:
        """Claim that an API rejected this token.

        The claim is checked with the provider before it is believed; a thousand claims on one token
        are one check and at most one new token.
        """

    def validate(self, token: Token) -> bool:
        """Ask the provider whether a token, this client's or any other, is active."""

    def refetch(self) -> Token:
        """Ask the provider for the running token (WinKAS), whatever memory and store hold."""

    def revoke(self, token: Token) -> Literal["proven", "unproven"]:
        """End a token for all who share it, and tell the provider.

        `"proven"`: the provider said afterwards that it is not active. An `UnsupportedError` at
        WinKAS, which has no such call: see `forget`. If the provider could not be told, the token is
        not used any more, but may still be active.
        """

    def forget(self) -> None:
        """Drop this client's token here and in the store, without ending it at the provider."""

    def unblock(self) -> None:
        """Say that the credentials are right, or that the account was unlocked.

        What stops them is lifted, and the next caller is served by one login.
        """

    def explain(self) -> str:
        """Tell where the token in hand stands and how it came, without the secret."""

    def stats(self) -> Stats:
        """Count what this client has done since it was made."""

    def close(self) -> None:
        """Wait until nothing is under way for this client.

        So a short-lived process leaves no login half done and no lock taken. It ends no token.
        """

    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...

@disjoint_base
class AsyncClient:
    def __new__(
        cls,
        *,
        password: _Secret | None = None,
        client_secret: _Secret | None = None,
        registry: Registry | None = None,
        **options: Unpack[_Options],
    ) -> Self:
        """As `Client`."""

    def explain(self) -> str:
        """See `Client.explain`."""

    def stats(self) -> Stats:
        """See `Client.stats`."""

    def _cached(self) -> Token | None: ...
    def _token(self) -> Awaitable[Token]: ...
    def _token_with(
        self, deadline: _Duration | None, min_remaining: _Duration | None
    ) -> Awaitable[Token]: ...
    def _reject(self, token: Token) -> Awaitable[Replaced | StillActive]: ...
    def _validate(self, token: Token) -> Awaitable[bool]: ...
    def _refetch(self) -> Awaitable[Token]: ...
    def _revoke(self, token: Token) -> Awaitable[Literal["proven", "unproven"]]: ...
    def _forget(self) -> Awaitable[None]: ...
    def _reset(self) -> Awaitable[None]: ...
    def _close(self) -> Awaitable[None]: ...
