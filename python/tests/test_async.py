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


def test_lesson_4_a_hundred_tasks_on_a_cold_client_are_one_login(
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


def test_lesson_19_the_loop_runs_while_one_waits(emulator: Emulator, provider: str) -> None:
    async def main() -> int:
        client = AsyncClient(**emulator.options(provider))
        task = asyncio.create_task(client.token())
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        assert (await task).value
        return turns

    emulator.delay(provider, 0.3)
    assert asyncio.run(main()) > 100


def test_both_clients_have_the_same_calls(emulator: Emulator) -> None:
    async def main() -> None:
        async with AsyncClient(**emulator.options("wyn")) as client:
            token = await client.token_with(deadline=timedelta(seconds=20), min_remaining=60)
            assert await client.report_rejected(token) == StillActive()
            assert await client.validate(token)
            assert await client.revoke(token) == "proven"
            other = await client.token()
            emulator.steer("tokens", {"end": "wyn"})
            rejection = await client.report_rejected(other)
            assert isinstance(rejection, Replaced)
            await client.forget()
            await client.unblock()
            with pytest.raises(UnsupportedError):
                await client.refetch()
            assert client.stats().revocations == 1
            assert client.explain()
            assert emulator.options("wyn")["user"] in repr(client)
        async with AsyncClient(**emulator.options("winkas")) as client:
            token = await client.token()
            assert await client.refetch() == token

    asyncio.run(main())
    calls = {name for name in dir(Client) if not name.startswith("_")}
    assert calls == {name for name in dir(AsyncClient) if not name.startswith("_")}


def test_lesson_5_a_task_that_is_cancelled_ends_its_own_wait_alone(
    emulator: Emulator, provider: str
) -> None:
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


def test_errors_are_raised_where_they_are_awaited(emulator: Emulator, provider: str) -> None:
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


def test_a_client_serves_one_loop_after_the_other_and_two_at_once(
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


def test_a_loop_that_is_closed_meanwhile_hurts_nobody(emulator: Emulator, provider: str) -> None:
    client = AsyncClient(**emulator.options(provider))

    async def begin() -> None:
        task = asyncio.ensure_future(client.token())
        await asyncio.sleep(0)
        task.cancel()

    emulator.delay(provider, 0.2)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    # The answer comes for a loop that is closed; the next one gets it.
    assert asyncio.run(client.token()).value
    gc.collect()
    assert emulator.logins(provider) == 1


def test_without_a_loop_it_is_an_error_and_no_hang(emulator: Emulator, provider: str) -> None:
    client = AsyncClient(**emulator.options(provider))
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.token().send(None)


def test_other_loops_than_the_standards_work(emulator: Emulator, provider: str) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        client = AsyncClient(**emulator.options(provider))
        tokens = await asyncio.gather(*(client.token() for _ in range(10)))
        assert len(set(tokens)) == 1

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    assert emulator.logins(provider) == 1


def test_a_program_that_ends_in_the_middle_ends_well(emulator: Emulator, provider: str) -> None:
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
    # Before the answers, and while they come.
    run(script.replace("DELAY", "0.01"), emulator.options(provider))
    children = [
        start(script.replace("DELAY", str(0.2 + n / 50)), emulator.options(provider))
        for n in range(3)
    ]
    assert [child.end() for child in children] == [(0, "", "")] * 3


def test_an_exit_handler_that_comes_too_late_is_told_so(emulator: Emulator, provider: str) -> None:
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
    assert "interpreter is ending" in out[0]
    assert out[1] in {"winkas", "bearer"}
