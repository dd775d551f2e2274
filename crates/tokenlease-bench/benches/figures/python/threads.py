"""Measure a thousand threads that request a token at once, in milliseconds.

The baseline is a dict and a lock, without tokenlease.
"""

from __future__ import annotations

import http.client
import json
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Callable

from common import FORM, HEADERS, HOST, PATH, PORT, USER, measure, new_client

import tokenlease

CALLERS = 1000


class DictAndLock:
    """A token cache: a dict and a lock. The first caller logs in."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.lock = Lock()

    def token(self) -> str:
        token = self.tokens.get(USER)
        if token is None:
            with self.lock:
                token = self.tokens.get(USER)
                if token is None:
                    token = self.tokens[USER] = log_in()
        return token


def log_in() -> str:
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.request("POST", PATH, FORM, HEADERS)
    token = str(json.load(connection.getresponse())["access_token"])
    connection.close()
    return token


def run_all(request_token: Callable[[], object]) -> float:
    """Request a token in all threads. Return the milliseconds until the last one has its token."""
    begin, end, done, finished = Lock(), Lock(), Event(), []

    def caller() -> None:
        with begin:  # one after the other: all at once would contend before the request
            pass
        request_token()
        finished.append(perf_counter())
        if len(finished) == CALLERS:
            done.set()
        with end:  # the end of a thread would delay the other threads
            pass

    threads = [Thread(target=caller) for _ in range(CALLERS)]
    with end:
        with begin:
            for thread in threads:
                thread.start()
            start = perf_counter()
        done.wait()
    for thread in threads:
        thread.join()
    return (max(finished) - start) * 1e3


measure(
    lambda: run_all(new_client(tokenlease.Client).token),
    lambda: run_all(DictAndLock().token),
)
