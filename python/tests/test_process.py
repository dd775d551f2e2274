from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from conftest import run, start

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Emulator


# Rule: Languages: importing the Python module starts no thread and opens no file.
def test_importing_starts_no_thread_and_opens_no_file() -> None:
    script = """
def measure():
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
before = measure()
import tokenlease
assert measure() == before, (measure(), before)
# No slow module was imported.
slow = {"asyncio", "logging", "datetime", "typing", "inspect", "socket", "ssl"}
assert not slow & set(sys.modules), slow & set(sys.modules)
client = tokenlease.Client(provider="winkas", user="u", contract="c", password="p")
assert measure()[0] == before[0]
"""
    run(script.replace("def measure", "sys.modules.pop('typing', None)\ndef measure"))


# Rule: Languages: Ctrl-C ends the wait of a Python thread; the request continues.
def test_ctrl_c_ends_a_wait(emulator: Emulator, provider: str) -> None:
    script = """
import signal
import tokenlease
# A shell ignores the signal in background jobs.
signal.signal(signal.SIGINT, signal.default_int_handler)
client = tokenlease.Client(**options)
print("waiting", flush=True)
try:
    client.token()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # The login continues, and the next call joins it.
    try:
        client.token_with(deadline=0.01)
    except tokenlease.DeadlineExceededError:
        print("joined")
"""
    emulator.delay(provider, 30)
    child = start(script, emulator.options(provider))
    assert child.line() == "waiting"
    while emulator.logins(provider) == 0:
        pass
    begin = time.monotonic()
    child.process.send_signal(signal.SIGINT)
    assert child.line() == "interrupted"
    # Before the end of the delay.
    assert time.monotonic() - begin < 15
    assert child.end() == (0, "joined\n", "")
    assert emulator.logins(provider) == 1


def close_abruptly(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Close each connection after its handshake: an end, and then a reset."""
    while True:
        plain = listener.accept()[0]
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            secure.shutdown(socket.SHUT_WR)


# Rule: Languages: a server that closes its TLS connections abruptly raises no signal in a Python
# program.
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_server_that_closes_abruptly_raises_no_signal(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=close_abruptly, args=(listener, context), daemon=True).start()
    script = """
import signal
import tokenlease
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
for number in range(40):
    client = tokenlease.Client(**options, user=f"user-{number}", password="password")
    try:
        client.validate(tokenlease.Token("token", kind="winkas"))
    except tokenlease.TransportError:
        pass
print("alive")
"""
    options = {"provider": "winkas", "contract": "c", "ca": str(certificate)}
    options["server"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
    assert run(script, options) == "alive"


FORK = """
import tokenlease, warnings
warnings.simplefilter("ignore", DeprecationWarning)
client = tokenlease.Client(**options)
aclient = tokenlease.AsyncClient(**options)
registry = tokenlease.Registry()
token = client.token()
"""


# Rule: Fork: in a forked Python child, old clients raise `ForkedError` and new clients work.
# Reported as langfuse/langfuse-python#1654 and developmentseed/obstore#441
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_child_gets_an_error_and_works_with_a_new_client(
    emulator: Emulator, provider: str
) -> None:
    script = """
import asyncio
child = os.fork()
if child == 0:
    # A cached token is returned in the child too.
    assert client.token() is token
    calls = [
        lambda: client.token_with(min_remaining=1),
        lambda: client.report_rejected(token),
        lambda: client.validate(token),
        client.refetch, client.forget, client.unblock, client.close,
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
    # The same applies to a grandchild.
    grandchild = os.fork()
    if grandchild == 0:
        assert tokenlease.Client(**options).token().value
        print("grandchild", flush=True)
        os._exit(0)
    assert os.waitpid(grandchild, 0)[1] == 0
    print("child", flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert client.validate(token)
print("parent", flush=True)
"""
    out = run(FORK + script, emulator.options(provider))
    assert out.split("\n") == ["grandchild", "child", "parent"]


# Rule: Fork: a child that is forked during a login does not hang.
# Reported as langfuse/langfuse-python#1654 and developmentseed/obstore#441
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_fork_during_a_login_does_not_hang_the_child(emulator: Emulator, provider: str) -> None:
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
    # If the host pauses for that long, there are fewer forks; none is made after the login.
    emulator.delay(provider, 2, times=100)
    run(script, emulator.options(provider))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_clients_work_in_multiprocessing_workers(
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


# Rule: Languages: a thread that waits while the interpreter ends does not abort the process.
def test_a_thread_that_waits_while_the_interpreter_ends_causes_no_error(
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


def test_a_credentials_function_that_runs_while_the_interpreter_ends_causes_no_error(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, time, tokenlease
called = threading.Event()
def fetch():
    called.set()
    time.sleep(0.3)
    return options["password"]
options_ = {**options, "password": fetch}
client = tokenlease.Client(**options_)
threading.Thread(target=client.token, daemon=True).start()
called.wait()
"""
    run(script, emulator.options(provider))
