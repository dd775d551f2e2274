"""Prints the sizes of all artefacts in dist/, and start-up time and memory of those that run here, as a table of
docs/benchmarks.md.

Usage: figures.py DIST
"""

import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

dist = pathlib.Path(sys.argv[1])
BINARIES = (".so", ".dll", ".exe", ".pyd")


def binaries(path):
    """Return the names and sizes of the programs and shared libraries in an archive."""
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            files = [(file.filename, file.file_size) for file in archive.infolist()]
    else:
        with tarfile.open(path) as archive:
            files = [(file.name, file.size) for file in archive if file.isfile()]
    for name, size in files:
        last = pathlib.PurePath(name).name
        if last == "tokenlease" or last.endswith(BINARIES) or ".so." in last:
            yield last, size


def measure(program):
    """Return the median time of `--version` in ms, and the peak memory of a running emulator in MiB."""
    times = []
    for _ in range(31):
        began = time.perf_counter()
        subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - began) * 1000)
    emulator = subprocess.Popen([program, "emulate"], stdout=subprocess.PIPE)
    emulator.stdout.readline()
    status = pathlib.Path(f"/proc/{emulator.pid}/status").read_text()
    emulator.kill()
    emulator.wait()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return f"{statistics.median(times):.1f} ms", f"{int(peak) / 1024:.1f} MiB"


print("| artefact | packed | program or shared library | `--version` | memory of `emulate` |\n| --- | ---: | ---: | ---: | ---: |")
for path in sorted(dist.glob("*")):
    if not path.name.endswith((".tar.gz", ".zip", ".whl")):
        continue
    sizes = ", ".join(f"{size / 2**20:.2f} MiB" for _, size in binaries(path)) or "–"
    figures = ("–", "–")
    if "x86_64-unknown-linux-musl.tar.gz" in path.name:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
            archive.extractall(folder)
            program = next(pathlib.Path(folder).glob("*/tokenlease"))
            figures = measure(program)
    print(f"| `{path.name}` | {path.stat().st_size / 2**20:.2f} MiB | {sizes} | {figures[0]} | {figures[1]} |")
