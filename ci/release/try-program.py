"""Tries a program of a release in an empty folder: its emulator, and two processes that share one login.

Usage: try-program.py [RUNNER] PROGRAM

The runner `chroot` makes the folder the root of the program's file system, where nothing else is.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

runner, program = sys.argv[1:-1], os.path.abspath(sys.argv[-1])
# A system's sockets and folders need these variables. All others are left out.
KEPT = ("PATH", "HOME", "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP")

with tempfile.TemporaryDirectory() as empty:
    command = [*runner, program]
    state = pathlib.Path(empty) / "state"
    store = state.as_uri()
    if runner == ["wine-run"]:
        # Wine shows the file system of the machine as drive Z.
        store = f"file:///Z:{state}"
    elif runner == ["chroot"]:
        shutil.copy(program, empty)
        command = ["chroot", empty, "/tokenlease"]
        store = "file:///state"
    kept = {name: value for name, value in os.environ.items() if name.upper() in KEPT}
    emulator = subprocess.Popen([*command, "emulate"], stdout=subprocess.PIPE, text=True, cwd=empty, env=kept)
    try:
        wyn = json.loads(emulator.stdout.readline())["wyn"]
        secrets = {"TOKENLEASE_PASSWORD": wyn["password"], "TOKENLEASE_CLIENT_SECRET": wyn["client_secret"]}
        options = ["--provider", "wyn", "--server", wyn["server"], "--user", wyn["user"], "--store", store]
        sources = []
        for _ in range(2):
            run = subprocess.run(
                [*command, "token", *options, "--output", "json"],
                capture_output=True, text=True, cwd=empty, env=kept | secrets, timeout=300, check=False,
            )
            assert run.returncode == 0, (run.stdout, run.stderr)
            sources.append(json.loads(run.stdout)["source"])
        assert sources == ["login", "store"], sources
        version = subprocess.run([*command, "--version"], capture_output=True, text=True, env=kept, check=True)
        print(version.stdout.strip(), "logs in once for two processes")
    finally:
        emulator.kill()
        emulator.wait()
