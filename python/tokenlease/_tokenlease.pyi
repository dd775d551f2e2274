"""The native module of tokenlease."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Generic, Literal, Protocol, TypedDict, TypeVar, final, overload

from typing_extensions import Self, TypeAlias, Unpack, disjoint_base

from tokenlease._options import (
    OAuth2Options,
    Options,
    RegistryOptions,
    Secret,
    WinkasOptions,
    WynOptions,
)
from tokenlease._status import Count, Status

__all__ = [
    "ERROR_KINDS",
    "OPTIONS",
    "AsyncClient",
    "Client",
    "Effect",
    "Event",
    "Exchange",
    "Machine",
    "MachineCall",
    "Meaning",
    "Registry",
    "Replaced",
    "Request",
    "Stats",
    "SteeredClock",
    "StillActive",
    "Token",
    "__version__",
    "_server_of",
    "option_table",
]

__version__: str

OPTIONS: tuple[str, ...]
"""The names of the options, the same as in the program's profiles."""

ERROR_KINDS: tuple[str, ...]
"""The kinds of error."""

_Duration: TypeAlias = float | timedelta | str

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

class _Lease(TypedDict):
    fingerprint: str
    live: bool
    generation: int
    sent_at: str
    age_s: int
    expiry: str
    expires_at: str | None
    remaining_s: int | None
    validated_at: str | None
    clocks_parted_s: int | None

class _RegistryEntry(TypedDict):
    identity: str
    server: str
    user: str
    subject: str | None
    source: Literal["memory", "store", "refetch", "login", "adopted"]
    lease: _Lease

class _EndError(TypedDict):
    kind: str
    message: str

class _EndedEntry(TypedDict):
    identity: str
    subject: str | None
    result: Literal["no_token", "forgotten", "revoked", "proven", "failed"]
    error: _EndError | None

class _EndReport(TypedDict):
    proven: int
    failed: int
    entries: list[_EndedEntry]

class _Secrets(TypedDict, total=False):
    password: Secret | None
    client_secret: Secret | None
    extra_secret: dict[str, Secret | list[Secret]] | None

class _OptionInfo(TypedDict):
    name: str
    type: str
    choices: tuple[str, ...]
    default: str | None
    providers: tuple[Literal["winkas", "wyn", "oauth2"], ...]
    registry: bool
    meaning: str

def option_table() -> list[_OptionInfo]:
    """Return the options of clients, with their types, defaults, providers and meanings."""

