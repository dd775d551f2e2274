"""The header `Reference-Token`, which the option `token_header` chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from test_adapters import make, server
from test_redirects import call, other

import tokenlease.httpx
from tokenlease import Client

if TYPE_CHECKING:
    from conftest import Emulator
    from libraries import Seen, Server
    from test_adapters import Make

__all__ = ["make", "other", "server"]


@pytest.fixture
def options(emulator: Emulator) -> dict[str, Any]:
    """Return the options of a client whose API takes the token in that header."""
    return {**emulator.options("wyn"), "token_header": "reference-token"}


def token_of(seen: Seen) -> str:
    """Return the token of a request, which has no other header with it."""
    assert "Authorization" not in seen.headers
    return seen.headers["Reference-Token"]


# Rule: Languages: requests, httpx and aiohttp send the token in the header that the option
# `token_header` chooses, and repeat a call with it.
def test_the_chosen_header_has_the_token(
    emulator: Emulator, options: dict[str, Any], make: Make, server: Server
) -> None:
    library = make(options)
    for logins in (1, 2):
        assert library.call("GET", f"{options['server']}/api/v2/me")[0] == 200
        assert emulator.logins("wyn") == logins
        emulator.end_tokens()
    recorded = make(options, server.address)
    assert call(recorded, f"{server.address}/end") == 200
    assert token_of(server.seen[0]) == recorded.token().value


# Rule: Secrets: a redirect to another origin is followed without the header `Reference-Token`.
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_lacks_the_header(
    options: dict[str, Any], make: Make, server: Server, other: Server, status: int
) -> None:
    library = make(options, server.address)
    for hops in (1, 2):
        url = f"{other.address}/end"
        for _ in range(hops):
            url = f"{server.address}/to?status={status}&url={quote(url)}"
        assert call(library, url) == 200
    assert [seen.path for seen in other.seen] == ["/end"] * 2
    assert not any(seen.shows(token_of(server.seen[0])) for seen in other.seen)


@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_a_redirect_inside_the_origin_has_the_header(
    options: dict[str, Any], make: Make, server: Server, status: int
) -> None:
    library = make(options, server.address)
    for target in (f"{server.address}/end", "/end"):
        assert call(library, f"{server.address}/to?status={status}&url={target}") == 200
        assert server.seen[-1].path == "/end"
        assert token_of(server.seen[-1]) == token_of(server.seen[0])


def test_a_call_is_repeated_after_a_redirect(
    emulator: Emulator, options: dict[str, Any], make: Make, server: Server, other: Server
) -> None:
    library = make(options, server.address)
    assert call(library, f"{server.address}/end") == 200
    old = token_of(server.seen[0])
    emulator.end_tokens()
    server.inactive.add(old)
    url = f"{server.address}/to?status=307&url={other.address}/end"
    assert call(library, url) == 200
    new = token_of(server.seen[-1])
    assert (new != old, len(other.seen)) == (True, 1)
    assert not other.seen[0].shows(old)
    assert not other.seen[0].shows(new)


def test_httpx_shows_the_header_of_the_request_alone(
    options: dict[str, Any], server: Server
) -> None:
    auth = tokenlease.httpx.Auth(Client(**options), origin=server.address)
    with httpx.Client(auth=auth, trust_env=False) as http:
        given = {"Reference-Token": "of the caller", "X-Other": "kept"}
        sent = http.get(f"{server.address}/end", headers=given).request.headers
    token = token_of(server.seen[0])
    assert (sent["reference-token"], "REFERENCE-TOKEN" in sent) == (token, True)
    assert (server.seen[0].headers["X-Other"], "x-other" in sent) == ("kept", True)
    assert token not in repr(sent)
    assert "Reference-Token" not in sent.copy()
