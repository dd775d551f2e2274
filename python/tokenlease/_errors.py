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
    """The vendor's own error code: RFC 6749 `error`, or WinKAS' `WinkasErrorCode`."""

    retry_after: timedelta | None
    """The wait that the vendor asked for by `Retry-After`."""

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


class CredentialsRefusedError(TokenLeaseError):
    """The vendor refused user, password, contract or client: mend them, then `reset`."""

    kind = "credentials_refused"


class TokenRefusedError(TokenLeaseError):
    """The vendor says no to the token itself, or refusals of it are being spaced."""

    kind = "token_refused"


class ThrottledError(TokenLeaseError):
    """The vendor, or a limit that protects the account, asks to wait: come back after `until`."""

    kind = "throttled"


class UnavailableError(TokenLeaseError):
    """The vendor can't answer now: try later."""

    kind = "unavailable"


class UnintelligibleError(TokenLeaseError):
    """The vendor's answer could not be understood: look at the address and the version."""

    kind = "unintelligible"


class TransportError(TokenLeaseError, ConnectionError):
    """No answer came: look at network, proxy and TLS."""

    kind = "transport"


class DeadlineError(TokenLeaseError, TimeoutError):
    """The caller's own deadline passed."""

    kind = "deadline"


class StoreError(TokenLeaseError):
    """The store of shared leases failed: look at its address, rights and key."""

    kind = "store"


class UnsupportedError(TokenLeaseError):
    """The vendor, or its configuration here, has no such call."""

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
        CredentialsRefusedError,
        TokenRefusedError,
        ThrottledError,
        UnavailableError,
        UnintelligibleError,
        TransportError,
        DeadlineError,
        StoreError,
        UnsupportedError,
        ForkedError,
        InternalError,
    )
}
"""The class of each kind: the one table, which the import fails without."""
