from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from conftest import run, start

if TYPE_CHECKING:
    from conftest import Emulator


def test_importing_starts_no_thread_and_opens_no_file() -> None:
    script = """
def look():
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
before = look()
import tokenlease
assert look() == before, (look(), before)
# Nothing heavy comes along.
heavy = {"asyncio", "logging", "datetime", "typing", "inspect", "socket", "ssl"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
client = tokenlease.Client(provider="winkas", user="u", contract="c", password="p")
assert look()[0] == before[0]
"""
    run(script.replace("def look", "sys.modules.pop('typing', None)\ndef look"))


def test_lesson_19_ctrl_c_ends_a_wait(emulator: Emulator, provider: str) -> None:
    script = """
import signal
import tokenlease
# Whoever runs this in a shell's background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
client = tokenlease.Client(**options)
print("waits", flush=True)
try:
    client.token()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # What was under way still is, and who asks next joins it.
    try:
        client.token_with(deadline=0.01)
    except tokenlease.DeadlineExceededError:
        print("joined")
"""
    emulator.delay(provider, 30)
    child = start(script, emulator.options(provider))
    assert child.line() == "waits"
    while emulator.logins(provider) == 0:
        pass
    begin = time.monotonic()
    child.process.send_signal(signal.SIGINT)
    assert child.line() == "interrupted"
    # Not at the end of the delay, which it would otherwise have waited for.
    assert time.monotonic() - begin < 15
    assert child.end() == (0, "joined\n", "")
    assert emulator.logins(provider) == 1


FORK = """
import tokenlease, warnings
warnings.simplefilter("ignore", DeprecationWarning)
client = tokenlease.Client(**options)
aclient = tokenlease.AsyncClient(**options)
registry = tokenlease.Registry()
token = client.token()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_lesson_18_a_forked_child_is_told_so_and_works_with_a_client_of_its_own(
    emulator: Emulator, provider: str
) -> None:
    script = """
import asyncio
child = os.fork()
if child == 0:
    # Cached is cached.
    assert client.token() is token
    calls = [
        lambda: client.token_with(min_remaining=1),
        lambda: client.report_rejected(token),
        lambda: client.validate(token),
        client.refetch, client.forget, client.reset, client.close,
        lambda: asyncio.run(aclient.token()),
        lambda: asyncio.run(aclient.report_rejected(token)),
        lambda: tokenlease.Client(**options, registry=registry),
    ]
    for call in calls:
        try:
            call()
        except tokenlease.ForkedError as error:
            assert "new client after the fork" in str(error), error
        else:
            raise AssertionError(call)
    assert "forked" in client.explain()
    client.stats()
    own = tokenlease.Client(**options)
    assert own.token().kind == token.kind
    async def main():
        return await tokenlease.AsyncClient(**options).token()
    assert asyncio.run(main()) == own.token()
    # And so on, in a child's child.
    grandchild = os.fork()
    if grandchild == 0:
        assert tokenlease.Client(**options).token().value
        print("child's child", flush=True)
        os._exit(0)
    assert os.waitpid(grandchild, 0)[1] == 0
    print("child", flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert client.validate(token)
print("parent", flush=True)
"""
    out = run(FORK + script, emulator.options(provider))
    assert out.split("\n") == ["child's child", "child", "parent"]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_lesson_18_a_fork_in_the_middle_of_a_flight_is_no_hang(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, tokenlease, warnings
warnings.simplefilter("ignore", DeprecationWarning)
busy = tokenlease.Client(**options, registry=tokenlease.Registry())
threads = [threading.Thread(target=busy.token) for _ in range(8)]
for thread in threads: thread.start()
children = []
while len(children) < 10 and all(thread.is_alive() for thread in threads):
    child = os.fork()
    if child == 0:
        try:
            busy.token()
        except tokenlease.ForkedError:
            os._exit(0 if tokenlease.Client(**options).token().value else 1)
        os._exit(2)
    children.append(child)
statuses = [os.waitpid(child, 0)[1] for child in children]
assert statuses and not any(statuses), statuses
for thread in threads: thread.join()
"""
    # Where the machine stands still that long, there are fewer forks: none comes after the flight.
    emulator.delay(provider, 2, times=100)
    run(script, emulator.options(provider))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_lesson_18_workers_of_multiprocessing_work(
    emulator: Emulator, provider: str, method: str
) -> None:
    script = """
import multiprocessing, pickle
from concurrent.futures import ProcessPoolExecutor
context = multiprocessing.get_context("METHOD")
with ProcessPoolExecutor(2, mp_context=context) as pool:
    kind = pool.submit(eval, "__import__('tokenlease').Client(**options).token().kind",
                       {"options": options})
    print(kind.result())
    wrong = pool.submit(eval, "__import__('tokenlease').Client(**options).token()",
                        {"options": {**options, "password": "wrong"}})
    print(wrong.exception())
try:
    pickle.dumps(client)
except TypeError as error:
    print(error)
"""
    out = run(FORK + script.replace("METHOD", method), emulator.options(provider)).split("\n")
    assert out[0] in {"winkas", "bearer"}
    assert "credentials rejected" in out[1]
    assert "Client" in out[2]


def test_a_thread_that_waits_while_the_interpreter_ends_hurts_nobody(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, time, tokenlease
client = tokenlease.Client(**options)
threading.Thread(target=client.token, daemon=True).start()
time.sleep(0.05)
"""
    emulator.delay(provider, 1)
    run(script, emulator.options(provider))


def test_a_function_that_runs_while_the_interpreter_ends_hurts_nobody(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, time, tokenlease
asked = threading.Event()
def fetch():
    asked.set()
    time.sleep(0.3)
    return options["password"]
options_ = {**options, "password": fetch}
client = tokenlease.Client(**options_)
threading.Thread(target=client.token, daemon=True).start()
asked.wait()
"""
    run(script, emulator.options(provider))
