from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tokenlease import AsyncClient, Client, ConfigError, CredentialsRejectedError, Token

if TYPE_CHECKING:
    from conftest import Emulator

    Answer = tuple[int, bytes, dict[str, str]]


class Api:
    """The API of an emulated provider, called by the standard library."""

    def __init__(self, emulator: Emulator, provider: str) -> None:
        self.server = emulator.options(provider)["server"]
        self.calls = 0

    def call(self, token: Token, *, forbidden: bool = False) -> Answer:
        self.calls += 1
        if token.kind == "winkas":
            path = "/api/Report/Forbidden" if forbidden else "/api/Report/Echo"
            body: bytes | None = f'{{"Text":"x",{token.json_field}}}'.encode()
            headers = {"Content-Type": "application/json"}
        else:
            path, body = "/api/v2/forbidden" if forbidden else "/api/v2/me", None
            headers = {"Authorization": token.authorization}
        request = Request(self.server + path, data=body, headers=headers)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except HTTPError as answer:
            return answer.code, answer.read(), dict(answer.headers)


# Rule: Rejection: in Python, `call` repeats the call of an API once if the token was inactive. A
# missing permission costs no login.
def test_call_repeats_a_call_once_for_an_inactive_token(emulator: Emulator, provider: str) -> None:
    client, api = Client(**emulator.options(provider)), Api(emulator, provider)
    assert client.call(api.call)[0] == 200
    emulator.control("tokens", {"end_token": client.token().value})
    assert client.call(api.call)[0] == 200
    assert (api.calls, emulator.logins(provider)) == (3, 2)
    status, body, _ = client.call(lambda token: api.call(token, forbidden=True))
    assert status == 403 or json.loads(body)["WinkasErrorCode"] != 0
    assert (api.calls, emulator.logins(provider)) == (4, 2)


def test_an_async_call_repeats_a_call_once(emulator: Emulator, provider: str) -> None:
    api = Api(emulator, provider)

    async def run() -> None:
        async with AsyncClient(**emulator.options(provider)) as client:

            async def call(token: Token) -> Answer:
                return await asyncio.to_thread(api.call, token)

            assert (await client.call(call))[0] == 200
            emulator.control("tokens", {"end_token": (await client.token()).value})
            assert (await client.call(call))[0] == 200
            assert (await client.status()).generation == 2

    asyncio.run(run())
    assert (api.calls, emulator.logins(provider)) == (3, 2)


def test_other_responses_are_read_by_a_function(emulator: Emulator) -> None:
    client = Client(**emulator.options("wyn"))
    responses: list[Any] = [object(), 7]
    while responses:
        with pytest.raises(TypeError, match="pass read=") as caught:
            client.call(lambda _: responses[-1])
        assert type(responses.pop()).__name__ in str(caught.value)
    assert client.call(lambda _: "answer", read=lambda _: (200, b"")) == "answer"
    with pytest.raises(ZeroDivisionError):
        client.call(lambda _: 1 / 0)

    class Response:
        status_code, content, headers = 200, b"", {"A": "b"}

    assert isinstance(client.call(lambda _: Response()), Response)


def test_an_answer_is_read_as_in_all_languages(emulator: Emulator) -> None:
    winkas, wyn = (Client(**emulator.options(provider)) for provider in ("winkas", "wyn"))
    assert winkas.read_answer(401) == "rejected"
    assert winkas.read_answer(200, b'{"WinkasErrorCode":7}') == "ask"
    assert wyn.read_answer(200, b'{"WinkasErrorCode":7}') == "not_rejected"
    scope = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    assert wyn.read_answer(401, b"", scope) == "not_rejected"
    assert wyn.read_answer(403) == "ask"
    assert wyn.read_answer(401, b"", {"Server": "\udce6"}) == "rejected"
    with pytest.raises(ValueError, match="the status is 99"):
        wyn.read_answer(99)


def test_a_token_is_presented_by_its_kind() -> None:
    winkas, bearer = Token('a"b', kind="winkas"), Token("abc", kind="bearer")
    assert json.loads(f"{{{winkas.json_field}}}") == {"Token": 'a"b'}
    assert bearer.authorization is bearer.authorization
    with pytest.raises(ConfigError, match="`json_field`"):
        _ = winkas.authorization
    with pytest.raises(ConfigError, match="`authorization`"):
        _ = bearer.json_field


# Rule: Formats: the status of a Python client has an aware expiry, its basis, age, source and
# generation.
def test_a_status_states_the_facts_of_the_token(emulator: Emulator, provider: str) -> None:
    client = Client(**emulator.options(provider))
    before = client.status()
    assert (before.live, before.expires_at, before.age, before.generation) == (False, None, None, 0)
    token = client.token()
    status = client.status()
    assert status.live
    assert status.expires_at is not None
    assert status.expires_at > datetime.now(timezone.utc) + timedelta(minutes=1)
    assert status.expiry == ("assumed" if provider == "winkas" else "stated")
    assert (status.source, status.generation) == ("login", 1)
    assert status.age is not None
    assert status.age < timedelta(minutes=10)
    assert (status.rejected, status.backoff, status.store_error) == (None, None, None)
    counts = [(one.counter, one.provider, one.cause, one.count) for one in status.counts]
    assert ("logins", provider, "first", 1) in counts
    assert token.value not in repr(status)


def test_a_status_states_rejected_credentials(emulator: Emulator) -> None:
    client = Client(**{**emulator.options("winkas"), "password": "canary"})
    with pytest.raises(CredentialsRejectedError):
        client.token()
    status = client.status()
    assert status.rejected is not None
    assert status.rejected.until > datetime.now(timezone.utc)
    assert "credentials rejected" in str(status.rejected.cause)
    assert "canary" not in repr(status)
