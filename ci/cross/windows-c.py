"""Runs the C programs of `ci/cross/build windows-c` against the emulator, all under wine.

Usage: windows-c.py FOLDER, with the programs in it. All share one folder of tokens, so that one login is sent.
"""

import json
import pathlib
import subprocess
import sys
import urllib.request

folder = pathlib.Path(sys.argv[1])
emulator = subprocess.Popen(
    ["wine-run", folder / "tokenlease.exe", "emulate"], stdout=subprocess.PIPE, text=True
)
try:
    winkas = json.loads(emulator.stdout.readline())["winkas"]
    password = folder / "password"
    password.write_text(winkas["password"])
    store = "file:///C:/tokenlease-" + str(emulator.pid)
    login = [winkas["server"], winkas["user"], winkas["contract"], password, store]
    for program in ("token-dll", "token-static", "token-dll"):
        command = ["wine-run", folder / f"{program}.exe", *login]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (run.returncode, run.stdout.strip()) == (0, "active"), (program, run)
        print(program, run.stdout.strip())
    counts = json.load(urllib.request.urlopen(winkas["server"] + "/_emulator/counts"))["winkas"]
    assert counts["login"] == 1, counts
    print("1 login for all programs")
finally:
    emulator.kill()
