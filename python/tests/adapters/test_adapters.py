"""The authentication for requests, httpx and aiohttp, against the emulator and other servers."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import libraries
import pytest
import requests
from libraries import LIBRARIES, Library, Server

import tokenlease.aiohttp
import tokenlease.httpx
import tokenlease.requests
from tokenlease import AsyncClient, Client, ConfigError, Registry, Token
from tokenlease._adapter import Origin, needs_body, origin_of, with_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Emulator

    Make = Callable[..., Library]


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server that is not the provider's."""
    yield from libraries.serve()


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.__name__)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make sessions of a library, and close them."""
    made: list[Library] = []

    def one(*arguments: Any, **options: Any) -> Library:  # noqa: ANN401
        made.append(request.param(*arguments, **options))
        return made[-1]

    yield one
    for library in made:
        library.close()


def api(provider: str, options: dict[str, Any], *, forbidden: bool = False) -> dict[str, Any]:
    """Return a call of the provider's API."""
    if provider == "winkas":
        path = "/api/Report/Forbidden" if forbidden else "/api/Report/Echo"
        return {"method": "POST", "url": options["server"] + path, "json": {"Text": "x"}}
    path = "/api/v2/forbidden" if forbidden else "/api/v2/me"
    return {"method": "GET", "url": options["server"] + path}


def check(provider: str, answer: tuple[int, bytes]) -> None:
    """Check that the API accepted the call."""
    assert answer[0] == 200
    if provider == "winkas":
        envelope = json.loads(answer[1])
        assert envelope["WinkasErrorCode"] == 0
        assert envelope["WinKasData"] == {"Text": "x"}


# Rule: Rejection: requests, httpx and aiohttp with a client's authentication attach its token, and
# repeat a call once with another token if the first was inactive.
def test_a_call_is_repeated_once_for_an_inactive_token(
    emulator: Emulator, provider: str, make: Make
) -> None:
    options = emulator.options(provider)
    library = make(options)
    check(provider, library.call(**api(provider, options)))
    emulator.end_tokens()
    check(provider, library.call(**api(provider, options)))
    assert emulator.logins(provider) == 2
    check(provider, library.call(**api(provider, options)))
    assert emulator.logins(provider) == 2


# Rule: Rejection: many concurrent calls with one rejected token cost one login in each HTTP library.
def test_concurrent_calls_with_a_rejected_token_cost_one_login(
    emulator: Emulator, provider: str, make: Make
) -> None:
    options = emulator.options(provider)
    library = make(options)
    for logins in (1, 2):
        for answer in library.calls(16, **api(provider, options)):
            check(provider, answer)
        assert emulator.logins(provider) == logins
        emulator.end_tokens()


# Rule: Rejection: a missing permission costs no login in any HTTP library.
def test_a_missing_permission_costs_no_login(emulator: Emulator, provider: str, make: Make) -> None:
    options = emulator.options(provider)
    library = make(options)
    for _ in range(2):
        status, body = library.call(**api(provider, options, forbidden=True))
        assert status == 403 or json.loads(body)["WinkasErrorCode"] != 0
    emulator.control("faults", {"endpoint": f"{provider}.api", "kind": "status", "status": 403})
    assert library.call(**api(provider, options)) == (403, b"")
    assert emulator.logins(provider) == 1


def test_a_401_for_an_active_token_is_the_answer(
    emulator: Emulator, provider: str, make: Make
) -> None:
    options = emulator.options(provider)
    library = make(options)
    emulator.control("faults", {"endpoint": f"{provider}.api", "kind": "status", "status": 401})
    assert library.call(**api(provider, options))[0] == 401
    check(provider, library.call(**api(provider, options)))
    assert emulator.logins(provider) == 1


# Rule: Rejection: a body that can be sent once is not repeated: the rejection is reported, and the
# answer of the API is returned.
def test_a_body_that_is_a_stream_is_not_repeated(
    emulator: Emulator, server: Server, make: Make
) -> None:
    options = emulator.options("wyn")
    library = make(options, server.address)
    url = f"{server.address}/upload"
    assert library.call("POST", url, data=library.stream())[0] == 200
    server.inactive.add(server.seen[0].headers["Authorization"][len("Bearer ") :])
    emulator.end_tokens()
    assert library.call("POST", url, data=library.stream())[0] == 401
    assert emulator.logins("wyn") == 2
    assert library.call("POST", url, data=library.stream())[0] == 200
    assert [seen.body for seen in server.seen] == [b"onetwo"] * 3


def test_a_body_that_can_be_sent_again_is_repeated_whole(
    emulator: Emulator, server: Server, make: Make
) -> None:
    library = make(emulator.options("wyn"), server.address)
    url = f"{server.address}/upload"
    assert library.call("POST", url, data=b"onetwo")[0] == 200
    server.inactive.add(server.seen[0].headers["Authorization"][len("Bearer ") :])
    emulator.end_tokens()
    assert library.call("POST", url, data=b"onetwo")[0] == 200
    assert [seen.body for seen in server.seen] == [b"onetwo"] * 3


def test_a_stream_cannot_hold_the_token_of_winkas(emulator: Emulator, make: Make) -> None:
    options = emulator.options("winkas")
    library = make(options)
    url = options["server"] + "/api/Report/Echo"
    for body in (library.stream(), b"[1]", b"canary", b"\xff"):
        with pytest.raises(ConfigError, match="expected a JSON object") as caught:
            library.call("POST", url, data=body)
        assert "canary" not in str(caught.value)


