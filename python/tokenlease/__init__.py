"""One API token for its whole life, shared by all who may use it.

`Client` for threads, `AsyncClient` for event loops, `Registry` for what clients share.
Importing this starts no thread and reads no file.
"""

from tokenlease._async import AsyncClient
from tokenlease._errors import (
    ConfigError,
    CredentialsRejectedError,
    DeadlineExceededError,
    ForkedError,
    InternalError,
    StoreError,
    ThrottledError,
    TokenLeaseError,
    TokenRejectedError,
    TransportError,
    UnavailableError,
    InvalidResponseError,
    UnsupportedError,
)
from tokenlease._tokenlease import (
    Client,
    Registry,
    Replaced,
    Stats,
    StillActive,
    Token,
    __version__,
)

__all__ = [
    "AsyncClient",
    "Client",
    "ConfigError",
    "CredentialsRejectedError",
    "DeadlineExceededError",
    "ForkedError",
    "InternalError",
    "Registry",
    "Replaced",
    "Stats",
    "StillActive",
    "StoreError",
    "ThrottledError",
    "Token",
    "TokenLeaseError",
    "TokenRejectedError",
    "TransportError",
    "UnavailableError",
    "InvalidResponseError",
    "UnsupportedError",
    "__version__",
]
