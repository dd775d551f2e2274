"""Gets, caches and shares API tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers.

`Client` is for threads and `AsyncClient` for event loops; a `Registry` shares a store and HTTP
settings among clients. Importing this module starts no thread and reads no file.
"""

from tokenlease import _interpreter

_interpreter.check()

from tokenlease._async import AsyncClient  # noqa: E402
from tokenlease._errors import (  # noqa: E402
    ConfigError,
    CredentialsRejectedError,
    DeadlineExceededError,
    ForkedError,
    InternalError,
    InterruptedWaitError,
    InvalidResponseError,
    NotRevokedError,
    StoreError,
    ThrottledError,
    TokenLeaseError,
    TokenRejectedError,
    TransportError,
    UnavailableError,
    UnsupportedError,
)
from tokenlease._tokenlease import (  # noqa: E402
    Client,
    Registry,
    Replaced,
    Stats,
    StillActive,
    Token,
    __version__,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenlease._status import Backoff, Status

__all__ = [
    "AsyncClient",
    "Backoff",
    "Client",
    "ConfigError",
    "CredentialsRejectedError",
    "DeadlineExceededError",
    "ForkedError",
    "InternalError",
    "InterruptedWaitError",
    "InvalidResponseError",
    "NotRevokedError",
    "Registry",
    "Replaced",
    "Stats",
    "Status",
    "StillActive",
    "StoreError",
    "ThrottledError",
    "Token",
    "TokenLeaseError",
    "TokenRejectedError",
    "TransportError",
    "UnavailableError",
    "UnsupportedError",
    "__version__",
]


def __getattr__(name: str) -> type:
    """Import the status of clients when it is first used: it needs slower modules."""
    if name not in {"Backoff", "Status"}:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from tokenlease import _status  # noqa: PLC0415

    found: type = getattr(_status, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
