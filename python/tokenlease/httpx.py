"""Authentication for the library httpx, 0.23 or later.

```python
import httpx
import tokenlease
from tokenlease.httpx import Auth

http = httpx.Client(auth=Auth(tokenlease.Client(...)))
asynchronous = httpx.AsyncClient(auth=Auth(tokenlease.AsyncClient(...)))
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from tokenlease._adapter import needs_body, origin_of, reject_body, with_token
from tokenlease._async import AsyncClient
from tokenlease._call import replacement, replacement_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from tokenlease import Client, Token
    from tokenlease._adapter import Origin

__all__ = ["Auth"]


class Auth(httpx.Auth):
    """Attaches a client's token to requests, and repeats a call once if the API rejected it.

    `httpx.Client` takes an `Auth` of a `Client`, and `httpx.AsyncClient` one of an `AsyncClient`.

    The token goes into the header that the client's option `token_header` names, and for WinKAS
    Air into the member `Token` of the JSON body. A body that is a stream or a form with files is
    sent once: the rejection is reported, and the API's answer is returned. Any number of threads
    or tasks may use one `Auth`.

    The token is sent to one origin alone, also if a server redirects to another one: that of
    `origin`, the address of the API; default: the client's server. An OAuth2 client needs it.
    Requests to other origins are sent without the token.

    Errors of the client, such as `CredentialsRejectedError`, are raised by the request.
    """

    def __init__(self, client: Client | AsyncClient, *, origin: str | None = None) -> None:
        """Make the authentication of a client. It sends nothing.

        Raises `ConfigError` if `origin` is missing or malformed.
        """
        self._client = client
        self._origin = origin_of(client, origin)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Attach the token to the requests of `httpx.Client`."""
        client = self._client
        if isinstance(client, AsyncClient):
            message = "httpx.Client needs an Auth of a tokenlease.Client, not of an AsyncClient"
            raise TypeError(message)
        if not _covers(self._origin, request):
            self._origin.skip(request.url.scheme, request.url.host)
            yield request
            return
        token, call = client.token(), _Call(self._origin, request)
        response = yield call.attach(token)
        if call.lost_in_redirects(response):
            response = yield call.follow(response)
        if not call.needs_body(response):
            return
        response.read()
        other = replacement(client, token, call.answer(response))
        if other is None or not call.is_repeatable:
            return
        response = yield call.attach(other)
        if call.lost_in_redirects(response):
            yield call.follow(response)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Attach the token to the requests of `httpx.AsyncClient`."""
        client = self._client
        if not isinstance(client, AsyncClient):
            message = "httpx.AsyncClient needs an Auth of a tokenlease.AsyncClient, not of a Client"
            raise TypeError(message)
        if not _covers(self._origin, request):
            self._origin.skip(request.url.scheme, request.url.host)
            yield request
            return
        token, call = await client.token(), _Call(self._origin, request)
        response = yield call.attach(token)
        if call.lost_in_redirects(response):
            response = yield call.follow(response)
        if not call.needs_body(response):
            return
        await response.aread()
        other = await replacement_async(client, token, call.answer(response))
        if other is None or not call.is_repeatable:
            return
        response = yield call.attach(other)
        if call.lost_in_redirects(response):
            yield call.follow(response)


def _covers(origin: Origin, request: httpx.Request) -> bool:
    url = request.url
    # As it is sent: a decoded name may also be that of another host.
    return origin.covers(url.scheme, url.raw_host.decode("ascii"), url.port)


class _Once(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body with the token when it is first sent, and without it when a redirect sends it again.

    httpx does not say where it sends a body, which may be another origin.
    """

    def __init__(self, body: bytes, without: bytes) -> None:
        self._body = body
        self.without = without
        self.was_sent = False
        self.was_sent_without = False

    def _take(self) -> bytes:
        self.was_sent_without = self.was_sent
        self.was_sent = True
        # Of the same length, which the headers state: spaces after JSON mean nothing.
        return self.without.ljust(len(self._body)) if self.was_sent_without else self._body

    def __iter__(self) -> Iterator[bytes]:
        yield self._take()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._take()