@final
class Event:
    """An event of a client, such as a login. It contains no secret."""

    name: str
    """The name, such as `logged_in` or `circuit_opened`. It is the same in all languages."""

    text: str
    """The event in words, with its cause, and until when or for how long it lasts."""

    level: int
    """`logging.WARNING` for rejected credentials and outages, with their ends; else `DEBUG`."""

    def __eq__(self, other: object, /) -> bool: ...

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
    def header_name(self) -> str:
        """The name of the header in which the server's API takes the token.

        It is that of the option `token_header`: `Authorization` or `Reference-Token`. Raises
        `ConfigError` for a token of WinKAS Air, which is not sent in a header.
        """

    @property
    def header_value(self) -> str:
        """The value of that header.

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

    events_dropped: int
    """Events that `on_event` did not get, because more than 256 waited for it."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Registry:
    """The store, the trusted certificates and the HTTP settings that several clients share.

    Clients without a registry share the default registry of the process, whose store is memory.

    The options are those of `RegistryOptions`; at run time, `help` lists them.
    """

    def __new__(cls, **options: Unpack[RegistryOptions]) -> Self:
        """Make a registry and open its store.

        Raises `ConfigError` for an invalid option and `StoreError` if the store fails.
        """

    def entries(
        self, *, server: str | None = None, user: str | None = None, subject: str | None = None
    ) -> list[_RegistryEntry]:
        """List the live tokens that clients of the registry use, without secrets.

        The arguments select the tokens of a server, a user or a subject. It reads neither the store
        nor a server. The fields are described in `docs/json.md`.
        """

    def counts(self) -> tuple[Count, ...]:
        """Count logins, refetches, validations and rejections of all clients of the registry.

        They are listed by provider, cause and result, also those of clients that are gone.
        """

    def end(
        self,
        *,
        by: Literal["forgetting", "revocation"],
        server: str | None = None,
        user: str | None = None,
        subject: str | None = None,
    ) -> _EndReport:
        """End the tokens that the arguments select, for example of all users at a logout.

        `"revocation"` revokes them at the provider, for every process that shares them, and forgets
        them where the provider cannot revoke tokens. `"forgetting"` removes them from memory and
        store. The report says for each token whether the provider confirmed it. It blocks: in an
        event loop, call it by `asyncio.to_thread`.
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

    The options are those of `Options`; at run time, `help` lists them.
    """

    def __new__(cls, **options: Unpack[Options]) -> Self:
        """Make a client. It sends nothing until a token is needed.

        Raises `ConfigError` for an option that is missing, unknown or invalid.
        """

    @classmethod
    def winkas(cls, **options: Unpack[WinkasOptions]) -> Self:
        """Make a client of WinKAS Air."""

    @classmethod
    def wyn(cls, **options: Unpack[WynOptions]) -> Self:
        """Make a client of a Wyn Enterprise server."""

    @classmethod
    def oauth2(cls, **options: Unpack[OAuth2Options]) -> Self:
        """Make a client of an OAuth2 server."""

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """Make a client of the environment.

        It reads the variables `TOKENLEASE_…` of options and secrets, the credentials of a systemd
        service, and the profile that `TOKENLEASE_PROFILE` names. The given options override them.
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
        With 0, a call returns what it can at once, and otherwise raises `DeadlineExceededError`;
        its request goes on.
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

    def adopt(self, token: Token, *, lifetime: _Duration | None = None) -> None:
        """Use a token that was obtained elsewhere, and share it.

        `lifetime` is its remaining lifetime, if it is known. Raises `TokenRejectedError` for a
        token that is known to be inactive.
        """

    def set_credentials(self, **secrets: Unpack[_Secrets]) -> None:
        """Replace the credentials of this client, with text or with functions that return it.

        Its options stay as they are. A later call logs in with the new credentials, unless a token
        is cached or stored for them.
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
    def __new__(cls, **options: Unpack[Options]) -> Self:
        """See `Client`."""

    @classmethod
    def winkas(cls, **options: Unpack[WinkasOptions]) -> Self:
        """Make a client of WinKAS Air."""

    @classmethod
    def wyn(cls, **options: Unpack[WynOptions]) -> Self:
        """Make a client of a Wyn Enterprise server."""

    @classmethod
    def oauth2(cls, **options: Unpack[OAuth2Options]) -> Self:
        """Make a client of an OAuth2 server."""

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """Make a client of the environment.

        It reads the variables `TOKENLEASE_…` of options and secrets, the credentials of a systemd
        service, and the profile that `TOKENLEASE_PROFILE` names. The given options override them.
        """

    def set_credentials(self, **secrets: Unpack[_Secrets]) -> None:
        """See `Client.set_credentials`."""

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
    def _adopt(self, token: Token, lifetime: _Duration | None) -> Awaitable[None]: ...
    def _forget(self) -> Awaitable[None]: ...
    def _unblock(self) -> Awaitable[None]: ...
    def _status(self) -> Awaitable[Status]: ...
    def _history(self) -> Awaitable[_History]: ...
    def _close(self, deadline: _Duration | None) -> Awaitable[None]: ...

class _HasItems(Protocol):
    def items(self) -> Iterable[tuple[str, str]]: ...

_Headers: TypeAlias = _HasItems | Iterable[tuple[str, str]] | bytes
"""Headers by name, pairs of name and value, or the lines as the server sent them."""

_Stored: TypeAlias = tuple[int, bytes] | None
"""The revision of the stored record and its bytes; `None` without a record."""

