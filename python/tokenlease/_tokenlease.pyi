"""The native module of tokenlease."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from os import PathLike
from typing import Literal, TypedDict, TypeVar, final

from typing_extensions import Self, TypeAlias, Unpack, disjoint_base

from tokenlease._status import Status

__all__ = [
    "ERROR_KINDS",
    "OPTIONS",
    "AsyncClient",
    "Client",
    "Registry",
    "Replaced",
    "Stats",
    "SteeredClock",
    "StillActive",
    "Token",
    "__version__",
    "_server_of",
]

__version__: str

OPTIONS: tuple[str, ...]
"""The names of the options, the same as in the program's profiles."""

ERROR_KINDS: tuple[str, ...]
"""The kinds of error."""

_Duration: TypeAlias = float | timedelta | str
"""Seconds, a `timedelta`, or text with a unit: `"500ms"`, `"10s"`, `"1h30m"`."""

_Path: TypeAlias = str | PathLike[str]
_Secret: TypeAlias = str | Callable[[], str]
_ExtraSecret: TypeAlias = dict[str, _Secret | list[_Secret]]
"""Fields by name; a name may have several values."""

_Response = TypeVar("_Response")
_Answer: TypeAlias = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str] | None]
"""The HTTP status, the body and, if there are any, the headers of an API's answer."""

class _HistoryEntry(TypedDict):
    at: str
    kind: Literal["login", "refetch", "rejection"]
    cause: str
    result: str
    host: str
    process: int
    credentials: str
    token: str | None
    lifetime_s: int | None
    without_store: bool

class _ExtraLogin(TypedDict):
    entry: int
    cause: str
    beside: int | None

class _History(TypedDict):
    entries: list[_HistoryEntry]
    logins: int
    minimum: int
    extra: list[_ExtraLogin]

class _Options(TypedDict, total=False):
    provider: Literal["winkas", "wyn", "oauth2"] | None
    server: str | None
    user: str | None
    contract: str | None
    client_id: str | None
    tenant: str | None
    scope: str | None
    extra: str | list[str] | dict[str, str | list[str]] | None
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
    proxy: str | None
    proxy_password_file: _Path | None
    no_proxy: str | None
    user_agent: str | None
    client_cert: _Path | None
    client_key: _Path | None
    ca: _Path | None
    allow_plain_http: bool | None
    timeout: _Duration | None
    max_concurrent_logins: int | str | None
    deadline: _Duration | None
    password_file: _Path | None
    password_command: str | None
    client_secret_file: _Path | None
    extra_secret_file: str | list[str] | dict[str, _Path | list[_Path]] | None
    store: str | None
    store_password_file: _Path | None
    store_password_command: str | None
    store_access: Literal["user", "group"] | None
    store_key: Literal["keyring", "kernel-keyring", "passphrase"] | None
    store_key_file: _Path | None
    store_passphrase_file: _Path | None
    on_store_outage: Literal["fail", "refetch-only", "login-within-budget"] | None
    store_check_interval: _Duration | None

@final
class Token:
    """The secret text of a token, with its kind.

    Its `repr` does not contain the text, and it cannot be pickled. Two tokens are equal if their
    texts and kinds are equal; the comparison takes constant time.
    """

    value: str
    """The token's text. It is a secret: do not log it."""

    @property
    def kind(self) -> Literal["winkas", "bearer"]:
        """How the token is presented: in the field `Token` of a JSON body, or as a Bearer token."""

    @property
    def authorization(self) -> str:
        """The value of the header `Authorization` (RFC 6750 section 2.1).

        Raises `ConfigError` for a token of WinKAS Air, which is not sent in a header.
        """

    @property
    def json_field(self) -> str:
        """The member of a JSON body in which WinKAS Air expects the token, escaped: `"Token":"…"`.

        Raises `ConfigError` for any other token, which is sent in a header.
        """

    def __new__(cls, value: str, *, kind: Literal["winkas", "bearer"]) -> Self:
        """Make a token from text, to `validate`, `report_rejected` or `revoke` it."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...

@final
class Replaced:
    """Another token is in use now. Repeat the API call once with it."""

    token: Token
    """The token to repeat the call with."""

    __match_args__ = ("token",)

    def __new__(cls, token: Token) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class StillActive:
    """The provider says that the token is active.

    The API rejected the call for another reason, such as a missing permission. Do not repeat it.
    """

    def __new__(cls) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Stats:
    """Counters of what a client has done since it was made."""

    logins: int
    """Requests for a new token."""

    refetches: int
    """Requests for the running token."""

    validations: int
    """Requests that ask whether a token is active: Validate, userinfo or introspection."""

    revocations: int
    """Requests that revoke a token."""

    store_calls: int
    """Calls to the store."""

    cache_misses: int
    """Calls that could not be answered from memory."""

    errors: int
    """Calls that raised an error."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Registry:
    """The store, the trusted certificates and the HTTP settings that several clients share.

    Clients without a registry share the default registry of the process, whose store is memory.

    - `store`: where leases are stored and shared: `"file:/path"` or `"file:"` (the user's folder),
      `"memory:"`, `"redis://…"`, `"postgres://…"`. Opening a store blocks.
    - `store_password_file`, `store_password_command`: a file with the password of the server, or a
      command that prints it. The URL has none then.
    - `store_access`: `"group"` lets all users of a folder's group use it; default: its user alone.
    - `store_key_file`, `store_passphrase_file`: a file with the store's key, or with a passphrase
      from which the key is derived. `store_key`: another source of the key; keyrings need a module
      that was built with them. Default for a folder: a key in the folder.
    - `ca`: a PEM file of certificates to trust in addition to the system's.
    - `allow_plain_http`: dangerous: sends passwords unencrypted to other machines.
    - `timeout`: how long one request may take; default: 10 s.
    """

    def __new__(
        cls,
        *,
        store: str | None = None,
        store_password_file: _Path | None = None,
        store_password_command: str | None = None,
        store_access: Literal["user", "group"] | None = None,
        store_key: Literal["keyring", "kernel-keyring", "passphrase"] | None = None,
        store_key_file: _Path | None = None,
        store_passphrase_file: _Path | None = None,
        ca: _Path | None = None,
        allow_plain_http: bool | None = None,
        timeout: _Duration | None = None,
    ) -> Self:
        """Make a registry and open its store.

        Raises `ConfigError` for an invalid option and `StoreError` if the store fails.
        """

