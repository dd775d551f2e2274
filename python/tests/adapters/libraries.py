"""HTTP libraries with the authentication of tokenlease, and a server that redirects and records."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import requests

import tokenlease.aiohttp
import tokenlease.httpx
import tokenlease.requests
from tokenlease import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from tokenlease import Token

    Answer = tuple[int, bytes]


class Library:
    """A library's session, with the authentication of one client."""

    auth: Any

    def call(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        """Call an API, follow redirects, and return the status and the body."""
        raise NotImplementedError

    def calls(self, count: int, method: str, url: str, **options: Any) -> list[Answer]:  # noqa: ANN401
        """Make that many concurrent calls."""
        with ThreadPoolExecutor(count) as pool:
            running = [pool.submit(self.call, method, url, **options) for _ in range(count)]
            return [one.result() for one in running]

    def open(self, url: str, release: threading.Event) -> bytes:
        """Open a response as a stream, let the server go on, and read the response."""
        raise NotImplementedError

    def stream(self) -> Any:  # noqa: ANN401
        """Return a body that can be sent once."""
        return iter([b"one", b"two"])

    def token(self) -> Token:
        """Return the client's token."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the session."""


class Requests(Library):
    def __init__(self, options: dict[str, Any], origin: str | None = None) -> None:
        self.client = Client(**options)
        self.session = requests.Session()
        self.session.auth = self.auth = tokenlease.requests.Auth(self.client, origin=origin)
        self.session.trust_env = False

    def call(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        answer = self.session.request(method, url, timeout=30, **options)
        return answer.status_code, answer.content

    def open(self, url: str, release: threading.Event) -> bytes:
        with self.session.get(url, stream=True, timeout=30) as answer:
            release.set()
            return answer.content

    def token(self) -> Token:
        return self.client.token()

    def close(self) -> None:
        self.session.close()


class Httpx(Library):
    def __init__(self, options: dict[str, Any], origin: str | None = None) -> None:
        self.client = Client(**options)
        self.auth = tokenlease.httpx.Auth(self.client, origin=origin)
        self.http = httpx.Client(auth=self.auth, follow_redirects=True, timeout=30, trust_env=False)

    def call(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        if "data" in options:
            options["content"] = options.pop("data")
        answer = self.http.request(method, url, **options)
        return answer.status_code, answer.content

    def open(self, url: str, release: threading.Event) -> bytes:
        with self.http.stream("GET", url) as answer:
            release.set()
            return answer.read()

    def token(self) -> Token:
        return self.client.token()

    def close(self) -> None:
        self.http.close()


class Asynchronous(Library):
    """A library whose calls are awaited."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.client = AsyncClient(**options)
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        return self.loop.run_until_complete(work)

    async def send(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        raise NotImplementedError

    async def end(self) -> None:
        raise NotImplementedError

    def call(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        answer: Answer = self.run(self.send(method, url, **options))
        return answer

    def calls(self, count: int, method: str, url: str, **options: Any) -> list[Answer]:  # noqa: ANN401
        async def all_calls() -> list[Answer]:
            return await asyncio.gather(*(self.send(method, url, **options) for _ in range(count)))

        answers: list[Answer] = self.run(all_calls())
        return answers

    def stream(self) -> Any:  # noqa: ANN401
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        return parts()

    def token(self) -> Token:
        token: Token = self.run(self.client.token())
        return token

    def close(self) -> None:
        self.run(self.end())
        self.loop.close()


class HttpxAsync(Asynchronous):
    def __init__(self, options: dict[str, Any], origin: str | None = None) -> None:
        super().__init__(options)
        self.auth = tokenlease.httpx.Auth(self.client, origin=origin)
        options = {"follow_redirects": True, "timeout": 30, "trust_env": False}
        self.http = httpx.AsyncClient(auth=self.auth, **options)

    async def send(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        if "data" in options:
            options["content"] = options.pop("data")
        answer = await self.http.request(method, url, **options)
        return answer.status_code, answer.content

    def open(self, url: str, release: threading.Event) -> bytes:
        async def read() -> bytes:
            async with self.http.stream("GET", url) as answer:
                release.set()
                return await answer.aread()

        body: bytes = self.run(read())
        return body

    async def end(self) -> None:
        await self.http.aclose()


class Aiohttp(Asynchronous):
    def __init__(self, options: dict[str, Any], origin: str | None = None) -> None:
        super().__init__(options)
        self.auth = tokenlease.aiohttp.Auth(self.client, origin=origin)

        async def start() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(middlewares=(self.auth,))

        self.session: aiohttp.ClientSession = self.run(start())

    async def send(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401
        async with self.session.request(method, url, **options) as answer:
            return answer.status, await answer.read()

    def open(self, url: str, release: threading.Event) -> bytes:
        async def read() -> bytes:
            async with self.session.get(url) as answer:
                release.set()
                return await answer.read()

        body: bytes = self.run(read())
        return body

    async def end(self) -> None:
        await self.session.close()


LIBRARIES = [Requests, Httpx, HttpxAsync, Aiohttp]


@dataclass
class Seen:
    """A request that the server received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def shows(self, token: str) -> bool:
        """Return whether the token is anywhere in the request."""
        text = f"{self.path}{self.headers}{self.body.decode()}"
        return token in text or json.dumps(token)[1:-1] in text


@dataclass
class Server:
    """A server that redirects, rejects tokens, and records all requests.

    - `/to?status=…&url=…` redirects.
    - `/held` sends the second half of its answer after `release` is set.
    - Any other path answers 401 to the tokens in `inactive`.
    """

    address: str = ""
    seen: list[Seen] = field(default_factory=list)
    inactive: set[str] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = b""
        if handler.headers.get("Transfer-Encoding") == "chunked":
            while size := int(handler.rfile.readline(), 16):
                body += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()
        else:
            body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = dict(handler.headers.items())
        self.seen.append(Seen(handler.command, handler.path, headers, body))
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        status, more, content = 200, {"Content-Type": "application/json"}, b"{}"
        token = headers.get("Authorization", "").replace("Bearer ", "")
        token = token or headers.get("Reference-Token", "")
        if not token and body.startswith(b"{"):
            token = json.loads(body).get("Token", "")
        if token in self.inactive:
            status, more["WWW-Authenticate"] = 401, 'Bearer error="invalid_token"'
        elif parts.path == "/to":
            status, more["Location"] = int(query["status"][0]), query["url"][0]
        elif parts.path == "/held":
            content = b"ab"
        handler.send_response(status)
        for name, value in {**more, "Content-Length": str(len(content))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if parts.path == "/held":
            handler.wfile.write(content[:1])
            handler.wfile.flush()
            assert self.release.wait(30)
            content = content[1:]
        handler.wfile.write(content)


def serve(host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server on loopback."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            server.answer(self)

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as listening:
        listening.daemon_threads = True
        server.address = f"http://{host}:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
