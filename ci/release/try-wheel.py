"""Tries the package `tokenlease` of this interpreter: two processes share one login. Usage: try-wheel.py PROGRAM

The program `tokenlease` provides the emulator.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

LOGIN = """
import sys, tokenlease
server, user, contract, password, store = sys.argv[1:]
client = tokenlease.Client.winkas(server=server, user=user, contract=contract, password=password, store=store)
assert client.validate(client.token())
"""

with tempfile.TemporaryDirectory() as folder:
    emulator = subprocess.Popen([sys.argv[1], "emulate"], stdout=subprocess.PIPE, text=True)
    try:
        winkas = json.loads(emulator.stdout.readline())["winkas"]
        login = [winkas[name] for name in ("server", "user", "contract", "password")]
        for _ in range(2):
            command = [sys.executable, "-c", LOGIN, *login, f"file://{folder}/state"]
            subprocess.run(command, check=True, timeout=300, cwd=folder)
        with urllib.request.urlopen(winkas["server"] + "/_emulator/counts") as response:
            counts = json.load(response)
        assert counts["winkas"]["login"] == 1, counts
    finally:
        emulator.kill()
        emulator.wait()
print("Python", ".".join(map(str, sys.version_info[:3])), "logs in once for two processes, in", os.uname().machine)
