"""The events that a function of the program gets."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from conftest import run, start

import tokenlease
from tokenlease import AsyncClient, Client, Event

if TYPE_CHECKING:
    from conftest import Emulator


# Rule: Events: `on_event` of Python gets the events of a client in their order, without secrets, and none
# after `close` has returned.
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_function_gets_the_events(
    emulator: Emulator,
    provider: str,
    kind: Any,  # noqa: ANN401
) -> None:
    events: list[Event] = []
    gate = threading.Event()

    def on_event(event: Event) -> None:
        gate.wait()
        events.append(event)

    client = kind(**emulator.options(provider), on_event=on_event)
    if kind is Client:
        token = client.token()
        assert not events, "no caller waits for the function"
        gate.set()
        client.close()
    else:

        async def calls() -> tokenlease.Token:
            token: tokenlease.Token = await client.token()
            assert not events
            gate.set()
            await client.close()
            return token

        token = asyncio.run(calls())
    # The tokens of a Wyn server as installed last for ten years, which is an event too.
    ten_years = ["long_lifetime"] if provider == "wyn" else []
    assert [event.name for event in events] == ["logged_in", *ten_years]
    assert events[0].level == logging.DEBUG
    assert events[0].text.startswith("logged in")
    assert str(events[0]) == events[0].text
    assert repr(events[0]) == f"<Event logged_in: {events[0].text}>"
    assert token.value not in repr(events)


# Rule: Events: the level of an event is that of Python's `logging`: a warning for rejected credentials and
# outages.
def test_rejected_credentials_are_a_warning(emulator: Emulator, provider: str) -> None:
    events: list[Event] = []
    options = {**emulator.options(provider), "password": "canary"}
    client = Client(**options, on_event=events.append)
    with pytest.raises(tokenlease.CredentialsRejectedError):
        client.token()
    client.close()
    warnings = [event for event in events if event.level == logging.WARNING]
    assert [event.name for event in warnings] == ["circuit_opened"]
    assert "canary" not in repr(events)


# Rule: Events: Python's `logging` gets a warning with its cause for rejected credentials, from the thread
# that called.
def test_rejected_credentials_are_logged_as_a_warning(
    emulator: Emulator, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(**{**emulator.options(provider), "password": "canary"})
    caplog.set_level(logging.DEBUG, "tokenlease")
    with pytest.raises(tokenlease.CredentialsRejectedError) as caught:
        client.token()
    records = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(records) == 1
    cause = str(caught.value).split(": ")[0]
    assert cause in records[0].getMessage()
    assert "not sent before" in records[0].getMessage()
    assert records[0].threadName == "MainThread"
    assert "canary" not in caplog.text


# Rule: Events: `on_event` of Python may block, call its client and raise: no client waits for it.
def test_the_function_may_call_its_client(emulator: Emulator, provider: str) -> None:
    script = """
import tokenlease
def on_event(event):
    seen.append((event.name, client.token() == client.token_with(min_remaining=1)))
    raise ValueError("of on_event")
seen = []
client = tokenlease.Client(**options, on_event=on_event)
raised = []
sys.unraisablehook = raised.append
token = client.token()
client.close()
assert seen[0] == ("logged_in", True), seen
assert raised and {type(one.exc_value) for one in raised} == {ValueError}, raised
assert {one.object for one in raised} == {on_event}
"""
    run(script, emulator.options(provider))


# Rule: Events: `on_event` of Python gets the events of a forked child in the child.
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")
def test_the_function_gets_the_events_of_a_forked_child(emulator: Emulator, provider: str) -> None:
    script = """
import tokenlease
seen = []
client = tokenlease.Client(**options, on_event=lambda event: seen.append((os.getpid(), event.name)))
child = os.fork()
if child == 0:
    client.token()
    client.close()
    assert seen[0] == (os.getpid(), "logged_in"), seen
    assert {process for process, _ in seen} == {os.getpid()}, seen
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert not seen
"""
    run(script, emulator.options(provider))


# Rule: Events: a program of Python ends while `on_event` is blocked.
def test_the_program_ends_while_the_function_is_blocked(emulator: Emulator, provider: str) -> None:
    script = """
import threading, tokenlease
def on_event(event):
    print("called", flush=True)
    threading.Event().wait()
client = tokenlease.Client(**options, on_event=on_event)
client.token()
input()
"""
    child = start(script, emulator.options(provider), talk=True)
    assert child.line() == "called"
    assert child.end("\n") == (0, "", "")


class Owner:
    def __init__(self, options: dict[str, Any]) -> None:
        self.events: list[str] = []
        self.client = Client(**options, on_event=self.on_event)

    def on_event(self, event: Event) -> None:
        self.events.append(event.name)


# Rule: Memory: a client whose `on_event` is a method of its owner is garbage-collected.
def test_a_client_and_the_owner_of_its_function_are_collected(
    emulator: Emulator, provider: str
) -> None:
    owner = Owner(emulator.options(provider))
    assert owner.client.token().value
    owner.client.close()
    assert owner.events[0] == "logged_in"
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_a_wrong_function_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="on_event is of type str"):
        Client(**emulator.options("wyn"), on_event="canary")  # type: ignore[arg-type]
