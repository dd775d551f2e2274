"""Redirects: a token never goes to another origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import libraries
import pytest
from libraries import Library, Server
from test_adapters import make, server

import tokenlease.httpx
from tokenlease import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Emulator
    from test_adapters import Make

__all__ = ["make", "server"]


@pytest.fixture
def other() -> Iterator[Server]:
    """Run a server at another origin."""
    yield from libraries.serve()


def call(library: Library, url: str) -> int:
    """Call an API."""
    return library.call("POST", url, json={"Text": "x"})[0]


def token_of(seen: libraries.Seen, provider: str) -> str:
    """Return the token of a request."""
    if provider == "winkas":
        return str(json.loads(seen.body)["Token"])
    return seen.headers["Authorization"][len("Bearer ") :]


# Rule: Secrets: a redirect to another origin is followed without the token, neither in a header nor
# in a body.
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_gets_no_token(  # noqa: PLR0913, PLR0917 - fixtures
    emulator: Emulator, provider: str, make: Make, server: Server, other: Server, status: int
) -> None:
    library = make(emulator.options(provider), server.address)
    # Through a redirect inside the origin, too.
    for hops in (1, 2):
        url = f"{other.address}/end"
        for _ in range(hops):
            url = f"{server.address}/to?status={status}&url={quote(url)}"
        assert call(library, url) == 200
    token = token_of(server.seen[0], provider)
    assert [seen.path for seen in other.seen] == ["/end"] * 2
    for seen in other.seen:
        assert not seen.shows(token), seen
        if status in (307, 308):
            assert json.loads(seen.body) == {"Text": "x"}
    assert emulator.logins(provider) == 1


# Rule: Secrets: a redirect inside an API's origin is followed with the token.
@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_inside_the_origin_keeps_the_token(
    emulator: Emulator, provider: str, make: Make, server: Server, status: int
) -> None:
    library = make(emulator.options(provider), server.address)
    for target in (f"{server.address}/end", "/end"):
        assert call(library, f"{server.address}/to?status={status}&url={target}") == 200
        last = server.seen[-1]
        assert last.path == "/end"
        if provider == "wyn" or status != 302:
            assert last.shows(token_of(server.seen[0], provider))


def test_a_repeated_call_is_redirected(
    emulator: Emulator, provider: str, make: Make, server: Server
) -> None:
    library = make(emulator.options(provider), server.address)
    own = f"{server.address}/to?status=307&url=/end"
    assert call(library, own) == 200
    old = token_of(server.seen[0], provider)
    emulator.end_tokens()
    server.inactive.add(old)
    # The first is repeated with the new token, which the redirect keeps.
    assert call(library, own) == 200
    new = token_of(server.seen[-1], provider)
    assert (new != old, server.seen[-1].path) == (True, "/end")
    assert emulator.logins(provider) == 2


def test_a_repeated_call_is_redirected_to_another_origin(
    emulator: Emulator, provider: str, make: Make, server: Server, other: Server
) -> None:
    library = make(emulator.options(provider), server.address)
    assert call(library, f"{server.address}/end") == 200
    old = token_of(server.seen[0], provider)
    emulator.end_tokens()
    server.inactive.add(old)
    url = f"{server.address}/to?status=307&url={other.address}/end"
    assert call(library, url) == 200
    new = library.token().value
    assert (new != old, len(other.seen)) == (True, 1)
    assert server.seen[-1].shows(new)
    assert not other.seen[0].shows(old)
    assert not other.seen[0].shows(new)
    assert json.loads(other.seen[0].body) == {"Text": "x"}


# Rule: Secrets: no spelling of a redirect's address gets a token to another origin.
def test_no_spelling_of_an_address_gets_the_token(
    emulator: Emulator, provider: str, make: Make, server: Server, other: Server
) -> None:
    library = make(emulator.options(provider), server.address)
    own, foreign = server.address[len("http://") :], other.address[len("http://") :]
    spellings = [
        f"//{foreign}/a",
        f"http:\\\\{foreign}/b",
        f"http://{own}@{foreign}/c",
        f"http://{own}\\@{foreign}/d",
        f"http://{foreign}\\@{own}/e",
        f"http://{own}#@{foreign}/f",
        f"http://{foreign}#@{own}/g",
        f"\\\\{foreign}/h",
        f"/\\{foreign}/i",
        f"HTTP://{foreign}/j",
        f" http://{foreign}/k",
        f"http://{foreign}:{own.split(':')[1]}/l",
        f"http://localhost:{foreign.split(':')[1]}/m",
    ]
    for spelling in spellings:
        url = f"{server.address}/to?status=307&url={quote(spelling)}"
        try:
            call(library, url)
        except Exception:  # noqa: BLE001, S112 - a library may refuse the address
            continue
    token = token_of(server.seen[0], provider)
    assert other.seen, "some spellings arrive"
    assert not any(seen.shows(token) for seen in other.seen)


# Rule: Secrets: a request to another origin than the API's is sent without the token.
def test_a_request_to_another_origin_gets_no_token(
    emulator: Emulator, provider: str, make: Make, other: Server
) -> None:
    library = make(emulator.options(provider))
    assert call(library, f"{other.address}/x") == 200
    assert "Authorization" not in other.seen[0].headers
    assert json.loads(other.seen[0].body) == {"Text": "x"}
    assert emulator.logins(provider) == 0


def test_a_rejection_at_another_origin_is_not_reported(
    emulator: Emulator, provider: str, make: Make, server: Server, other: Server
) -> None:
    library = make(emulator.options(provider), server.address)
    other.inactive.add("")
    url = f"{server.address}/to?status=307&url={other.address}/end"
    emulator_calls = []
    for _ in range(2):
        assert call(library, url) == 401
        emulator_calls.append(emulator.control("counts")[provider])
    assert len(other.seen) == 2
    assert emulator_calls[0] == emulator_calls[1]


def test_a_redirect_that_the_caller_follows(
    emulator: Emulator, provider: str, server: Server, other: Server
) -> None:
    auth = tokenlease.httpx.Auth(Client(**emulator.options(provider)), origin=server.address)
    with httpx.Client(auth=auth, trust_env=False) as http:
        for target in (server, other):
            url = f"{server.address}/to?status=307&url={target.address}/end"
            answer = http.post(url, json={"Text": "x"})
            following: Any = answer.next_request
            assert answer.status_code == 307
            assert http.send(following).status_code == 200
    token = token_of(server.seen[0], provider)
    assert token_of(server.seen[1], provider) == token
    assert not other.seen[0].shows(token)
