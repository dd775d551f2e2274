"""Print the import time of a module in milliseconds, and the resident memory after it in MiB."""

import sys
import time

start = time.perf_counter()
__import__(sys.argv[1])
took = time.perf_counter() - start
with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib takes memory
    resident = next(line for line in status if line.startswith("VmRSS:")).split()[1]
print(f"[{took * 1e3}, {int(resident) / 1024}]")
