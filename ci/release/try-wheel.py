"""Tries the package `tokenlease` of a Python interpreter: two processes share one login.

Usage: try-wheel.py PROGRAM [PYTHON...]

The program `tokenlease` provides the emulator. The interpreter is a command, as `wine python.exe`; without one, it is
that of this script.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

LOGIN = """
import platform, sys, tokenlease
server, user, contract, password, store = sys.argv[1:]
client = tokenlease.Client.winkas(server=server, user=user, contract=contract, password=password, store=store)
assert client.validate(client.token())
print("Python", platform.python_version(), platform.system(), platform.machine())
"""

program, *python = sys.argv[1:]
python = python or [sys.executable]
# Wine shows the file system of the machine as drive Z.
drive = "/Z:" if python[-1].endswith(".exe") and os.name == "posix" else ""

with tempfile.TemporaryDirectory() as folder:
    emulator = subprocess.Popen([program, "emulate"], stdout=subprocess.PIPE, text=True)
    try:
        winkas = json.loads(emulator.stdout.readline())["winkas"]
        login = [winkas[name] for name in ("server", "user", "contract", "password")]
        store = f"file://{drive}{folder}/state" if os.name == "posix" else (pathlib.Path(folder) / "state").as_uri()
        for _ in range(2):
            command = [*python, "-c", LOGIN, *login, store]
            # Wine gives Python no usable handle of a file, so output goes through pipes.
            run = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, cwd=folder, check=False
            )
            assert run.returncode == 0, run
        with urllib.request.urlopen(winkas["server"] + "/_emulator/counts") as response:
            counts = json.load(response)
        assert counts["winkas"]["login"] == 1, counts
        print(run.stdout.strip(), "logs in once for two processes")
    finally:
        emulator.kill()
        emulator.wait()
