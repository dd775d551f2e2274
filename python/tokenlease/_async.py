"""The client for event loops: coroutines over the futures of the native module."""

from __future__ import annotations

from tokenlease import _tokenlease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Literal, TypeVar

    from typing_extensions import Self

    from tokenlease._status import Status
    from tokenlease._tokenlease import Replaced, StillActive, Token, _Answer, _Duration, _History

    _R = TypeVar("_R")


class AsyncClient(_tokenlease.AsyncClient):
    """Gets, caches and shares the token of one identity; its calls are awaited in an event loop.

    It works with asyncio and its loops, and with trio. A cancelled task ends only its own wait; the
    request continues for other callers. Making a client or a registry with a `store` opens the
    store, which blocks: do it before the event loop serves requests.

    The options are those of `Client`.
    """

    __module__ = "tokenlease"

    async def token(self) -> Token:
        """See `Client.token`."""
        token = self._cached()
        return await self._token() if token is None else token

    async def token_with(
        self,
        *,
        deadline: _Duration | None = None,
        min_remaining: _Duration | None = None,
    ) -> Token:
        """See `Client.token_with`."""
        token = self._cached_with(deadline, min_remaining)
        return await self._token_with(deadline, min_remaining) if token is None else token

    async def report_rejected(
        self, token: Token, *, deadline: _Duration | None = None
    ) -> Replaced | StillActive:
        """See `Client.report_rejected`."""
        return await self._report_rejected(token, deadline)

    async def call(
        self,
        function: Callable[[Token], Awaitable[_R]],
        *,
        read: Callable[[_R], _Answer] | None = None,
    ) -> _R:
        """See `Client.call`. `function` is awaited."""
        from tokenlease._call import call_async  # noqa: PLC0415

        return await call_async(self, function, read)

    async def status(self) -> Status:
        """See `Client.status`."""
        return await self._status()

    async def validate(self, token: Token, *, deadline: _Duration | None = None) -> bool:
        """See `Client.validate`."""
        return await self._validate(token, deadline)

    async def refetch(self, *, deadline: _Duration | None = None) -> Token:
        """See `Client.refetch`."""
        return await self._refetch(deadline)

    async def revoke(
        self, token: Token, *, deadline: _Duration | None = None
    ) -> Literal["proven", "unproven"]:
        """See `Client.revoke`."""
        return await self._revoke(token, deadline)

    async def adopt(self, token: Token, *, lifetime: _Duration | None = None) -> None:
        """See `Client.adopt`."""
        await self._adopt(token, lifetime)

    async def forget(self) -> None:
        """See `Client.forget`."""
        await self._forget()

    async def unblock(self) -> None:
        """See `Client.unblock`."""
        await self._unblock()

    async def history(self) -> _History:
        """See `Client.history`."""
        return await self._history()

    async def close(self, *, deadline: _Duration | None = None) -> None:
        """See `Client.close`."""
        await self._close(deadline)

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the client, unless `KeyboardInterrupt` or a cancellation ends the block."""
        kind = exception[0] if exception else None
        if not isinstance(kind, type) or issubclass(kind, Exception):
            await self._close(None)


# `python -OO` has no documentation.
if AsyncClient.__doc__ and _tokenlease.AsyncClient.__doc__:
    _, _, _options = _tokenlease.AsyncClient.__doc__.partition("\n\n")
    AsyncClient.__doc__ += f"\n{_options}"
