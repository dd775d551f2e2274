from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from conftest import run

import tokenlease
from tokenlease import AsyncClient, Client

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Emulator

    ClientClass = type[Client | AsyncClient]

SECRETS = {"password", "client_secret"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TOKENLEASE_"):
            monkeypatch.delenv(name)


def write_profile(folder: Path, options: dict[str, Any], name: str = "erp") -> Path:
    file = folder / "config.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
    file.write_text("\n".join([f"[profile.{name}]", *lines, ""]))
    return file


# Rule: Languages: a constructor for each provider makes Python's clients.
def test_each_provider_has_a_constructor(emulator: Emulator) -> None:
    winkas, wyn = emulator.options("winkas"), emulator.options("wyn")
    del winkas["provider"], wyn["provider"]
    for client in (Client.winkas(**winkas), Client.wyn(**wyn)):
        assert client.token().value
    oauth2 = {**wyn, "client_id": "integration", "token_path": "/connect/token"}
    client = Client.oauth2(**oauth2, grant="password", client_auth="body")
    assert client.token().kind == "bearer"
    assert isinstance(AsyncClient.winkas(**winkas), AsyncClient)
    with pytest.raises(TypeError, match="leave it out"):
        Client.wyn(provider="wyn", **wyn)  # type: ignore[call-arg]
    with pytest.raises(tokenlease.ConfigError, match="contract"):
        Client.wyn(contract="CODE", **wyn)  # type: ignore[call-arg]


# Rule: Languages: a client of Python reads a profile, and its arguments override it.
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_profile_has_the_options(
    emulator: Emulator, provider: str, tmp_path: Path, kind: ClientClass
) -> None:
    options = emulator.options(provider)
    secrets = {name: options.pop(name) for name in SECRETS & set(options)}
    file = write_profile(tmp_path, {**options, "user": "other"})
    client = kind(profile="erp", profile_file=file, user=options["user"], **secrets)
    assert options["user"] in repr(client)
    if isinstance(client, Client):
        assert client.token().value
    with pytest.raises(tokenlease.ConfigError, match='no profile "erq"'):
        kind(profile="erq", profile_file=file)
    with pytest.raises(tokenlease.ConfigError, match='"profile_file" is set without a profile'):
        kind(profile_file=file)


# Rule: Languages: `from_env` of Python's clients reads what the program reads.
def test_the_environment_has_the_options(
    emulator: Emulator, provider: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = emulator.options(provider)
    file = write_profile(tmp_path, {"provider": provider, "server": options.pop("server")})
    monkeypatch.setenv("TOKENLEASE_CONFIG", str(file))
    monkeypatch.setenv("TOKENLEASE_PROFILE", "erp")
    for name, value in options.items():
        monkeypatch.setenv(f"TOKENLEASE_{name.upper()}", value)
    token = Client.from_env().token()
    assert isinstance(AsyncClient.from_env(), AsyncClient)
    # A function overrides the variable, and what it omits comes from the environment.
    asked: list[str] = []

    def password() -> str:
        asked.append("password")
        return str(options["password"])

    client = Client.from_env(password=password, store="memory:")
    assert client.token().value
    assert asked
    assert Client.from_env(profile="erp", profile_file=file).token() == token
    monkeypatch.setenv("TOKENLEASE_TIMEOUT", "soon")
    with pytest.raises(tokenlease.ConfigError, match="TOKENLEASE_TIMEOUT"):
        Client.from_env()


def test_a_profile_is_read_before_a_fork(emulator: Emulator, provider: str, tmp_path: Path) -> None:
    options = emulator.options(provider)
    secrets = {name: options.pop(name) for name in SECRETS & set(options)}
    file = write_profile(tmp_path, options)
    script = f"""
import tokenlease
client = tokenlease.Client(profile="erp", profile_file={str(file)!r}, **options)
os.unlink({str(file)!r})
child = os.fork()
if child == 0:
    assert client.token().value
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    run(script, secrets)


MISSPELLED = {
    "pasword": "password",
    "clientsecret": "client_secret",
    "onevent": "on_event",
    "profil": "profile",
    "sever": "server",
    "registery": "registry",
}


# Rule: Languages: a misspelled argument of Python is an error that names the nearest known one.
@pytest.mark.parametrize(("wrong", "right"), MISSPELLED.items())
def test_a_misspelled_argument_is_an_error_with_the_nearest_name(wrong: str, right: str) -> None:
    arguments: dict[str, Any] = {wrong: "canary"}
    for kind in (Client, AsyncClient):
        with pytest.raises(tokenlease.ConfigError) as caught:
            kind(**arguments)
        assert f'did you mean "{right}"?' in str(caught.value)
        assert "canary" not in str(caught.value)
    with pytest.raises(tokenlease.ConfigError, match='no option "password"'):
        tokenlease.Registry(password="canary")  # type: ignore[call-arg]


# Rule: Languages: Python takes all options of the network, and PEM text where it takes a PEM file.
def test_the_options_of_the_network_are_taken(
    emulator: Emulator, provider: str, tmp_path: Path
) -> None:
    options = emulator.options(provider)
    network: dict[str, Any] = {"proxy": "none", "user_agent": "erp/1", "max_concurrent_logins": 2}
    assert Client(**options, **network, store="memory:").token().value
    with pytest.raises(tokenlease.ConfigError, match="certificate"):
        Client(**options, ca="-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"
    with pytest.raises(tokenlease.ConfigError) as caught:
        Client(**options, client_key=key)
    assert "without a client certificate" in str(caught.value)
    assert "canary" not in str(caught.value)
    with pytest.raises(tokenlease.ConfigError, match="3 bytes"):
        Client(**options, store="memory:", store_key=b"abc")
    shared: dict[str, Any] = {"store": f"file:{tmp_path / 'store'}"}
    token = Client(**options, **shared, store_key=bytes(32)).token()
    registry = tokenlease.Registry(**shared, store_key=bytes(32))
    assert Client(**options, registry=registry).token() == token
    events: list[tokenlease.Event] = []
    wrong_key = Client(**options, **shared, store_key=bytes([1] * 32), on_event=events.append)
    with contextlib.suppress(tokenlease.StoreError):  # WinKAS has a token to refetch
        wrong_key.token()
    wrong_key.close()
    assert "record_unreadable" in [event.name for event in events]
