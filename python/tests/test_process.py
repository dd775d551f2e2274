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
    emulator.delay(provider, 300)
    options = {**emulator.options(provider), "timeout": "5m", "deadline": "5m"}
    child = start(script, options)
    assert child.line() == "waiting"
    while emulator.logins(provider) == 0:
        pass
    child.process.send_signal(signal.SIGINT)
    assert child.line() == "interrupted"
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


# Rule: Languages: a thread that waits while the interpreter ends does not abort the process.
def test_a_thread_that_waits_while_the_interpreter_ends_causes_no_error(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, tokenlease
client = tokenlease.Client(**options)
threading.Thread(target=client.token, daemon=True).start()
while client.stats().cache_misses == 0:
    pass
"""
    emulator.delay(provider, 1)
    run(script, emulator.options(provider))


def test_a_credentials_function_that_runs_while_the_interpreter_ends_causes_no_error(
    emulator: Emulator, provider: str
) -> None:
    script = """
import threading, tokenlease
called = threading.Event()
def fetch():
    called.set()
    threading.main_thread().join()
    return options["password"]
options_ = {**options, "password": fetch}
client = tokenlease.Client(**options_)
threading.Thread(target=client.token, daemon=True).start()
called.wait()
"""
    run(script, emulator.options(provider))
