from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from conftest import run, start

if TYPE_CHECKING:
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
