"""How clients end: garbage collection, weak references, `with` blocks and `close`."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from conftest import run, start

import tokenlease

if TYPE_CHECKING:
    from conftest import Emulator


class Owner:
    """An object whose method is the password's function of a client that it has."""

    def __init__(self, kind: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
        self.options = options
        self.client = kind(**{**options, "password": self.password})

    def password(self) -> str:
        return str(self.options["password"])


# Rule: Memory: a client whose password function is a method of its owner is garbage-collected.
@pytest.mark.parametrize("kind", [tokenlease.Client, tokenlease.AsyncClient])
def test_a_client_and_the_owner_of_its_password_function_are_collected(
    emulator: Emulator,
    provider: str,
    kind: Any,  # noqa: ANN401
) -> None:
    owner = Owner(kind, emulator.options(provider))
    if kind is tokenlease.Client:
        assert owner.client.token().value
    else:
        assert asyncio.run(owner.client.token()).value
    gone = [weakref.ref(owner), weakref.ref(owner.client)]
    # A collection leaves a client that is in use as it is.
    gc.collect()
    if kind is tokenlease.Client:
        owner.client.forget()
        assert owner.client.token().value
    del owner
    gc.collect()
    assert [one() for one in gone] == [None, None]


# Rule: Memory: clients and registries of Python take weak references.
def test_clients_and_registries_take_weak_references(emulator: Emulator) -> None:
    options = emulator.options("wyn")
    for made in (
        tokenlease.Client(**options),
        tokenlease.AsyncClient(**options),
        tokenlease.Registry(),
    ):
        assert weakref.ref(made)() is made


LEAVE = """
import asyncio, signal, tokenlease
signal.signal(signal.SIGINT, signal.default_int_handler)
client = tokenlease.KIND(**options)
def blocking():
    with client:
        print("waiting", flush=True)
        client.token()
async def awaiting():
    async with client:
        print("waiting", flush=True)
        await client.token()
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", flush=True)
try:
    CLOSE
except tokenlease.DeadlineExceededError:
    print("in progress", flush=True)
"""


# Rule: Languages: leaving a `with` block by Ctrl-C does not wait for the request in progress.
@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_ctrl_c_in_a_with_block_does_not_wait(emulator: Emulator, provider: str, kind: str) -> None:
    import signal  # noqa: PLC0415

    emulator.delay(provider, 30, times=1000)
    close = "client.close(deadline=0.01)"
    calls = ("blocking()", close)
    if kind == "AsyncClient":
        calls = ("asyncio.run(awaiting())", f"asyncio.run({close})")
    script = LEAVE.replace("KIND", kind).replace("CALL", calls[0]).replace("CLOSE", calls[1])
    child = start(script, emulator.options(provider))
    assert child.line() == "waiting"
    while emulator.logins(provider) == 0:
        pass
    child.process.send_signal(signal.SIGINT)
    assert child.line() == "interrupted"
    assert child.end() == (0, "in progress\n", "")


# Rule: Languages: leaving a `with` block by a cancellation does not wait; by an error, it does.
def test_a_cancellation_in_a_with_block_does_not_wait(emulator: Emulator, provider: str) -> None:
    script = """
import asyncio, tokenlease
async def main():
    client = tokenlease.AsyncClient(**options)
    async def ask():
        async with client:
            await client.token()
    task = asyncio.ensure_future(ask())
    while client.stats().logins == 0:
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled", client.stats().logins)
    try:
        async with client:
            raise ValueError
    except ValueError:
        # The block waited for the login.
        print("closed", client.stats().logins)
asyncio.run(main())
"""
    emulator.delay(provider, 0.5)
    out = run(script, emulator.options(provider)).split("\n")
    assert out[0].startswith("cancelled")
    assert out[1] == "closed 1"


# Rule: Languages: `close` of Python waits for its deadline at most.
def test_close_waits_for_its_deadline_at_most(emulator: Emulator, provider: str) -> None:
    script = """
import asyncio, tokenlease
client = tokenlease.Client(**options)
try:
    client.token_with(deadline=0.01)
except tokenlease.DeadlineExceededError:
    pass
for deadline in (0.01, "10ms"):
    try:
        client.close(deadline=deadline)
    except tokenlease.DeadlineExceededError:
        print("deadline")
for deadline in (-1, "soon"):
    try:
        client.close(deadline=deadline)
    except tokenlease.ConfigError as error:
        assert "deadline" in str(error), error
client.close(deadline=30)
client.close(deadline=0)
async def main():
    client = tokenlease.AsyncClient(**options)
    await client.close(deadline=1)
    await client.close()
asyncio.run(main())
"""
    emulator.delay(provider, 1)
    assert run(script, emulator.options(provider)) == "deadline\ndeadline"


# Rule: Languages: a wrong `deadline` or `min_remaining` is an error also while a token is cached.
def test_wrong_options_of_a_call_are_errors_while_a_token_is_cached(
    emulator: Emulator, provider: str
) -> None:
    options = emulator.options(provider)
    client = tokenlease.Client(**options)
    token = client.token()

    async def main() -> None:
        aclient = tokenlease.AsyncClient(**options)
        assert await aclient.token() == token
        for wrong in ("1 parsec", -1, float("nan")):
            with pytest.raises(tokenlease.ConfigError):
                await aclient.token_with(deadline=wrong)
        with pytest.raises(TypeError):
            await aclient.token_with(deadline=[])  # type: ignore[arg-type]
        assert await aclient.token_with(deadline=1) == token

    asyncio.run(main())
    for wrong in ("1 parsec", -1, float("nan")):
        with pytest.raises(tokenlease.ConfigError):
            client.token_with(deadline=wrong)
        with pytest.raises(tokenlease.ConfigError):
            client.token_with(min_remaining=wrong)
    with pytest.raises(TypeError):
        client.token_with(deadline=[])  # type: ignore[arg-type]
    assert client.token_with(deadline=1) == token


# Rule: Languages: a password function that raises `OSError`, `ConnectionError` or `TimeoutError` is a
# retryable error; one with a bug is not.
@pytest.mark.parametrize("raised", [ConnectionRefusedError, TimeoutError, OSError, KeyError])
def test_a_password_function_that_cannot_reach_its_place_is_retryable(
    emulator: Emulator, provider: str, raised: type[Exception]
) -> None:
    options = emulator.options(provider)
    errors: list[Exception] = [raised("canary")]

    def password() -> str:
        if errors:
            raise errors[0]
        return str(options["password"])

    client = tokenlease.Client(**{**options, "password": password})
    with pytest.raises(tokenlease.TokenLeaseError) as caught:
        client.token()
    is_temporary = issubclass(raised, OSError)
    assert caught.value.retryable == is_temporary
    assert isinstance(caught.value, tokenlease.UnavailableError) == is_temporary
    assert caught.value.__cause__ is errors[0]
    assert "canary" not in str(caught.value)
    errors.clear()
    assert client.token().value
