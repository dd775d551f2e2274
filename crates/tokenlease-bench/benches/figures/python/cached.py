"""`token().value`, beside a bare method of pyo3's that returns a text. In nanoseconds a call."""

from itertools import repeat
from time import perf_counter

import tokenlease_bare
from turns import cold, take

import tokenlease

LOOPS = 200_000


def ours() -> float:
    began = perf_counter()
    for _ in repeat(None, LOOPS):
        client.token().value
    return (perf_counter() - began) / LOOPS * 1e9


def limit() -> float:
    began = perf_counter()
    for _ in repeat(None, LOOPS):
        bare.text()
    return (perf_counter() - began) / LOOPS * 1e9


client = cold(tokenlease.Client)
bare = tokenlease_bare.of(client.token().value)
take(ours, limit)
