"""Measure `token().value` and a bare pyo3 method that returns a string, in nanoseconds per call."""

from itertools import repeat
from time import perf_counter

import tokenlease_bare
from common import measure, new_client

import tokenlease

CALLS = 200_000


def with_tokenlease() -> float:
    start = perf_counter()
    for _ in repeat(None, CALLS):
        client.token().value
    return (perf_counter() - start) / CALLS * 1e9


def baseline() -> float:
    start = perf_counter()
    for _ in repeat(None, CALLS):
        bare.text()
    return (perf_counter() - start) / CALLS * 1e9


client = new_client(tokenlease.Client)
bare = tokenlease_bare.of(client.token().value)
measure(with_tokenlease, baseline)
