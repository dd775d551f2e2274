from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from conftest import run, start

if TYPE_CHECKING:
    from conftest import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork")

HEAD = """
import tokenlease, warnings
warnings.simplefilter("ignore", DeprecationWarning)
called = []
def password():
    called.append(os.getpid())
    return options["password"]
registry = tokenlease.Registry()
client = tokenlease.Client(**{**options, "password": password}, registry=registry)
plain = tokenlease.Client(**options)
aclient = tokenlease.AsyncClient(**options)
def end_of(child):
    assert os.waitpid(child, 0)[1] == 0
"""


# Rule: Fork: a forked Python child goes on with its parent's clients and their cached tokens.
# Reported as langfuse/langfuse-python#1654 and developmentseed/obstore#441
def test_a_forked_child_goes_on_with_the_clients_of_its_parent(
    emulator: Emulator, provider: str
) -> None:
    script = """
import asyncio
token, other = client.token(), plain.token()
child = os.fork()
if child == 0:
    # The password's function is not called, and nothing is sent.
    assert client.token() == token and plain.token() == other
    assert client.stats().logins == client.stats().refetches == 0
    assert os.getpid() not in called, called
    assert asyncio.run(aclient.token()) == other
    # A client that is made in the child shares the parent's registry too.
    more = tokenlease.Client(**options, registry=registry)
    assert more.token() == token and more.stats().refetches == 0
    assert client.validate(token)
    grandchild = os.fork()
    if grandchild == 0:
        assert client.token() == token and client.validate(token)
        print("grandchild", flush=True)
        os._exit(0)
    end_of(grandchild)
    print("child", flush=True)
    sys.exit(0)
end_of(child)
assert client.token() is token and client.validate(token)
print("parent", flush=True)
"""
    out = run(HEAD + script, emulator.options(provider))
    assert out.split("\n") == ["grandchild", "child", "parent"]


# Rule: Fork: all calls of a client work in a forked Python child, also after the parent's token ended.
def test_all_calls_work_in_a_forked_child(emulator: Emulator, provider: str) -> None:
    script = """
import asyncio
token = client.token()
child = os.fork()
if child == 0:
    if sys.argv[1] == "report": client.report_rejected(token)
    elif sys.argv[1] == "forget": client.forget()
    elif sys.argv[1] == "unblock": client.unblock()
    elif sys.argv[1] == "close": client.close()
    elif sys.argv[1] == "with":
        with client: pass
    elif sys.argv[1] == "history": assert client.history()["entries"]
    elif sys.argv[1] == "refetch" and token.kind == "winkas": client.refetch()
    elif sys.argv[1] == "min_remaining": client.token_with(min_remaining=1)
    elif sys.argv[1] == "async":
        async def calls():
            await aclient.forget()
            token = await aclient.token_with(min_remaining=1)
            assert await aclient.validate(token)
            await aclient.report_rejected(token)
            await aclient.close()
        asyncio.run(calls())
    assert "forked" not in client.explain()
    assert client.validate(client.token())
    # The first call of a client that the parent never used.
    assert plain.validate(plain.token())
    sys.exit(0)
end_of(child)
"""
    calls = ["report", "forget", "unblock", "close", "with", "history", "refetch"]
    for call in [*calls, "min_remaining", "async"]:
        run(HEAD + f"sys.argv = ['', '{call}']\n" + script, emulator.options(provider))


# Rule: Fork: a forked Python child that replaces a token no longer returns the parent's.
def test_a_child_that_replaces_a_token_does_not_return_the_old_one(
    emulator: Emulator, provider: str
) -> None:
    script = """
token = client.token()
child = os.fork()
if child == 0:
    print("ready", flush=True)
    input()
    rejection = client.report_rejected(token)
    assert rejection == tokenlease.Replaced(client.token()), rejection
    assert client.token() != token
    sys.exit(0)
end_of(child)
"""
    child = start(HEAD + script, emulator.options(provider), talk=True)
    assert child.line() == "ready"
    emulator.end_tokens()
    assert child.end("go\n") == (0, "", "")


# Rule: Fork: a fork that Python does not know of, as by a host program in C, is noticed.
def test_a_fork_in_c_is_noticed(emulator: Emulator, provider: str) -> None:
    script = """
import ctypes
token = client.token()
child = ctypes.PyDLL(None).fork()
if child == 0:
    assert client.token() == token
    assert client.validate(token)
    client.forget()
    assert client.token().value and plain.token().value
    os._exit(0)
end_of(child)
"""
    run(HEAD + script, emulator.options(provider))