_ResultT_co = TypeVar("_ResultT_co", covariant=True)

@final
class Request:
    """A request to send, once and as it is. Headers and body contain secrets, and so may the URL.

    Follow no redirect, keep no cookie, and repeat no attempt. Write none of it to a log.
    """

    method: str
    """The method, such as `POST`."""

    url: str
    """The URL. That of a WinKAS validation contains the token."""

    headers: tuple[tuple[str, str], ...]
    """The headers, without `Host` and `Content-Length`."""

    body: bytes
    """The body; empty without one."""

@final
class Meaning:
    """The meaning of an exchange's answer."""

    result: Literal["token", "active", "inactive", "revocation_accepted"]
    """The kind of answer."""

    token: Token | None
    """The new or running token, if the result is `token`."""

    lifetime: timedelta | None
    """The token's lifetime from when the request was sent; `None` if the provider states none."""

@final
class Exchange:
    """One request to the provider, and the meaning of its answer: bytes out, bytes in.

    It has no token, no store and no state, so nothing bounds the logins of a program that uses it:
    prefer a `Machine`. Send `request` with any HTTP library, and pass the answer to `read`.
    """

    request: Request
    """The request to send."""

    @overload
    def __new__(
        cls, kind: Literal["login", "refetch"], token: None = None, /, **options: Unpack[Options]
    ) -> Self: ...
    @overload
    def __new__(
        cls, kind: Literal["validate", "revoke"], token: Token, /, **options: Unpack[Options]
    ) -> Self:
        """Make an exchange of the options of a client. It sends nothing.

        No discovery document is read: set `token_path` for oauth2. Raises `UnsupportedError` if the
        provider has no such endpoint.
        """

    def read(
        self,
        status: int,
        headers: _Headers | None = None,
        body: bytes | None = None,
        *,
        broke_off: str | None = None,
    ) -> Meaning:
        """Read the answer. `broke_off` says how the body ended before its end, if it did.

        Raises the error that the provider answered, such as `CredentialsRejectedError`,
        `TokenRejectedError` if there is no token to refetch, and `TransportError` for a body that
        broke off.
        """

@final
class Effect:
    """Something that the program of a machine must do. One thread at a time uses it.

    An effect that gets no outcome counts as failed at the end of its timeout. An outcome that comes
    later is still used. A second outcome raises `RuntimeError`, and one of another action
    `ValueError`.
    """

    action: Literal["done", "wait", "send", "load", "lock", "renew", "save", "unlock"]
    """The action: `send` is the program's. `perform` does all others, unless the program has its
    own store or clocks."""

    request: Request | None
    """The request to send."""

    record_name: str | None
    """The name of the record: 64 hexadecimal digits."""

    lock_owner: str | None
    """The name of the lock's owner: ASCII without spaces."""

    lock_ttl: timedelta | None
    """How long the lock is to live from when it is granted."""

    expected_revision: int | None
    """The revision that must be stored for `save`; `None`: no record at all."""

    record: bytes | None
    """The bytes to save. They contain the token: encrypt them, and authenticate the name."""

    keep: timedelta | None
    """How long the record is of use; `None`: it must be kept."""

    @property
    def timeout(self) -> timedelta | None:
        """The time that is left: of a request, of a call to the store, or of a wait."""

    def perform(self) -> None:
        """Perform a wait, or an effect of the store at the machine's own store. It blocks.

        The wait ends earlier if another thread returned an outcome or began a call, and it is short
        in Python's main thread, so that Ctrl-C works: poll again.
        """

    def answered(
        self,
        status: int,
        headers: _Headers | None = None,
        body: bytes | None = None,
        *,
        broke_off: str | None = None,
    ) -> None:
        """Return the answer to a request, whichever its status is."""

    def not_sent(self, message: str) -> None:
        """Say that no byte of the request was written, and why. If that is not certain: `lost`."""

    def lost(self, message: str) -> None:
        """Say that no answer came, such as after a timeout: the request may have arrived."""

    def loaded(self, record: _Stored, *, store_time: float) -> None:
        """Return the stored record, and the store's clock in seconds since 1970."""

    def lock_result(self, granted: bool) -> None:
        """Return whether the owner has the lock now."""

    def saved(self, revision: int, *, store_time: float) -> None:
        """Say that the record was written, with its new revision and the store's clock."""

    def conflict(self, record: _Stored, *, store_time: float) -> None:
        """Say that nothing was written, since another revision than the expected one is stored."""

    def unlocked(self) -> None:
        """Say that the lock was released, if this owner had it."""

    def store_failed(self, message: str, *, rejected: bool = False) -> None:
        """Say that the program's store is unavailable, or that it rejected the call."""