class _Headers(httpx.Headers):
    """Headers with a token that their copies lack.

    httpx copies the headers of a request that a redirect sends on, and takes only `Authorization`
    out for another origin.
    """

    def __init__(self, headers: httpx.Headers, token: Token) -> None:
        self._name, self._value = token.header_name, token.header_value
        others = httpx.Headers(headers)
        others.pop(self._name, None)
        super().__init__(others)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        return [*super().raw, (self._name.encode(), self._value.encode())]

    def __getitem__(self, key: str) -> str:
        return self._value if key.lower() == self._name.lower() else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return str(key).lower() == self._name.lower() or super().__contains__(key)


class _Call:
    """A request with a token, its redirects and its repetition."""

    def __init__(self, origin: Origin, request: httpx.Request) -> None:
        self._origin, self._request = origin, request
        self._body: bytes | None = None
        if isinstance(request.stream, _Once):
            # A redirect that the caller follows.
            self._body = request.stream.without
        elif isinstance(request.stream, httpx.ByteStream):
            self._body = request.read()
        self._token: Token | None = None
        self._stream: _Once | None = None

    @property
    def is_repeatable(self) -> bool:
        return self._body is not None

    def attach(self, token: Token) -> httpx.Request:
        """Return the request with the token."""
        self._token, request = token, self._request
        if token.kind != "winkas":
            return self._with_header(request)
        if self._body is None:
            reject_body("a stream")
        return self._with_body(request, request.method, request.url)

    def _with_header(self, request: httpx.Request) -> httpx.Request:
        assert self._token is not None  # noqa: S101
        if self._token.header_name == "Authorization":
            request.headers["Authorization"] = self._token.header_value
        else:
            request.headers = _Headers(request.headers, self._token)
        return request

    def _with_body(self, request: httpx.Request, method: str, url: httpx.URL) -> httpx.Request:
        assert self._token is not None  # noqa: S101
        assert self._body is not None  # noqa: S101
        body = with_token(self._body, self._token)
        headers = request.headers.copy()
        headers["Content-Length"] = str(len(body))
        headers.setdefault("Content-Type", "application/json")
        self._stream = _Once(body, self._body)
        extensions = request.extensions
        return httpx.Request(
            method, url, headers=headers, stream=self._stream, extensions=extensions
        )

    def lost_in_redirects(self, response: httpx.Response) -> bool:
        """Return whether a redirect inside the origin lost the token."""
        if self._stream is None:
            is_lost = not self._is_in_header(response)
        else:
            is_lost = self._stream.was_sent_without
        hops = [*response.history, response]
        return is_lost and all(_covers(self._origin, hop.request) for hop in hops)

    def _is_in_header(self, response: httpx.Response) -> bool:
        assert self._token is not None  # noqa: S101
        sent: str | None = response.request.headers.get(self._token.header_name)
        return sent == self._token.header_value

    def follow(self, response: httpx.Response) -> httpx.Request:
        """Return the request at the end of such redirects, with the token."""
        last = response.request
        if self._stream is None:
            return self._with_header(last)
        return self._with_body(last, last.method, last.url)

    def needs_body(self, response: httpx.Response) -> bool:
        """Return whether the answer is one to the token, and its body is needed to read it."""
        assert self._token is not None  # noqa: S101
        if self._stream is not None:
            is_attached = (
                response.request.stream is self._stream and not self._stream.was_sent_without
            )
        else:
            is_attached = self._is_in_header(response)
        kind = response.headers.get("Content-Type")
        return is_attached and needs_body(self._token, response.status_code, kind)

    @staticmethod
    def answer(response: httpx.Response) -> tuple[int, bytes, httpx.Headers]:
        return response.status_code, response.content, response.headers