# Rule: Fork: a child that is forked during a login does not hang.
# Reported as langfuse/langfuse-python#1654 and developmentseed/obstore#441
def test_a_fork_during_a_login_does_not_hang_the_child(emulator: Emulator, provider: str) -> None:
    script = """
import threading
busy = tokenlease.Client(**options, registry=tokenlease.Registry())
threads = [threading.Thread(target=busy.token) for _ in range(8)]
for thread in threads: thread.start()
children = []
while len(children) < 10 and all(thread.is_alive() for thread in threads):
    child = os.fork()
    if child == 0:
        os._exit(0 if busy.token().value else 1)
    children.append(child)
statuses = [os.waitpid(child, 0)[1] for child in children]
assert statuses and not any(statuses), statuses
for thread in threads: thread.join()
"""
    # If the host pauses for that long, there are fewer forks; none is made after the login.
    emulator.delay(provider, 2, times=100)
    run(HEAD + script, emulator.options(provider))


# Rule: Fork: threads of a forked child that make its first call at once get its parent's token.
def test_threads_of_a_child_share_the_token_at_its_first_call(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading
token = client.token()
child = os.fork()
if child == 0:
    barrier, found = threading.Barrier(16), []
    def ask():
        barrier.wait()
        found.append(client.token())
    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert found == [token] * 16 and client.stats().logins == client.stats().refetches == 0
    sys.exit(0)
end_of(child)
"""
    run(HEAD + script, emulator.options(provider))


# Rule: Fork: a forked child uses its parent's shared store, and takes turns with it.
@pytest.mark.parametrize("store", ["file:", "memory:"])
def test_a_child_goes_on_with_the_store_of_its_parent(
    emulator: Emulator, provider: str, store: str, tmp_path: object
) -> None:
    store = f"file:{tmp_path}/store" if store == "file:" else store
    script = """
own = tokenlease.Client(**options, store=STORE)
token = own.token()
child = os.fork()
if child == 0:
    assert own.token() == token and own.stats().logins == own.stats().refetches == 0
    own.forget()
    replaced = own.token()
    print(replaced.value, flush=True)
    sys.exit(0)
end_of(child)
assert own.token().value
"""
    run(HEAD + script.replace("STORE", repr(store)), emulator.options(provider))


WORKER = """
import json, os, sys, tokenlease
client = tokenlease.Client(**json.loads(os.environ["OPTIONS"]))
def work(number):
    return os.getpid(), client.validate(client.token())
"""


# Rule: Fork: a client of a module works in the workers of `multiprocessing`, however they start.
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_clients_work_in_multiprocessing_workers(
    emulator: Emulator, provider: str, method: str, tmp_path: object
) -> None:
    with open(f"{tmp_path}/worker_module.py", "w") as module:  # noqa: PTH123
        module.write(WORKER)
    script = f"""
import multiprocessing, pickle, warnings
warnings.simplefilter("ignore", DeprecationWarning)
sys.path.insert(0, {str(tmp_path)!r})
os.environ["OPTIONS"] = json.dumps(options)
if __name__ == "__main__":
    import worker_module
    assert worker_module.client.token().value
    context = multiprocessing.get_context({method!r})
    if {method!r} == "forkserver":
        context.set_forkserver_preload(["worker_module"])
    with context.Pool(2) as pool:
        assert all(valid for _, valid in pool.map(worker_module.work, range(20), 1))
    try:
        pickle.dumps(worker_module.client)
    except TypeError as error:
        assert "Client" in str(error), error
"""
    run(script, emulator.options(provider))


# Rule: Fork: a forked Python child reads the token that its parent had in memory without making a client,
# until the child makes one.
def test_the_first_cached_call_of_a_child_makes_no_client(
    emulator: Emulator, provider: str
) -> None:
    script = """
import asyncio
other = tokenlease.Client(**options)
token = plain.token()
plain.close()
assert plain.token() is token
child = os.fork()
if child == 0:
    # The very object of the parent, for each way to read it.
    assert plain.token() is token and plain.token_with(deadline=1) is token
    assert asyncio.run(aclient.token()) == token
    grandchild = os.fork()
    if grandchild == 0:
        assert plain.token() == token
        os._exit(0)
    end_of(grandchild)
    # Another client learns that the token is rejected: no client returns it any more.
    print("ready", flush=True)
    input()
    rejection = other.report_rejected(token)
    assert isinstance(rejection, tokenlease.Replaced), rejection
    assert plain.token() == rejection.token != token
    assert plain.token_with(deadline=5) == rejection.token
    sys.exit(0)
end_of(child)
"""
    child = start(HEAD + script, emulator.options(provider), talk=True)
    assert child.line() == "ready"
    emulator.end_tokens()
    assert child.end("go\n") == (0, "", "")
