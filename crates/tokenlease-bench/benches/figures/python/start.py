"""How long importing a module takes, in milliseconds, and the memory in use then, in MiB."""

import sys
import time

began = time.perf_counter()
__import__(sys.argv[1])
took = time.perf_counter() - began
with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib weighs
    resident = next(line for line in status if line.startswith("VmRSS:")).split()[1]
print(f"[{took * 1e3}, {int(resident) / 1024}]")
