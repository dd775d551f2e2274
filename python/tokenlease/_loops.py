"""The event loops and hubs besides asyncio: trio, gevent and eventlet.

Each is imported only by programs that use it. The native module completes a future of a loop by two
methods: `create_future`, and `call_soon_threadsafe`, which a thread of the client calls.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any


def running_loop() -> Any:  # noqa: ANN401
    """Return the event loop that runs the calling task."""
    trio = sys.modules.get("trio")
    # In trio's guest mode, a loop of asyncio runs beside it.
    if trio is not None and _in_trio(trio):
        return _trio_loop(trio)
    asyncio = sys.modules.get("asyncio")
    try:
        if asyncio is not None:
            return asyncio.get_running_loop()
    except RuntimeError:
        pass
    message = (
        "no running event loop; await AsyncClient in a task of asyncio or trio (anyio runs on "
        "both), or use Client in a thread"
    )
    raise RuntimeError(message)


def _in_trio(trio: Any) -> bool:  # noqa: ANN401
    """Return whether a task of trio runs."""
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


class _Future:
    """The result of a call, for one waiting task."""

    _result: object = None
    _error: BaseException | None = None
    _is_done = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: object) -> None:
        self._result = result
        self._complete()

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._complete()

    def _complete(self) -> None:
        self._is_done = True
        self._wake()

    def _wake(self) -> None:
        raise NotImplementedError

    def _get(self) -> object:
        if self._error is not None:
            raise self._error
        return self._result


class _TrioFuture(_Future):
    def __init__(self, trio: Any) -> None:  # noqa: ANN401
        self._event = trio.Event()

    def _wake(self) -> None:
        self._event.set()

    def __await__(self) -> Generator[Any, Any, object]:
        yield from self._event.wait().__await__()
        return self._get()


class _TrioLoop:
    """One run of trio."""

    def __init__(self, trio: Any) -> None:  # noqa: ANN401
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()

    def create_future(self) -> _TrioFuture:
        return _TrioFuture(self._trio)

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        # It fails after the end of the run, when no task waits.
        self._token.run_sync_soon(callback)


def _trio_loop(trio: Any) -> _TrioLoop:  # noqa: ANN401
    """Return the loop of this run, made once for it."""
    name = "_tokenlease_loop"
    variable = getattr(trio.lowlevel, name, None)
    if variable is None:
        variable = trio.lowlevel.RunVar(name, default=None)
        setattr(trio.lowlevel, name, variable)
    loop: _TrioLoop | None = variable.get()
    if loop is None:
        loop = _TrioLoop(trio)
        variable.set(loop)
    return loop


class _Hub:
    """A hub of greenlets. A thread of the client completes the future, and wakes the hub."""

    def __init__(self, future: Callable[[], _Future]) -> None:
        self._future = future

    def create_future(self) -> _Future:
        return self._future()

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        callback()


class _GeventFuture(_Future):
    def __init__(self, event: Any, hub: Any) -> None:  # noqa: ANN401
        self._event = event
        # The only call of gevent that other threads may make is `send`.
        self._watcher = hub.loop.async_()
        self._watcher.start(self._event.set)

    def _wake(self) -> None:
        self._watcher.send()

    def wait(self) -> object:
        """Run other greenlets until the result is there."""
        try:
            self._event.wait()
        finally:
            # A result that arrives later finds the future done, and does not wake the hub.
            self._is_done = True
            self._watcher.stop()
            self._watcher.close()
        return self._get()


class _EventletFuture(_Future):
    def __init__(self, eventlet: Any) -> None:  # noqa: ANN401
        self._hubs = eventlet.hubs
        original = eventlet.patcher.original
        self._os = original("os")
        # Held while the pipe is used: its numbers may be those of other files later.
        self._lock = original("_thread").allocate_lock()
        self._pipe: tuple[int, int] | None = self._os.pipe()

    def _wake(self) -> None:
        with self._lock:
            if self._pipe is not None:
                self._os.write(self._pipe[1], b"\0")

    def wait(self) -> object:
        """Run other greenlets until the result is there."""
        assert self._pipe is not None  # noqa: S101
        try:
            self._hubs.trampoline(self._pipe[0], read=True)
        finally:
            with self._lock:
                pipe, self._pipe = self._pipe, None
            for number in pipe or ():
                self._os.close(number)
            self._is_done = True
        return self._get()


def running_hub() -> _Hub | None:
    """Return the hub that runs the calling greenlet, or `None` in a thread that runs no hub."""
    getcurrent = import_module("greenlet").getcurrent
    gevent = sys.modules.get("gevent")
    if gevent is not None:
        hub = sys.modules["gevent._hub_local"].get_hub_if_exists()
        # The hub itself cannot wait for another greenlet.
        if hub is not None and getcurrent() is not hub:
            event = import_module("gevent.event").Event
            return _Hub(lambda: _GeventFuture(event(), hub))
    eventlet = sys.modules.get("eventlet")
    if eventlet is not None:
        hub = getattr(sys.modules["eventlet.hubs"]._threadlocal, "hub", None)  # noqa: SLF001
        if hub is not None and getcurrent() is not hub.greenlet:
            return _Hub(lambda: _EventletFuture(eventlet))
    return None
