"""Checks a wheel: its licences, its size, and the newest glibc that it needs. Usage: check-wheel.py WHEEL MIB"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

path, limit = pathlib.Path(sys.argv[1]), float(sys.argv[2])
size = path.stat().st_size / 2**20
assert size <= limit, f"{path.name} has {size:.2f} MiB, and may have {limit}"

with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as folder:
    licences = {pathlib.PurePath(name).name for name in wheel.namelist() if ".dist-info/licenses/" in name}
    assert licences >= {"LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt"}, licences
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    # A relative link leads nowhere on an index's page.
    relative = re.findall(r"\]\((?!https?://|#)([^)]*)\)", metadata)
    assert not relative, f"relative links in the description: {relative}"
    needed = [0]
    if "manylinux" in path.name:
        wheel.extractall(folder)
        for binary in pathlib.Path(folder).rglob("*"):
            if binary.is_file() and binary.read_bytes()[:4] == b"\x7fELF":
                command = ["readelf", "-W", "--dyn-syms", binary]
                symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                needed += [int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", symbols)]
        assert max(needed) <= 17, f"{path.name} needs glibc 2.{max(needed)}, and must run with 2.17"
print(f"{path.name}: {size:.2f} MiB", f"glibc 2.{max(needed)}" if max(needed) else "")