@final
class MachineCall(Generic[_ResultT_co]):
    """A call of a machine. A call that is dropped ends; its request counts for other calls."""

    @property
    def is_complete(self) -> bool:
        """Whether the result can be read."""

    def result(self) -> _ResultT_co:
        """Return the result, once, as the method of `Client` with that name does.

        Raises the errors of that method, and `RuntimeError` if the call is not complete or its
        result was read before.
        """

@final
class Machine:
    """A client that sends nothing itself: it decides what to do, and the program does it.

    Begin a call and poll until the action is `done`; several threads may do that with one machine.
    The options are those of a `Client` but `on_event`; those of HTTP (`proxy`, certificates,
    `max_concurrent_logins`) do not apply. The credentials are read once. In a forked child its
    methods raise `ForkedError`: make another one there.
    """

    def __new__(cls, *, now: tuple[float, float] | None = None, **options: Unpack[Options]) -> Self:
        """Make a machine.

        `now` are the program's own clocks: a monotonic one, and the wall clock, in seconds since
        1970. `set_now` moves them, so a test needs no time to pass. Answer the effects of the store
        then, with its clock: a record's times are those of the store. Default: the system's clocks.
        """

    def set_now(self, elapsed: float, wall: float) -> None:
        """Move the clocks of a machine that was made with `now`."""

    @overload
    def begin(
        self,
        kind: Literal["token"],
        token: None = None,
        *,
        deadline: _Duration | None = None,
        min_remaining: _Duration | None = None,
    ) -> MachineCall[Token]: ...
    @overload
    def begin(
        self,
        kind: Literal["refetch"],
        token: None = None,
        *,
        deadline: _Duration | None = None,
        min_remaining: None = None,
    ) -> MachineCall[Token]: ...
    @overload
    def begin(
        self,
        kind: Literal["report_rejected"],
        token: Token,
        *,
        deadline: _Duration | None = None,
        min_remaining: None = None,
    ) -> MachineCall[Replaced | StillActive]: ...
    @overload
    def begin(
        self,
        kind: Literal["validate"],
        token: Token,
        *,
        deadline: _Duration | None = None,
        min_remaining: None = None,
    ) -> MachineCall[bool]: ...
    @overload
    def begin(
        self,
        kind: Literal["revoke"],
        token: Token,
        *,
        deadline: _Duration | None = None,
        min_remaining: None = None,
    ) -> MachineCall[Literal["proven", "unproven"]]: ...
    @overload
    def begin(
        self,
        kind: Literal["forget", "unblock"],
        token: None = None,
        *,
        deadline: _Duration | None = None,
        min_remaining: None = None,
    ) -> MachineCall[None]:
        """Begin a call: the method of `Client` with that name."""

    def poll(self, call: MachineCall[object] | None = None) -> Effect:
        """Return the next thing to do, of all calls of the machine.

        With a call, the machine is done when that call is complete and nothing is to be done now;
        without one, when nothing is under way.
        """

    def adopt(self, token: Token, *, lifetime: _Duration | None = None) -> None:
        """Use a token that was obtained elsewhere, with its remaining lifetime if it is known."""

    def explain(self) -> str:
        """Describe the current token without the secret: its state and its source."""

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