# Rule: Rejection: an answer that is read as a stream is not read to its end by the authentication.
def test_a_streamed_answer_stays_a_stream(emulator: Emulator, server: Server, make: Make) -> None:
    library = make(emulator.options("wyn"), server.address)
    assert library.open(f"{server.address}/held", server.release) == b"ab"


# Rule: Languages: requests, httpx and aiohttp get tokens for servers of other projects.
@pytest.mark.parametrize("which", [0, 1])
def test_other_servers_accept_the_token(make: Make, which: int) -> None:
    found = json.loads(os.environ["TOKENLEASE_SERVERS"])[which]
    options, url = found["options"], found["options"]["server"] + found["api"]
    library = make({**options, "registry": Registry()}, found["options"]["server"])
    assert library.call("GET", url)[0] == 200
    # Another program revokes the token, and the client learns of it by the API's answer.
    token = library.token()
    Client(**options, registry=Registry()).revoke(token)
    assert library.call("GET", url)[0] == 200
    assert library.token() != token


# Rule: Secrets: no log of an HTTP library or of its authentication shows a token.
def test_no_log_shows_a_token(
    emulator: Emulator, provider: str, make: Make, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    library = make(emulator.options(provider), server.address)
    assert library.call("POST", f"{server.address}/x", json={"Text": "x"})[0] == 200
    token = library.token()
    emulator.end_tokens()
    server.inactive.add(token.value)
    library.call("POST", f"{server.address}/to?status=307&url=/x", json={"Text": "x"})
    library.call("POST", emulator.options("wyn")["server"], json={"Text": "x"})
    assert "no token for http://127.0.0.1" in caplog.text
    assert server.seen[0].shows(token.value)
    for shown in (token.value, library.token().value):
        assert shown not in caplog.text
        assert shown not in repr(library.auth)


def test_an_auth_needs_the_client_of_its_kind(emulator: Emulator) -> None:
    options = emulator.options("wyn")
    client: Any = Client(**options)
    asynchronous: Any = AsyncClient(**options)
    auth = tokenlease.httpx.Auth(asynchronous)
    with httpx.Client(auth=auth) as http, pytest.raises(TypeError, match="AsyncClient"):
        http.get(options["server"])
    with pytest.raises(TypeError, match="AsyncClient"):
        tokenlease.aiohttp.Auth(client)
    with pytest.raises(TypeError, match="expected a Client"):
        tokenlease.requests.Auth(object())  # type: ignore[arg-type]
    assert emulator.logins("wyn") == 0


def test_an_oauth2_client_needs_the_address_of_the_api() -> None:
    options: Any = {"provider": "oauth2", "server": "https://id.example", "client_id": "app"}
    client = Client(**options, client_secret="s", grant="client_credentials")
    with pytest.raises(ConfigError, match="origin="):
        tokenlease.requests.Auth(client)
    for wrong in (
        "api.example",
        "ftp://api.example",
        "https://u:p@api.example",
        "https://a:x",
        "http://[",
    ):
        with pytest.raises(ConfigError, match="origin is no address"):
            tokenlease.requests.Auth(client, origin=wrong)
    tokenlease.requests.Auth(client, origin="https://api.example/v1")
    assert origin_of(client, "https://bücher.example").host == "xn--bcher-kva.example"


def test_the_versions_are_those_of_the_environment() -> None:
    """The environment of the oldest versions has them."""
    found = {module.__name__: module.__version__ for module in (aiohttp, httpx, requests)}
    assert found == json.loads(os.environ["TOKENLEASE_ADAPTERS"])


# Rule: Secrets: a token for one origin is not sent to another host or port, nor by a downgrade to
# `http`.
def test_an_origin_covers_itself_and_its_upgrade() -> None:
    plain, tls = Origin("http", "api.example", 80), Origin("https", "api.example", 443)
    assert plain.covers_url("http://API.example/x")
    assert plain.covers_url("https://api.example:443/x")
    assert tls.covers_url("https://api.example/x?y#z")
    for other in (
        "http://api.example",
        "http://api.example:443",
        "https://api.example:444",
        "https://example",
        "https://api.example.evil",
        "https://api.example@evil",
        "https://api.example:x",
        "//api.example",
        "",
    ):
        assert not tls.covers_url(other), other
    assert not Origin("http", "api.example", 8080).covers_url("https://api.example")
    assert Origin("http", "::1", 80).covers("http", "[::1]", None)


def test_a_token_goes_into_a_json_body_that_stays_as_it_is() -> None:
    token = Token('a"|b', kind="winkas")
    assert with_token(b' {"A": 1.0}', token) == b'{"Token":"a\\"|b","A": 1.0}'
    for empty in (None, b"", "{}", "{ }", '{"Token": "old"}'):
        assert json.loads(with_token(empty, token)) == {"Token": 'a"|b'}
    assert json.loads(with_token('{"Token":1,"B":"å"}', token)) == {"Token": 'a"|b', "B": "å"}


def test_only_answers_that_may_reject_are_read() -> None:
    winkas, bearer = Token("a", kind="winkas"), Token("a", kind="bearer")
    assert needs_body(winkas, 200, "text/json; charset=utf-8")
    assert needs_body(winkas, 200, None)
    assert not needs_body(winkas, 200, "application/pdf")
    assert not needs_body(winkas, 500, "application/json")
    assert not needs_body(bearer, 200, "application/json")
    assert needs_body(bearer, 403, "application/pdf")
