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
    Event,
    Registry,
    Replaced,
    Stats,
    StillActive,
    Token,
    __version__,
    option_table,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenlease._options import (
        OAuth2Options,
        Options,
        RegistryOptions,
        WinkasOptions,
        WynOptions,
    )
    from tokenlease._status import Backoff, Count, Status

__all__ = [
    "AsyncClient",
    "Backoff",
    "Client",
    "ConfigError",
    "Count",
    "CredentialsRejectedError",
    "DeadlineExceededError",
    "Event",
    "ForkedError",
    "InternalError",
    "InterruptedWaitError",
    "InvalidResponseError",
    "NotRevokedError",
    "OAuth2Options",
    "Options",
    "Registry",
    "RegistryOptions",
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
    "WinkasOptions",
    "WynOptions",
    "__version__",
    "option_table",
]


_LATER = {
    "Backoff": "_status",
    "Count": "_status",
    "OAuth2Options": "_options",
    "Options": "_options",
    "RegistryOptions": "_options",
    "Status": "_status",
    "WinkasOptions": "_options",
    "WynOptions": "_options",
}
"""The names that are imported when they are first used, because they need slower modules."""


def __getattr__(name: str) -> type:
    """Import a name of another module when it is first used."""
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415

    found: type = getattr(import_module(f"tokenlease.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
