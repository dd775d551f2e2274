"""Both providers for tests, on loopback, with a clock that a test moves together with the client's.

The pytest fixtures `winkas_server` and `wyn_server` need no import:

```python
def test_a_report_after_a_night(winkas_server):
    client = winkas_server.client()
    first = client.token()
    winkas_server.travel(hours=13)  # the token has expired
    assert client.token() != first
    assert winkas_server.logins == 2
```

They run the program of the package `tokenlease-emulator`: `pip install "tokenlease[testing]"`.
"""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from tokenlease import AsyncClient, Client, _program
from tokenlease._tokenlease import SteeredClock

if TYPE_CHECKING:
    from typing_extensions import Self

    from tokenlease import Registry

__all__ = ["Emulator", "Server", "SteeredClock"]


class Emulator:
    """A running emulator of both providers. As a context manager, it ends with its block.

    It starts the program `tokenlease emulate` on free ports. Raises `FileNotFoundError` if the
    program is not installed.
    """

    winkas: Server
    """WinKAS Air."""

    wyn: Server
    """Wyn Enterprise."""

    def __init__(self) -> None:
        """Start the emulator, and wait until it is ready."""
        command = [_program.find(), "emulate"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
        assert self._process.stdout is not None  # noqa: S101
        line = self._process.stdout.readline()
        if not line:
            message = f"the emulator ended with code {self._process.wait()} before it was ready"
            raise RuntimeError(message)
        self._ready: dict[str, Any] = json.loads(line)
        self._start()

    def _start(self) -> None:
        self._clock = SteeredClock()
        self._registry = self._clock.registry()
        self.winkas = Server(self, "winkas", self._ready["winkas"])
        self.wyn = Server(self, "wyn", self._ready["wyn"])

    def reset(self) -> None:
        """Restore the initial state: no tokens, faults or counts, and no time that has passed.

        Use new clients afterwards: earlier ones keep their clock and their token.
        """
        self.control("reset", {})
        self._start()

    def travel(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let time pass for both providers and for all clients of their registry.

        Python's own clocks do not move. Raises `ConfigError` for a negative time.
        """
        time = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._clock.advance(time)
        self.control("clock", {"advance_ms": round(time.total_seconds() * 1000)})

    def control(self, call: str, body: object = None) -> Any:  # noqa: ANN401
        """Make a call of the emulator's control API, such as `details`, and return its answer.

        The README of the crate `tokenlease-emulator` lists the calls. A call with a body is a
        POST. Raises `ValueError` with the emulator's message if it refuses the call.
        """
        from urllib.error import HTTPError  # noqa: PLC0415 - slow to import
        from urllib.request import ProxyHandler, Request, build_opener  # noqa: PLC0415

        url = f"{self._ready['wyn']['server']}/_emulator/{call}"
        data = None if body is None else json.dumps(body).encode()
        try:
            # Not through a proxy of the environment.
            with build_opener(ProxyHandler({})).open(Request(url, data), timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                message = f"the emulator refuses {call!r}: {refused.read().decode()}"
            raise ValueError(message) from None

    def close(self) -> None:
        """End the emulator."""
        self._process.terminate()
        self._process.communicate()

    def __enter__(self) -> Self:
        """Return the emulator itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the emulator."""
        self.close()


class Server:
    """A provider of an emulator, with an account that the options of `client` name."""

    provider: Literal["winkas", "wyn"]
    """The provider, as the option `provider`."""

    url: str
    """The address, as the option `server`: of the token endpoints, and of two APIs to call."""

    registry: Registry
    """The registry whose clients `travel` moves, for a client that the program under test makes.

    Its store is memory. Both providers share it.
    """

    options: dict[str, Any]
    """The options of a client: the server, the account and the registry."""

    def __init__(
        self, emulator: Emulator, provider: Literal["winkas", "wyn"], ready: dict[str, Any]
    ) -> None:
        """Describe a provider of a running emulator. The emulator does it."""
        self._emulator = emulator
        self.provider, self.url, self.registry = provider, ready["server"], emulator._registry  # noqa: SLF001
        # The others are of the API resource, which introspects.
        names = ("server", "user", "contract", "password", "client_id", "client_secret")
        self.options = {"provider": provider, "registry": self.registry}
        self.options.update((name, ready[name]) for name in names if name in ready)

    def client(self, **options: Any) -> Client:  # noqa: ANN401
        """Make a client of the account. `options` override those of the server."""
        return Client(**{**self.options, **options})

    def async_client(self, **options: Any) -> AsyncClient:  # noqa: ANN401
        """Make a client for event loops. See `client`."""
        return AsyncClient(**{**self.options, **options})

    def travel(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let time pass. See `Emulator.travel`."""
        self._emulator.travel(days=days, hours=hours, minutes=minutes, seconds=seconds)

    @property
    def logins(self) -> int:
        """The number of requests for a new token."""
        return self.counts["login"]

    @property
    def counts(self) -> dict[str, int]:
        """The number of requests for each purpose, such as `login`, `refetch` and `api`."""
        counts: dict[str, int] = self._emulator.control("counts")[self.provider]
        return counts

    def fault(self, endpoint: str, kind: str, *, times: int = 1, **fields: object) -> None:
        """Answer the next calls of an endpoint wrongly: `fault("login", "status", status=503)`.

        The README of the crate `tokenlease-emulator` lists the endpoints, the kinds and their
        fields. Faults of one endpoint apply in the order in which they were added.
        """
        body = {"endpoint": f"{self.provider}.{endpoint}", "kind": kind, "times": times, **fields}
        self._emulator.control("faults", body)

    def end_tokens(self) -> None:
        """End all tokens of the provider, as another system's logout does."""
        self._emulator.control("tokens", {"end": self.provider})

    def set_passwords(self, *passwords: str) -> None:
        """Accept these passwords of the account, and no others."""
        body = {"provider": self.provider, "passwords": passwords, "unlock": True}
        self._emulator.control("account", body)

    def set_options(self, **options: object) -> None:
        """Change the provider's behaviour: `set_options(lifetime_s=3600)`.

        The README of the crate `tokenlease-emulator` lists the options.
        """
        self._emulator.control("options", {self.provider: options})
