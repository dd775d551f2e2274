"""Programs that send the requests themselves."""

from __future__ import annotations

import contextlib
import http.client
import json
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import pytest
from conftest import run

import tokenlease
from tokenlease.hosted import Exchange, Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPMessage

    from conftest import Emulator

    from tokenlease.hosted import Effect, MachineCall, Request

_R = TypeVar("_R")


def send(request: Request, timeout: timedelta | None) -> tuple[int, HTTPMessage, bytes]:
    """Send a request with http.client."""
    url = urlsplit(request.url)
    assert timeout is not None
    connection = http.client.HTTPConnection(url.netloc, timeout=timeout.total_seconds())
    with contextlib.closing(connection):
        path = f"{url.path}?{url.query}" if url.query else url.path
        connection.request(request.method, path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def send_effect(effect: Effect) -> None:
    assert effect.request is not None
    effect.answered(*send(effect.request, effect.timeout))


def finish(
    machine: Machine,
    call: MachineCall[_R],
    send: Callable[[Effect], None] = send_effect,
    store: OwnStore | None = None,
) -> _R:
    """Perform the effects of a call, and return its result."""
    while (effect := machine.poll(call)).action != "done":
        if effect.action == "send":
            send(effect)
        elif store is None or effect.action == "wait":
            effect.perform()
        else:
            assert effect.record_name is not None
            assert len(effect.record_name) == 64
            store.perform(effect)
    assert call.is_complete
    return call.result()


class OwnStore:
    """A store of the program: one record, its revision and the lock's owner."""

    def __init__(self, now: float = 1_700_000_000) -> None:
        self.now = now
        self.record: tuple[int, bytes] | None = None
        self.owner: str | None = None

    def perform(self, effect: Effect) -> None:
        found = self.record[0] if self.record else None
        if effect.action == "load":
            effect.loaded(self.record, store_time=self.now)
        elif effect.action in {"lock", "renew"}:
            assert effect.lock_ttl
            self.owner = self.owner or effect.lock_owner
            effect.lock_result(self.owner == effect.lock_owner)
        elif effect.action == "save" and found == effect.expected_revision:
            assert effect.record is not None
            self.record = ((found or 0) + 1, effect.record)
            effect.saved(self.record[0], store_time=self.now)
        elif effect.action == "save":
            effect.conflict(self.record, store_time=self.now)
        else:
            assert effect.action == "unlock"
            self.owner = None
            effect.unlocked()


# Rule: Languages: a machine of Python does what a client does, with the HTTP library of the program.
def test_a_machine_does_what_a_client_does(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    machine = Machine(**options)
    token = finish(machine, machine.begin("token"))
    assert finish(machine, machine.begin("token", min_remaining="1s")) == token
    assert emulator.logins(provider) == 1
    # Both share the memory of the process.
    assert tokenlease.Client(**options).token() == token
    assert finish(machine, machine.begin("validate", token))
    assert finish(machine, machine.begin("report_rejected", token)) == tokenlease.StillActive()
    emulator.end_tokens()
    assert not finish(machine, machine.begin("validate", token))
    replaced = finish(machine, machine.begin("report_rejected", token))
    assert isinstance(replaced, tokenlease.Replaced)
    if provider == "winkas":
        assert finish(machine, machine.begin("refetch")) == replaced.token
    else:
        assert finish(machine, machine.begin("revoke", replaced.token)) == "proven"
    finish(machine, machine.begin("forget"))
    finish(machine, machine.begin("unblock"))
    assert token.value not in machine.explain()
    adopted = tokenlease.Token("adopted", kind=token.kind)
    machine.adopt(adopted, lifetime=600)
    assert finish(machine, machine.begin("token")) == adopted


# Rule: Languages: a machine of Python with the program's clocks lives through a token's end in no time.
def test_a_test_double_and_moved_clocks_live_through_a_tokens_end() -> None:
    sent: list[str] = []

    def answer(effect: Effect) -> None:
        assert effect.request is not None
        sent.append(effect.request.url)
        body = {"access_token": f"token {len(sent)}", "expires_in": 3600, "token_type": "Bearer"}
        effect.answered(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    machine = Machine(
        now=(0, 1_700_000_000),
        provider="wyn",
        server="https://wyn.example",
        user="me",
        password="p",
        client_secret="s",
        store="memory:",
    )
    store = OwnStore()

    def token(hours: float) -> tokenlease.Token:
        store.now = 1_700_000_000 + hours * 3600
        machine.set_now(hours * 3600, store.now)
        return finish(machine, machine.begin("token"), answer, store)

    first = token(0)
    assert token(0.1) == first
    second = token(13)
    assert (first.value, second.value) == ("token 1", "token 2")
    assert sent == ["https://wyn.example/connect/token"] * 2


def test_outcomes_of_requests_that_failed(emulator: Emulator, provider: str) -> None:
    machine = Machine(**emulator.options(provider), store="memory:")
    call = machine.begin("token", deadline=5)
    while (effect := machine.poll(call)).action != "send":
        effect.perform()
    with pytest.raises(ValueError, match='the action "send", which has no such outcome'):
        effect.unlocked()
    with pytest.raises(RuntimeError, match="it is not complete"):
        call.result()
    effect.not_sent("no route")
    with pytest.raises(RuntimeError, match="has its outcome already"):
        effect.lost("again")
    assert finish(machine, call).value
    with pytest.raises(RuntimeError, match="read before"):
        call.result()
    other = Machine(**emulator.options(provider))
    with pytest.raises(ValueError, match="another machine"):
        other.poll(call)

    def reject(effect: Effect) -> None:
        effect.answered(401, b"HTTP/1.1 401 Unauthorized\r\n\r\n", b'{"error":"invalid_grant"}')

    wrong = Machine(**{**emulator.options(provider), "password": "wrong"}, store="memory:")
    with pytest.raises(tokenlease.TokenLeaseError):
        finish(wrong, wrong.begin("token", deadline=1), reject)


# Rule: Languages: a machine of Python may keep its record in a store of the program.
def test_a_program_may_have_its_own_store(emulator: Emulator, provider: str) -> None:
    store = OwnStore()
    tokens = set()
    for _ in range(2):
        machine = Machine(**emulator.options(provider), store="memory:", store_key=bytes(32))
        tokens.add(finish(machine, machine.begin("token"), store=store))
    assert len(tokens) == 1
    assert emulator.logins(provider) == 1
    assert store.owner is None
    failing = Machine(**emulator.options(provider), store="memory:", on_store_outage="fail")
    call = failing.begin("token", deadline=2)
    effect = failing.poll(call)
    effect.store_failed("disk full", rejected=True)
    with pytest.raises(tokenlease.StoreError, match="disk full"):
        finish(failing, call)


# Rule: Languages: an exchange of Python is one request and the meaning of its answer.
def test_exchanges(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)

    def exchange(made: Exchange) -> tuple[str, tokenlease.Token | None]:
        meaning = made.read(*send(made.request, timedelta(seconds=10)))
        assert (meaning.lifetime is not None) == (meaning.token is not None and provider == "wyn")
        return meaning.result, meaning.token

    with pytest.raises(ValueError, match="expected an HTTP status from 100 to 999"):
        Exchange("login", **options).read(7)
    result, token = exchange(Exchange("login", **options))
    assert result == "token"
    assert token is not None
    assert exchange(Exchange("validate", token, **options)) == ("active", None)
    if provider == "winkas":
        assert exchange(Exchange("refetch", **options)) == ("token", token)
        with pytest.raises(tokenlease.UnsupportedError):
            Exchange("revoke", token, **options)
    else:
        assert exchange(Exchange("revoke", token, **options)) == ("revocation_accepted", None)
    emulator.end_tokens()
    assert exchange(Exchange("validate", token, **options)) == ("inactive", None)
    with pytest.raises(tokenlease.CredentialsRejectedError):
        exchange(Exchange("login", **{**options, "password": lambda: "wrong"}))
    with pytest.raises(ValueError, match="about a token"):
        Exchange("validate", **options)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="on_event"):
        Exchange("login", **options, on_event=print)
    made = Exchange("login", **options)
    shown = repr(made) + repr(made.request)
    assert str(options["password"]) not in shown


# Rule: Languages: a machine of Python is not used in a forked child.
def test_a_machine_is_an_error_in_a_forked_child(emulator: Emulator, provider: str) -> None:
    script = """
import tokenlease.hosted
machine = tokenlease.hosted.Machine(**options)
call = machine.begin("token")
child = os.fork()
if child == 0:
    try:
        machine.poll()
    except tokenlease.ForkedError:
        del call
        os._exit(0)
    os._exit(1)
assert os.waitpid(child, 0)[1] == 0
"""
    run(script, emulator.options(provider))
