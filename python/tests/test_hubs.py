"""Event loops and hubs besides asyncio: trio, anyio, gevent and eventlet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from conftest import run, start

if TYPE_CHECKING:
    from conftest import Emulator

needs_hub = pytest.mark.skipif(sys.platform == "win32", reason="the hubs are not installed")

HUBS = {
    "gevent": """
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from gevent import sleep
def run(*functions):
    for greenlet in gevent.joinall([gevent.spawn(one) for one in functions], raise_error=True):
        pass
Timeout = gevent.Timeout
# The waitpid of gevent needs a signal.
waitpid = gevent.monkey.get_original("os", "waitpid")
""",
    "eventlet": """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from eventlet import sleep
def run(*functions):
    greenlets = [eventlet.spawn(one) for one in functions]
    for greenlet in greenlets: greenlet.wait()
Timeout = eventlet.Timeout
waitpid = os.waitpid
""",
}


# Rule: Languages: in gevent and eventlet, other greenlets run while one waits for a token.
# Reported as grpc/grpc#4629 and gevent/gevent#786
@needs_hub
@pytest.mark.parametrize("hub", HUBS)
def test_other_greenlets_run_while_one_waits(emulator: Emulator, provider: str, hub: str) -> None:
    script = """
import tokenlease
tokens, events = [], []
def password():
    # On a thread of the system: there is no token until another greenlet has run.
    while not events:
        pass
    return options["password"]
client = tokenlease.Client(**{**options, "password": password})
others = tokenlease.Client(**options, store="memory:")
def ask():
    tokens.append(client.token())
    events.append("token")
def release():
    events.append("other")
    print("other", flush=True)
run(*[ask] * 50, release)
assert events[0] == "other" and len(set(tokens)) == 1
assert client.stats().logins == 1
# A call that is answered from memory, other calls, and errors.
assert client.validate(client.token())
assert others.token().value
client.forget()
try:
    client.token_with(deadline="1 parsec")
except tokenlease.ConfigError:
    pass
client.close(deadline=5)
wrong = tokenlease.Client(**{**options, "password": lambda: 1 / 0})
try:
    wrong.token()
except tokenlease.ConfigError as error:
    assert isinstance(error.__cause__, ZeroDivisionError)
"""
    assert run(HUBS[hub] + script, emulator.options(provider)) == "other"


# Rule: Languages: a timeout of gevent or eventlet ends the wait of a greenlet; the login goes on.
@needs_hub
@pytest.mark.parametrize("hub", HUBS)
def test_a_timeout_of_the_hub_ends_a_wait(emulator: Emulator, provider: str, hub: str) -> None:
    script = """
import tokenlease
client = tokenlease.Client(**options)
def ask():
    try:
        with Timeout(0.05):
            client.token()
    except Timeout:
        print("timeout", flush=True)
    input()
    assert client.token().value
run(ask)
"""
    emulator.delay(provider, 3)
    child = start(HUBS[hub] + script, emulator.options(provider), talk=True)
    assert child.line() == "timeout"
    assert child.end("go\n") == (0, "", "")
    assert emulator.logins(provider) == 1


# Rule: Languages: in gevent and eventlet, a client works in a forked child.
@needs_hub
@pytest.mark.parametrize("hub", HUBS)
def test_a_client_works_in_a_forked_child_of_a_hub(
    emulator: Emulator, provider: str, hub: str
) -> None:
    script = """
import tokenlease
sleep(0)
client = tokenlease.Client(**options)
token = client.token()
child = os.fork()
if child == 0:
    assert client.token() == token and client.validate(token)
    os._exit(0)
assert waitpid(child, 0)[1] == 0
"""
    run(HUBS[hub] + script, emulator.options(provider))


ASYNC = """
import tokenlease
async def calls(gather):
    async with tokenlease.AsyncClient(**options) as client:
        tokens = await gather(*[client.token] * 20)
        assert len(set(tokens)) == 1 and client.stats().logins <= 1
        assert await client.validate(tokens[0])
        assert await client.token_with(deadline="10s") == tokens[0]
        try:
            await client.token_with(deadline="1 parsec")
        except tokenlease.ConfigError:
            pass
        await client.forget()
        await client.token()
"""

TRIO = """
import trio
async def gather(*functions):
    results = []
    async def one(function):
        results.append(await function())
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(one, function)
    return results
"""


# Rule: Languages: the async client of Python works in trio.
def test_trio(emulator: Emulator, provider: str) -> None:
    script = "trio.run(calls, gather)\ntrio.run(calls, gather)\n"
    run(ASYNC + TRIO + script, emulator.options(provider))


# Rule: Languages: a cancelled wait in trio ends at once, and the request continues.
def test_a_cancelled_wait_in_trio_ends_at_once(emulator: Emulator, provider: str) -> None:
    script = """
async def main():
    client = tokenlease.AsyncClient(**options)
    with trio.move_on_after(0.05) as scope:
        async with client:
            await client.token()
    assert scope.cancelled_caught
    try:
        await client.close(deadline=0.01)
    except tokenlease.DeadlineExceededError:
        print("in progress")
    assert (await client.token()).value
trio.run(main)
"""
    emulator.delay(provider, 2)
    assert run(ASYNC + TRIO + script, emulator.options(provider)) == "in progress"
    assert emulator.logins(provider) == 1


# Rule: Languages: the async client of Python works in anyio, on asyncio and on trio.
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(emulator: Emulator, provider: str, backend: str) -> None:
    script = f"""
import anyio
async def gather(*functions):
    results = []
    async def one(function):
        results.append(await function())
    async with anyio.create_task_group() as group:
        for function in functions:
            group.start_soon(one, function)
    return results
anyio.run(calls, gather, backend={backend!r})
"""
    run(ASYNC + script, emulator.options(provider))


def test_without_an_event_loop_the_error_names_the_loops(emulator: Emulator, provider: str) -> None:
    script = """
import tokenlease
client = tokenlease.AsyncClient(**options)
try:
    client.token().send(None)
except RuntimeError as error:
    assert "asyncio or trio" in str(error), error
    print("error")
"""
    assert run(script, emulator.options(provider)) == "error"
