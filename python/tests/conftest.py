"""An emulator of both providers for each test, and Python programs that run beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = os.environ["TOKENLEASE_PROGRAM"]


@dataclass
class Emulator:
    """Both providers on loopback, with faults to inject and counts to read."""

    ready: dict[str, Any]

    def options(self, provider: str) -> dict[str, Any]:
        """Return the options of a client of that provider."""
        resource = ("api_resource", "api_secret")
        ready = {key: value for key, value in self.ready[provider].items() if key not in resource}
        return {"provider": provider, **ready}

    def control(self, call: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Control the emulator, or query it."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.ready['wyn']['server']}/_emulator/{call}", data=data)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def logins(self, provider: str) -> int:
        """Return the number of requests for a new token."""
        return int(self.control("counts")[provider]["login"])

    def end_tokens(self) -> None:
        """End all tokens."""
        self.control("tokens", {"end": "all"})

    def delay(self, provider: str, seconds: float, times: int = 1) -> None:
        """Delay the responses to the next requests for a new token."""
        fault = {"endpoint": f"{provider}.login", "kind": "delay", "times": times}
        self.control("faults", {**fault, "delay_ms": int(seconds * 1000)})


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    command = [PROGRAM, "emulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield Emulator(json.loads(program.stdout.readline()))
        finally:
            program.terminate()


@pytest.fixture(params=["winkas", "wyn"])
def provider(request: pytest.FixtureRequest) -> str:
    """Run the test once for each provider."""
    return str(request.param)


@dataclass
class Child:
    """A separate Python program. Its variable `options` has the options of a client."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """Return the next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def end(self, text: str | None = None) -> tuple[int, str, str]:
        """Send it text, wait until it ends, and return its exit code and its output."""
        out, err = self.process.communicate(text, timeout=60)
        return self.process.returncode, out, err


def start(script: str, options: dict[str, Any], *, talk: bool = False) -> Child:
    """Start a program, which reads text if `talk` is set."""
    head = f"import json, os, sys\noptions = json.loads({json.dumps(options)!r})\n"
    command = [sys.executable, "-I", "-c", head + script]
    pipe = subprocess.PIPE
    stdin = pipe if talk else None
    return Child(subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True))


def run(script: str, options: dict[str, Any] | None = None) -> str:
    """Run a program that must succeed, and return its output."""
    code, out, err = start(script, options or {}).end()
    assert (code, err) == (0, ""), (code, out, err)
    return out.strip()
