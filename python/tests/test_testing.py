"""The pytest fixtures as a user's tests use them, and the program behind `python -m tokenlease`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import tokenlease
from tokenlease import Client, ConfigError, CredentialsRejectedError, Registry, ThrottledError
from tokenlease._tokenlease import OPTIONS
from tokenlease.testing import Emulator, Server

if TYPE_CHECKING:
    from tokenlease import Token


@pytest.fixture(params=["winkas_server", "wyn_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Run the test once for each provider."""
    found: Server = request.getfixturevalue(request.param)
    return found


# Rule: Expiry: a user's test in Python moves the clock of the server and of the client past a
# token's expiry.
def test_a_client_lives_through_the_end_of_its_token(winkas_server: Server) -> None:
    client = winkas_server.client()
    first = client.token()
    winkas_server.travel(hours=11)
    assert client.token() == first
    winkas_server.travel(hours=2)
    assert client.token() != first
    assert winkas_server.logins == 2


def test_a_stated_lifetime_ends(wyn_server: Server) -> None:
    wyn_server.set_options(lifetime_s=3600)
    client = wyn_server.client()
    assert client.token() == client.token()
    wyn_server.travel(minutes=61)
    client.token()
    assert wyn_server.logins == 2

    async def run() -> Token:
        async with wyn_server.async_client() as other:
            return await other.token()

    # Of the same registry.
    assert asyncio.run(run()) == client.token()
    assert wyn_server.logins == 2


@pytest.mark.parametrize("_again", [1, 2])
def test_each_test_begins_in_the_initial_state(server: Server, _again: int) -> None:
    assert set(server.counts.values()) == {0}
    server.client().token()
    server.travel(days=1)
    assert server.logins == 1


def test_faults_and_accounts(server: Server) -> None:
    server.fault("login", "status", status=429, retry_after_s=60)
    with pytest.raises(ThrottledError):
        server.client().token()
    server.travel(seconds=90)
    client = server.client()
    first = client.token()
    # A provider that calls a token inactive right after its login is not believed.
    server.travel(minutes=15)
    server.end_tokens()
    assert not client.validate(first)
    server.set_passwords("other")
    with pytest.raises(CredentialsRejectedError):
        server.client(password="wrong", registry=Registry()).token()
    assert server.client(password="other", registry=Registry()).token()


def test_an_emulator_without_pytest() -> None:
    with Emulator() as emulator:
        client = emulator.winkas.client()
        client.token()
        emulator.reset()
        assert emulator.winkas.logins == 0
        with pytest.raises(ValueError, match="the emulator refuses 'faults'"):
            emulator.winkas.fault("login", "no such kind")
        with pytest.raises(ConfigError, match="expected 0 seconds or more"):
            emulator.travel(hours=-1)


def test_no_option_moves_a_clock_and_the_package_imports_no_library() -> None:
    assert not any("clock" in option for option in OPTIONS)
    assert "SteeredClock" not in dir(tokenlease)
    late = ("testing", "requests", "httpx", "aiohttp", "json", "urllib")
    script = f"import sys, tokenlease; print([name for name in {late} if name in sys.modules"
    script += " or f'tokenlease.{name}' in sys.modules])"
    assert subprocess.check_output([sys.executable, "-I", "-c", script], text=True) == "[]\n"


# Rule: Languages: `python -m tokenlease` is the program `tokenlease`.
def test_the_module_runs_the_program(server: Server) -> None:
    command = [sys.executable, "-I", "-m", "tokenlease"]
    version = subprocess.check_output([*command, "--version"], text=True)
    assert version.split() == ["tokenlease", tokenlease.__version__]
    names = [name for name in server.options if name != "registry"]
    variables = {f"TOKENLEASE_{name.upper()}": server.options[name] for name in names}
    environment = {**os.environ, **variables, "TOKENLEASE_STORE": "memory:"}
    shown = subprocess.check_output([*command, "token", "--output", "json"], env=environment)
    token = tokenlease.Token(json.loads(shown)["token"], kind=server.client().token().kind)
    assert server.client().validate(token)
    failed = subprocess.run([*command, "no-such-command"], capture_output=True, check=False)
    assert failed.returncode == 2


def test_a_missing_program_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError, match=r"pip install \"tokenlease\[testing\]\""):
        Emulator()
    script = "import runpy, shutil; shutil.which = lambda *_, **__: None; "
    script += "runpy.run_module('tokenlease', run_name='__main__')"
    command = [sys.executable, "-I", "-c", script]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "pip install" in failed.stderr


def test_a_client_outside_the_registry_keeps_its_clock(winkas_server: Server) -> None:
    client = Client(**{**winkas_server.options, "registry": Registry()})
    first = client.token()
    winkas_server.travel(hours=13)
    assert client.token() == first
