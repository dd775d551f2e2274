"""Measure the first cached call of a forked child, in microseconds, beside the limit for it."""

from __future__ import annotations

import os
import struct
from time import perf_counter

from common import measure, new_client

import tokenlease

LIMIT = 50.0

client = new_client(tokenlease.Client)
client.token()


def in_child() -> float:
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        start = perf_counter()
        client.token()
        os.write(writes, struct.pack("d", (perf_counter() - start) * 1e6))
        os._exit(0)
    os.waitpid(child, 0)
    took = float(struct.unpack("d", os.read(reads, 8))[0])
    os.close(reads)
    os.close(writes)
    return took


measure(in_child, lambda: LIMIT)
