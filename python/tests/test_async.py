from __future__ import annotations

import asyncio
import gc
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from conftest import run, start

from tokenlease import (
    AsyncClient,
    Client,
    CredentialsRejectedError,
    DeadlineExceededError,
    Replaced,
    StillActive,
    UnsupportedError,
)

if TYPE_CHECKING:
    from conftest import Emulator


# Rule: Logins: concurrent tasks that call a client without a token cause one login.
def test_a_hundred_tasks_of_a_client_without_a_token_cause_one_login(
    emulator: Emulator, provider: str
) -> None:
    async def main() -> None:
        client = AsyncClient(**emulator.options(provider))
        tokens = await asyncio.gather(*(client.token() for _ in range(100)))
        assert len({id(token) for token in tokens}) == 1
        assert await client.token() is tokens[0]

    emulator.delay(provider, 0.3)
    asyncio.run(main())
    assert emulator.logins(provider) == 1


# Rule: Languages: the event loop runs other tasks while a task waits for a token.
# Reported as Colin-b/httpx_auth#72
def test_the_event_loop_runs_while_a_task_waits(emulator: Emulator, provider: str) -> None:
    async def main() -> int:
        client = AsyncClient(**emulator.options(provider))
        task = asyncio.create_task(client.token())
        iterations = 0
        while not task.done():
            iterations += 1
            await asyncio.sleep(0)
        assert (await task).value
        return iterations

    emulator.delay(provider, 0.3)
    assert asyncio.run(main()) > 100


def test_both_clients_have_the_same_methods(emulator: Emulator) -> None:
    async def main() -> None:
        async with AsyncClient(**emulator.options("wyn")) as client:
            token = await client.token_with(deadline=timedelta(seconds=20), min_remaining=60)
            assert await client.report_rejected(token) == StillActive()
            assert await client.validate(token)
            assert await client.revoke(token) == "proven"
            other = await client.token()
            emulator.control("tokens", {"end": "wyn"})
            rejection = await client.report_rejected(other)
            assert isinstance(rejection, Replaced)
            await client.forget()
            await client.unblock()
            with pytest.raises(UnsupportedError):
                await client.refetch()
            assert client.stats().revocations == 1
            assert client.explain()
            causes = {entry["cause"] for entry in (await client.history())["entries"]}
            assert {"first", "revoked"} <= causes
            assert emulator.options("wyn")["user"] in repr(client)
        async with AsyncClient(**emulator.options("winkas")) as client:
            token = await client.token()
            assert await client.refetch() == token

    asyncio.run(main())
    methods = {name for name in dir(Client) if not name.startswith("_")}
    assert methods == {name for name in dir(AsyncClient) if not name.startswith("_")}


# Rule: Logins: a cancelled task ends only its own wait; the request continues for other callers.
# Reported as golang/oauth2#388
def test_a_cancelled_task_ends_only_its_own_wait(emulator: Emulator, provider: str) -> None:
    async def main() -> None:
        client = AsyncClient(**emulator.options(provider))
        first = asyncio.create_task(client.token())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.token(), 0.1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await client.token()).value

    emulator.delay(provider, 0.5)
    asyncio.run(main())
    assert emulator.logins(provider) == 1


def test_errors_are_raised_where_the_call_is_awaited(emulator: Emulator, provider: str) -> None:
    async def main() -> None:
        client = AsyncClient(**{**emulator.options(provider), "password": "wrong"})
        results = await asyncio.gather(
            *[client.token()] * 1, client.token(), return_exceptions=True
        )
        assert [type(result) for result in results] == [CredentialsRejectedError] * 2
        emulator.delay(provider, 60)
        client = AsyncClient(**emulator.options(provider), deadline="100ms")
        with pytest.raises(DeadlineExceededError):
            await client.token()

    asyncio.run(main())


# Rule: Validation: a validation whose task is cancelled does not affect the next one.
def test_a_cancelled_validation_does_not_affect_the_next_one(
    emulator: Emulator, provider: str
) -> None:
    endpoint = {"winkas": "winkas.validate", "wyn": "wyn.userinfo"}[provider]

    async def main() -> None:
        client = AsyncClient(**emulator.options(provider))
        token = await client.token()
        fault = {"endpoint": endpoint, "kind": "delay", "times": 1, "delay_ms": 300}
        emulator.control("faults", fault)
        task = asyncio.create_task(client.validate(token))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.validate(token)

    asyncio.run(main())


def test_a_client_works_in_successive_and_concurrent_event_loops(
    emulator: Emulator, provider: str
) -> None:
    client = AsyncClient(**emulator.options(provider))

    async def get() -> str:
        return (await client.token_with(min_remaining=1)).value

    values = {asyncio.run(get()) for _ in range(3)}
    threads = [threading.Thread(target=lambda: values.add(asyncio.run(get()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(values) == 1
    assert emulator.logins(provider) == 1


# Rule: Languages: an event loop that closes during a login does not affect other callers.
def test_an_event_loop_that_closes_during_a_login_does_not_affect_other_callers(
    emulator: Emulator, provider: str
) -> None:
    client = AsyncClient(**emulator.options(provider))

    async def begin() -> None:
        task = asyncio.ensure_future(client.token())
        await asyncio.sleep(0)
        task.cancel()

    emulator.delay(provider, 0.2)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    # The response arrives after its event loop closed; the next caller gets the token.
    assert asyncio.run(client.token()).value
    gc.collect()
    assert emulator.logins(provider) == 1


def test_a_call_without_an_event_loop_is_an_error(emulator: Emulator, provider: str) -> None:
    client = AsyncClient(**emulator.options(provider))
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.token().send(None)


def test_uvloop_works(emulator: Emulator, provider: str) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        client = AsyncClient(**emulator.options(provider))
        tokens = await asyncio.gather(*(client.token() for _ in range(10)))
        assert len(set(tokens)) == 1

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    assert emulator.logins(provider) == 1


# Rule: Languages: a program that ends while requests are in progress ends without an error.
def test_a_program_that_ends_during_a_login_ends_without_an_error(
    emulator: Emulator, provider: str
) -> None:
    script = """
import asyncio, tokenlease
async def main():
    clients = [tokenlease.AsyncClient(**options, registry=tokenlease.Registry()) for _ in range(8)]
    tasks = [asyncio.ensure_future(client.token()) for client in clients]
    await asyncio.sleep(DELAY)
    for task in tasks: task.cancel()
asyncio.run(main())
"""
    emulator.delay(provider, 0.2, times=1000)
    # Before the responses, and while they arrive.
    run(script.replace("DELAY", "0.01"), emulator.options(provider))
    children = [
        start(script.replace("DELAY", str(0.2 + n / 50)), emulator.options(provider))
        for n in range(3)
    ]
    assert [child.end() for child in children] == [(0, "", "")] * 3


def test_an_await_in_a_late_exit_handler_is_an_error(emulator: Emulator, provider: str) -> None:
    script = """
import asyncio, atexit
def late():
    try:
        asyncio.run(client.token())
    except RuntimeError as error:
        print(error)
    print(tokenlease.Client(**options).token().kind)
atexit.register(late)
import tokenlease
client = tokenlease.AsyncClient(**options)
"""
    out = run(script, emulator.options(provider)).split("\n")
    assert "interpreter is shutting down" in out[0]
    assert out[1] in {"winkas", "bearer"}
