"""Measure a thousand asyncio tasks that request a token at once, in milliseconds.

The baseline is a dict and a lock, without tokenlease.
"""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable

from common import FORM, HEADERS, HOST, PATH, PORT, USER, measure, new_client

import tokenlease

if TYPE_CHECKING:
    from collections.abc import Awaitable

CALLERS = 1000
LOOP = asyncio.new_event_loop()


class DictAndLock:
    """A token cache: a dict and a lock. The first caller logs in."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.lock = asyncio.Lock()

    async def token(self) -> str:
        token = self.tokens.get(USER)
        if token is None:
            async with self.lock:
                token = self.tokens.get(USER)
                if token is None:
                    token = self.tokens[USER] = await log_in()
        return token


async def log_in() -> str:
    reader, writer = await asyncio.open_connection(HOST, PORT)
    headers = {"Host": f"{HOST}:{PORT}", "Content-Length": len(FORM), "Connection": "close"}
    lines = [f"POST {PATH} HTTP/1.1", *(f"{n}: {v}" for n, v in {**HEADERS, **headers}.items())]
    writer.write("\r\n".join([*lines, "", FORM]).encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    return str(json.loads(body)["access_token"])


def run_all(request_token: Callable[[], Awaitable[Any]]) -> float:
    """Request a token in all tasks. Return the milliseconds until the last task has its token."""

    async def all_tasks() -> None:
        tasks = [asyncio.ensure_future(request_token()) for _ in range(CALLERS)]
        for task in tasks:
            await task

    start = perf_counter()
    LOOP.run_until_complete(all_tasks())
    return (perf_counter() - start) * 1e3


asyncio.set_event_loop(LOOP)
measure(
    lambda: run_all(new_client(tokenlease.AsyncClient).token),
    lambda: run_all(DictAndLock().token),
)
