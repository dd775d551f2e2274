"""Measure calls that memory answers, and a bare pyo3 method: nanoseconds per call."""

from __future__ import annotations

import sys
from itertools import repeat
from time import perf_counter
from typing import TYPE_CHECKING

import tokenlease_bare
from common import measure, new_client

import tokenlease

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 200_000

client = new_client(tokenlease.Client)
token = client.token()
bare = tokenlease_bare.of(token.value)


def token_value() -> None:
    for _ in repeat(None, CALLS):
        client.token().value


def value() -> None:
    for _ in repeat(None, CALLS):
        token.value


def authorization() -> None:
    for _ in repeat(None, CALLS):
        token.authorization


def text() -> None:
    for _ in repeat(None, CALLS):
        bare.text()


def per_call(calls: Callable[[], None]) -> float:
    start = perf_counter()
    calls()
    return (perf_counter() - start) / CALLS * 1e9


measured = {"token_value": token_value, "value": value, "authorization": authorization}[sys.argv[3]]
measure(lambda: per_call(measured), lambda: per_call(text))