@final
class Client:
    """Gets, caches and shares the token of one identity; its calls block the calling thread.

    A cached token is returned without a lock, a request or a wait. Otherwise concurrent callers
    share one request, each with its own deadline. Other threads run while a caller waits, and
    Ctrl-C ends the wait. Any number of threads may use a client.

    A client works in a forked child too: at its first call there it starts again with the same
    options and the token that its parent had in memory.

    In greenlets of gevent and eventlet, other greenlets run while a caller waits.

    In addition to the options of the program's profiles, which have the same names, it takes

    - `password`, `client_secret`: text, or a function that returns it. The client calls the
      function on a separate thread before its first read of the store and before each request that
      sends credentials, never while a cached token can be returned.
    - `extra_secret`: extra fields of the token request whose values are secret, each text or such
      a function: `{"connection": "SECRET"}`. Those that are not secret are the option `extra`:
      `{"audience": "https://api.example"}`, or `["audience=https://api.example"]`.
    - `registry`: the registry to share with other clients. Without it, the client takes the options
      of a registry too: `store`, `store_key_file`, `ca`, `allow_plain_http`, `timeout` and so on.
    """

    def __new__(
        cls,
        *,
        password: _Secret | None = None,
        client_secret: _Secret | None = None,
        extra_secret: _ExtraSecret | None = None,
        registry: Registry | None = None,
        **options: Unpack[_Options],
    ) -> Self:
        """Make a client. It sends nothing until a token is needed.

        Raises `ConfigError` for an option that is missing, unknown or invalid.
        """

    def token(self) -> Token:
        """Return the token to use now; wait at most the client's `deadline` (default: 30 s)."""

    def token_with(
        self,
        *,
        deadline: _Duration | None = None,
        min_remaining: _Duration | None = None,
    ) -> Token:
        """Return the token to use now, with options for this call.

        `deadline` is how long to wait at most; default: the client's `deadline`, 30 s unless set.
        `min_remaining` is the minimum remaining lifetime, clamped to half of the token's lifetime.
        For WinKAS, whose tokens have no stated expiry, it causes a validation and never a login.
        """

    def report_rejected(
        self, token: Token, *, deadline: _Duration | None = None
    ) -> Replaced | StillActive:
        """Report that an API rejected this token.

        The client checks the report with the provider before it acts on it. A thousand concurrent
        reports of one token cause one check and at most one new token.
        """

    def call(
        self,
        function: Callable[[Token], _Response],
        *,
        read: Callable[[_Response], _Answer] | None = None,
    ) -> _Response:
        """Call an API with the token to use now, and return its response.

        `function` gets the token, calls the API and returns the response. If the API rejected the
        token, the client reports that, and calls `function` once more with the replacement. If the
        provider says that the token is active, the API's own answer is the result.

        A response of requests or httpx is read by itself, and so is a tuple of status, body and
        headers. `read` makes such a tuple of any other response.
        """

    def read_answer(
        self,
        status: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Literal["not_rejected", "rejected", "ask"]:
        """Read an API's answer to a call with this client's token. It sends nothing.

        For `"rejected"` call `report_rejected`. For `"ask"` too: the cause may be the token, such
        as in a failed call inside a WinKAS envelope, and the provider is asked.
        """

    def status(self) -> Status:
        """Return when the token expires, its age, source and generation, and the backoffs.

        It reads the store, and sends no request to the provider.
        """

    def validate(self, token: Token, *, deadline: _Duration | None = None) -> bool:
        """Ask the provider whether a token is active. It may be any token."""

    def refetch(self, *, deadline: _Duration | None = None) -> Token:
        """Ask the provider for the running token (WinKAS), regardless of memory and store."""

    def revoke(
        self, token: Token, *, deadline: _Duration | None = None
    ) -> Literal["proven", "unproven"]:
        """Revoke a token at the provider, for every process that shares it.

        Returns `"proven"` if the token was active before, and the provider then called it
        inactive. Raises `NotRevokedError` if the provider calls it active afterwards, and
        `UnsupportedError` at WinKAS, which has no revocation: see `forget`. If the provider
        refuses the revocation, for example because of a wrong client secret, the token stays in
        use. If the response is lost, the client stops using the token, which may be active.
        """

    def forget(self) -> None:
        """Drop this client's token from memory and the store, without revoking it."""

    def unblock(self) -> None:
        """Allow credentials to be sent again after the provider rejected them.

        Call it after you corrected the credentials or the account was unlocked. The next call for a
        token then logs in once.
        """

    def explain(self) -> str:
        """Describe the current token without the secret: its state and its source."""

    def history(self) -> _History:
        """Return the last 32 logins, refetches and rejections of the identity, with their causes.

        It answers why a login was sent, on which host and by which process, and has no secret. The
        fields are those of `tokenlease history --output json`. It reads the store, and sends no
        request to the provider.
        """

    def stats(self) -> Stats:
        """Return counters of what this client has done since it was made."""

    def close(self, *, deadline: _Duration | None = None) -> None:
        """Wait until the client has no work in progress.

        A program that ends then leaves no unfinished login and no lock behind. It revokes no token.
        A `with` block closes its client, unless `KeyboardInterrupt` or a cancellation ends it.
        Raises `DeadlineExceededError` at the deadline, in seconds or as a `timedelta`.
        """

    def interrupt(self) -> None:
        """End all waits of this client that are under way, from any thread.

        They raise `InterruptedWaitError`. Later calls wait as before, and the work that other
        callers wait for goes on.
        """

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

@disjoint_base
class AsyncClient:
    def __new__(
        cls,
        *,
        password: _Secret | None = None,
        client_secret: _Secret | None = None,
        extra_secret: _ExtraSecret | None = None,
        registry: Registry | None = None,
        **options: Unpack[_Options],
    ) -> Self:
        """See `Client`."""

    def explain(self) -> str:
        """See `Client.explain`."""

    def read_answer(
        self,
        status: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Literal["not_rejected", "rejected", "ask"]:
        """See `Client.read_answer`."""

    def stats(self) -> Stats:
        """See `Client.stats`."""

    def interrupt(self) -> None:
        """See `Client.interrupt`."""

    def _cached(self) -> Token | None: ...
    def _cached_with(
        self, deadline: _Duration | None, min_remaining: _Duration | None
    ) -> Token | None: ...
    def _token(self) -> Awaitable[Token]: ...
    def _token_with(
        self, deadline: _Duration | None, min_remaining: _Duration | None
    ) -> Awaitable[Token]: ...
    def _report_rejected(
        self, token: Token, deadline: _Duration | None
    ) -> Awaitable[Replaced | StillActive]: ...
    def _validate(self, token: Token, deadline: _Duration | None) -> Awaitable[bool]: ...
    def _refetch(self, deadline: _Duration | None) -> Awaitable[Token]: ...
    def _revoke(
        self, token: Token, deadline: _Duration | None
    ) -> Awaitable[Literal["proven", "unproven"]]: ...
    def _forget(self) -> Awaitable[None]: ...
    def _unblock(self) -> Awaitable[None]: ...
    def _status(self) -> Awaitable[Status]: ...
    def _history(self) -> Awaitable[_History]: ...
    def _close(self, deadline: _Duration | None) -> Awaitable[None]: ...

@final
class SteeredClock:
    """A clock that shows the system's time until it is advanced. It is for tests.

    The clients of its registries take it for the system's clock. No other client can be moved.
    """

    def __new__(cls) -> Self:
        """Make a clock that shows the system's time."""

    def advance(self, duration: _Duration) -> None:
        """Let time pass, in seconds, as a `timedelta` or as text such as `"13h"`."""

    def registry(self) -> Registry:
        """Make a registry on this clock, whose store is memory."""

def _server_of(client: Client | AsyncClient) -> tuple[str, str]: ...
