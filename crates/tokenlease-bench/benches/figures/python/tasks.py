"""A thousand tasks on a cold client, beside a dict and a lock by hand. In milliseconds."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable

from turns import FORM, HEADERS, HOST, PATH, PORT, USER, cold, take

import tokenlease

if TYPE_CHECKING:
    from collections.abc import Awaitable

CALLERS = 1000
LOOP = asyncio.new_event_loop()


class ByHand:
    """A dict, a lock around it, and a request by who comes first."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.lock = asyncio.Lock()

    async def token(self) -> str:
        token = self.tokens.get(USER)
        if token is None:
            async with self.lock:
                token = self.tokens.get(USER)
                if token is None:
                    token = self.tokens[USER] = await request()
        return token


async def request() -> str:
    reader, writer = await asyncio.open_connection(HOST, PORT)
    headers = {"Host": f"{HOST}:{PORT}", "Content-Length": len(FORM), "Connection": "close"}
    lines = [f"POST {PATH} HTTP/1.1", *(f"{n}: {v}" for n, v in {**HEADERS, **headers}.items())]
    writer.write("\r\n".join([*lines, "", FORM]).encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    return str(json.loads(body)["access_token"])


def at_once(ask: Callable[[], Awaitable[Any]]) -> float:
    async def all_of_them() -> None:
        tasks = [asyncio.ensure_future(ask()) for _ in range(CALLERS)]
        for task in tasks:
            await task

    began = perf_counter()
    LOOP.run_until_complete(all_of_them())
    return (perf_counter() - began) * 1e3


asyncio.set_event_loop(LOOP)
take(lambda: at_once(cold(tokenlease.AsyncClient).token), lambda: at_once(ByHand().token))
