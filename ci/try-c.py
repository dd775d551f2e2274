"""Tries an archive of the C library: programs with the shared and the static library share one login.

Usage: try-c.py PREFIX COMPILER [RUNNER...]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

root = pathlib.Path(__file__).resolve().parents[1]
prefix, compiler, *runner = sys.argv[1:]
prefix = pathlib.Path(prefix).resolve()
is_windows = (prefix / "bin").exists() and "mingw" in compiler
exe = ".exe" if is_windows else ""


def flags(package):
    environment = os.environ | {"PKG_CONFIG_LIBDIR": str(prefix / "lib/pkgconfig")}
    command = ["pkg-config", "--cflags", "--libs", package]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()


os.umask(0o077)
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    programs = []
    for package in ("tokenlease", "tokenlease-static"):
        programs.append(folder / f"{package}{exe}")
        source = root / "ci/token-file.c"
        subprocess.run([compiler, source, "-o", programs[-1], *flags(package)], check=True)
    if is_windows:
        for library in (prefix / "bin").glob("*.dll"):
            (folder / library.name).write_bytes(library.read_bytes())
    emulator = subprocess.Popen(
        [root / "target/debug/tokenlease", "emulate"], stdout=subprocess.PIPE, text=True
    )
    try:
        winkas = json.loads(emulator.stdout.readline())["winkas"]
        password = folder / "password"
        password.write_text(winkas["password"])
        store = f"file://{'/Z:' if is_windows else ''}{folder}/state"
        login = [winkas["server"], winkas["user"], winkas["contract"], password, store]
        environment = os.environ | {"LD_LIBRARY_PATH": str(prefix / "lib"), "QEMU_LD_PREFIX": "/usr/aarch64-linux-gnu"}
        if runner[:1] == ["qemu-aarch64-static"]:
            # For the program alone: the emulation itself runs on this machine.
            environment.pop("LD_LIBRARY_PATH")
            runner += ["-E", f"LD_LIBRARY_PATH={prefix}/lib"]
        for program in (*programs, programs[0]):
            command = [*runner, program, *login]
            run = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=300, check=False
            )
            assert (run.returncode, run.stdout.strip()) == (0, "active"), (program, run)
        counts = json.load(urllib.request.urlopen(winkas["server"] + "/_emulator/counts"))
        assert counts["winkas"]["login"] == 1, counts
        print("programs with the shared and the static library log in once")
    finally:
        emulator.kill()
        emulator.wait()
