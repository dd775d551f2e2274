"""Exceptions, one class for each kind of error.

They are written in Python, so that an exception has attributes, can be pickled, and derives from
the built-in exception of the same meaning. The native module raises them by their kind.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import ClassVar


class TokenLeaseError(Exception):
    """The base class of all errors. The subclass and `kind` say which error it is.

    The message says what was wrong, what was expected and what to do. It contains no secret.
    """

    kind: ClassVar[str]
    """The name of the kind, the same in every language."""

    retryable: bool
    """Whether the same call may succeed later without a change."""

    status: int | None
    """The HTTP status of the provider's response, if a response was read."""

    code: str | None
    """The provider's error code: `error` of RFC 6749 section 5.2, or `WinkasErrorCode`."""

    retry_after: timedelta | None
    """The wait that the provider asked for in `Retry-After` (RFC 9110 section 10.2.3)."""

    until: datetime | None
    """The time, in UTC, before which a retry fails with the same error, if it is known."""

    def __init__(  # noqa: PLR0913
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        code: str | None = None,
        retry_after: timedelta | None = None,
        until: datetime | None = None,
    ) -> None:
        """Make an error with that message. A function that fetches credentials may raise one."""
        super().__init__(message)
        self.retryable = retryable
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.until = until


class ConfigError(TokenLeaseError, ValueError):
    """An option, an address or a scope is wrong. Correct the configuration."""

    kind = "config"


class CredentialsRejectedError(TokenLeaseError):
    """The provider rejected the user, the password, the contract or the client.

    Correct the credentials, then call `unblock`.
    """

    kind = "credentials_rejected"


class TokenRejectedError(TokenLeaseError):
    """The provider rejects the token itself.

    Or the client backs off before the next login that a rejected token causes.
    """

    kind = "token_rejected"


class ThrottledError(TokenLeaseError):
    """The provider asks to wait, or a limit that protects the account applies.

    Retry after `until`.
    """

    kind = "throttled"


class UnavailableError(TokenLeaseError):
    """The provider cannot answer now. Retry later."""

    kind = "unavailable"


class InvalidResponseError(TokenLeaseError):
    """The provider's response could not be parsed. Check the address and the server's version."""

    kind = "invalid_response"


class TransportError(TokenLeaseError, ConnectionError):
    """No response arrived. Check the network, the proxy and the TLS settings."""

    kind = "transport"


class DeadlineExceededError(TokenLeaseError, TimeoutError):
    """The deadline of the call passed."""

    kind = "deadline_exceeded"


class StoreError(TokenLeaseError):
    """The shared store failed. Check its address, its permissions and its key."""

    kind = "store"


class UnsupportedError(TokenLeaseError):
    """The provider, or its configuration, does not support the call."""

    kind = "unsupported"


class ForkedError(TokenLeaseError, RuntimeError):
    """The process was forked, and the client cannot be used in the child.

    `Client` and `AsyncClient` work in a forked child; a `hosted.Machine` raises it.
    """

    kind = "forked"


class InternalError(TokenLeaseError, RuntimeError):
    """A bug in tokenlease. Please report it."""

    kind = "internal"


class NotRevokedError(TokenLeaseError):
    """The provider accepted the revocation of a token, but calls it active afterwards.

    The token stays in use. Use the client that received it.
    """

    kind = "not_revoked"


class InterruptedWaitError(TokenLeaseError):
    """`interrupt` ended the wait, on another thread. Call again to wait again."""

    kind = "interrupted"


BY_KIND: dict[str, type[TokenLeaseError]] = {
    error.kind: error
    for error in (
        ConfigError,
        CredentialsRejectedError,
        TokenRejectedError,
        ThrottledError,
        UnavailableError,
        InvalidResponseError,
        TransportError,
        DeadlineExceededError,
        StoreError,
        UnsupportedError,
        ForkedError,
        InternalError,
        NotRevokedError,
        InterruptedWaitError,
    )
}
"""The class of each kind. Importing the native module fails if a kind is missing."""

for _error in (TokenLeaseError, *BY_KIND.values()):
    # The name by which programs import it, in tracebacks and pickles.
    _error.__module__ = "tokenlease"
