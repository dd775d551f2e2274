"""A thousand users of the portal, whose three worker processes share a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conftest import Emulator

EXAMPLES = Path(__file__).parent.parent / "examples"
USERS = 1000
WORKERS = 3


class Worker:
    """A process of the portal, at a socket of this host."""

    def __init__(self, emulator: Emulator, folder: Path, number: int) -> None:
        options = emulator.options("wyn")
        names = {"WYN_SERVER": "server", "WYN_USER": "user", "WYN_PASSWORD": "password"}
        names["WYN_CLIENT_SECRET"] = "client_secret"
        environment = {name: str(options[option]) for name, option in names.items()}
        environment["PORTAL_KEY"] = "a key of the test"
        environment["PORTAL_STORE"] = f"file:{folder / 'store'}"
        environment["NO_PROXY"] = "127.0.0.1"
        path = folder / f"{number}.sock"
        command = [sys.executable, "-m", "uvicorn", "portal:app", "--app-dir", str(EXAMPLES)]
        command += ["--uds", str(path), "--no-access-log"]
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        seen = ""
        while "running on unix socket" not in seen:
            line = self.process.stderr.readline()
            assert line, seen
            seen += line
        self.path = str(path)
        self.http: httpx.AsyncClient

    def open(self) -> None:
        """Open connections in the current event loop."""
        transport = httpx.AsyncHTTPTransport(uds=self.path)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://portal", timeout=600)

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def workers(emulator: Emulator, tmp_path: Path) -> Iterator[list[Worker]]:
    """Run the portal's processes."""
    made: list[Worker] = []
    try:
        made.extend(Worker(emulator, tmp_path, number) for number in range(WORKERS))
        yield made
    finally:
        for worker in made:
            worker.kill()


class Browser:
    """A browser of one user."""

    def __init__(self, workers: list[Worker], number: int) -> None:
        self.workers, self.number = workers, number
        self.session = ""

    async def log_in(self) -> None:
        form = {"user": f"user-{self.number:04}"}
        answer = await self.workers[self.number % WORKERS].http.post("/login", json=form)
        assert answer.status_code == 204
        self.session = f"session={answer.cookies['session']}"

    async def call(self, method: str, path: str, first: int) -> httpx.Response:
        """Send a request to a process, and to the next one if that process is gone."""
        for number in range(first, first + WORKERS):
            http = self.workers[number % WORKERS].http
            with contextlib.suppress(httpx.TransportError):
                return await http.request(method, path, headers={"Cookie": self.session})
        message = "no process answers"
        raise AssertionError(message)

    async def show(self, *first: int) -> None:
        """Show the report, in as many processes at once."""
        shown = await asyncio.gather(*(self.call("GET", "/report", one) for one in first))
        assert [answer.status_code for answer in shown] == [200] * len(first), shown[0].text

    async def log_out(self) -> None:
        answer = await self.call("POST", "/logout", self.number)
        assert (answer.status_code, answer.json()) == (200, {"proven": 1, "failed": 0})


async def for_all(browsers: list[Browser], work: Callable[[Browser], Awaitable[None]]) -> None:
    """Do something for all users, 100 at once."""
    turns = asyncio.Semaphore(100)

    async def one(browser: Browser) -> None:
        async with turns:
            await work(browser)

    await asyncio.gather(*map(one, browsers))


# Rule: Subjects: a thousand users of a portal with FastAPI cost a thousand logins, whichever of its
# processes they use. A process that is killed loses nothing, and each logout ends the user's token.
@pytest.mark.skipif(sys.platform == "win32", reason="the processes listen at sockets of Unix")
def test_a_thousand_users_cost_a_thousand_logins_and_log_out(
    emulator: Emulator, workers: list[Worker]
) -> None:
    browsers = [Browser(workers, number) for number in range(USERS)]
    shown = 0

    async def first(browser: Browser) -> None:
        await browser.log_in()
        await browser.show(browser.number, browser.number + 1)

    async def again(browser: Browser) -> None:
        nonlocal shown
        shown += 1
        if shown == USERS // 3:
            # While the others are served.
            workers[0].process.kill()
        await browser.show(browser.number + 2)

    def active_tokens() -> Any:  # noqa: ANN401
        return emulator.control("tokens", {"end": "wyn"})["ended"]

    async def run() -> None:
        for worker in workers:
            worker.open()
        forged = await workers[0].http.get("/report", headers={"Cookie": "session=user-0001"})
        assert forged.status_code == 401
        await for_all(browsers, first)
        assert emulator.logins("wyn") == USERS
        await for_all(browsers, again)
        assert emulator.logins("wyn") == USERS, "the killed process lost no token"
        await for_all(browsers, Browser.log_out)
        for worker in workers:
            await worker.http.aclose()

    asyncio.run(run())
    assert emulator.logins("wyn") == USERS
    assert active_tokens() == 0
