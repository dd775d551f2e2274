"""What goes wrong, by what the caller does next.

Written in Python, so that an exception carries its facts, is pickled, and derives from the
standard's exception of the same meaning. The native module raises them by their kind.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import ClassVar


class TokenLeaseError(Exception):
    """Any error of tokenlease; which one it is, says its class and its `kind`.

    The text says what was wrong, what was expected and what to do, and names no secret.
    """

    kind: ClassVar[str]
    """The kind's name, the same in every language."""

    retryable: bool
    """Whether the same call may succeed later without anything being changed."""

    status: int | None
    """The HTTP status of the answer, if one was read."""

    code: str | None
    """The provider's own error code: RFC 6749 `error`, or WinKAS' `WinkasErrorCode`."""

    retry_after: timedelta | None
    """The wait that the provider asked for by `Retry-After`."""

    until: datetime | None
    """The moment before which the answer will not change, in UTC, if that is known."""

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
        """Make an error with that text; a function that fetches credentials may raise one."""
        super().__init__(message)
        self.retryable = retryable
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.until = until


class ConfigError(TokenLeaseError, ValueError):
    """An option, an address or a scope is wrong: mend the configuration."""

    kind = "config"


class CredentialsRejectedError(TokenLeaseError):
    """The provider rejected user, password, contract or client: mend them, then `unblock`."""

    kind = "credentials_rejected"


class TokenRejectedError(TokenLeaseError):
    """The provider says no to the token itself, or rejections of it are being spaced."""

    kind = "token_rejected"


class ThrottledError(TokenLeaseError):
    """The provider, or a limit that protects the account, asks to wait: come back after `until`."""

    kind = "throttled"


class UnavailableError(TokenLeaseError):
    """The provider can't answer now: try later."""

    kind = "unavailable"


class InvalidResponseError(TokenLeaseError):
    """The provider's answer could not be understood: look at the address and the version."""

    kind = "invalid_response"


class TransportError(TokenLeaseError, ConnectionError):
    """No answer came: look at network, proxy and TLS."""

    kind = "transport"


class DeadlineExceededError(TokenLeaseError, TimeoutError):
    """The caller's own deadline passed."""

    kind = "deadline_exceeded"


class StoreError(TokenLeaseError):
    """The store of shared leases failed: look at its address, rights and key."""

    kind = "store"


class UnsupportedError(TokenLeaseError):
    """The provider, or its configuration here, has no such call."""

    kind = "unsupported"


class ForkedError(TokenLeaseError, RuntimeError):
    """The process was forked after the client was made: make a new one in the child."""

    kind = "forked"


class InternalError(TokenLeaseError, RuntimeError):
    """A fault of tokenlease: please report it."""

    kind = "internal"


BY_KIND: dict[str, type[TokenLeaseError]] = {
    leaf.kind: leaf
    for leaf in (
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
    )
}
"""The class of each kind: the one table, which the import fails without."""
