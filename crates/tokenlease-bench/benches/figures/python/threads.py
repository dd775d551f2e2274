"""A thousand threads on a cold client, beside a dict and a lock by hand. In milliseconds."""

from __future__ import annotations

import http.client
import json
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Callable

from turns import FORM, HEADERS, HOST, PATH, PORT, USER, cold, take

import tokenlease

CALLERS = 1000


class ByHand:
    """A dict, a lock around it, and a request by who comes first."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.lock = Lock()

    def token(self) -> str:
        token = self.tokens.get(USER)
        if token is None:
            with self.lock:
                token = self.tokens.get(USER)
                if token is None:
                    token = self.tokens[USER] = request()
        return token


def request() -> str:
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.request("POST", PATH, FORM, HEADERS)
    token = str(json.load(connection.getresponse())["access_token"])
    connection.close()
    return token


def at_once(ask: Callable[[], object]) -> float:
    """Have all ask, and tell when the last was answered."""
    begin, end, done, answered = Lock(), Lock(), Event(), []

    def caller() -> None:
        with begin:  # one lets the next in: all at once would contend before they ask
            pass
        ask()
        answered.append(perf_counter())
        if len(answered) == CALLERS:
            done.set()
        with end:  # a thread's end would hold up the others
            pass

    threads = [Thread(target=caller) for _ in range(CALLERS)]
    with end:
        with begin:
            for thread in threads:
                thread.start()
            began = perf_counter()
        done.wait()
    for thread in threads:
        thread.join()
    return (max(answered) - began) * 1e3


take(lambda: at_once(cold(tokenlease.Client).token), lambda: at_once(ByHand().token))
