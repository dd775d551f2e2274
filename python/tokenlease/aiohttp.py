"""Authentication for the client of the library aiohttp, 3.12.2 or later.

```python
import aiohttp
import tokenlease
from tokenlease.aiohttp import Auth

client = tokenlease.AsyncClient(...)
session = aiohttp.ClientSession(middlewares=(Auth(client),))
```

Earlier versions have no client middlewares: call them through `AsyncClient.call`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import BytesPayload

from tokenlease._adapter import needs_body, origin_of, reject_body, with_token
from tokenlease._async import AsyncClient
from tokenlease._call import replacement_async

if TYPE_CHECKING:
    from typing import Any

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from tokenlease import Token

__all__ = ["Auth"]


class Auth:
    """Attaches a client's token to requests, and repeats a call once if the API rejected it.

    It is a middleware of `aiohttp.ClientSession`, or of one request.

    The token goes into the header that the client's option `token_header` names, and for WinKAS
    Air into the member `Token` of the JSON body. A body that is a stream or a form with files is
    sent once: the rejection is reported, and the API's answer is returned. Any number of tasks may
    use one `Auth`.

    The token is sent to one origin alone, also if a server redirects to another one: that of
    `origin`, the address of the API; default: the client's server. An OAuth2 client needs it.
    Requests to other origins are sent without the token.

    Errors of the client, such as `CredentialsRejectedError`, are raised by the request.
    """

    def __init__(self, client: AsyncClient, *, origin: str | None = None) -> None:
        """Make the authentication of a client. It sends nothing.

        Raises `ConfigError` if `origin` is missing or malformed.
        """
        self._client = client
        self._origin = origin_of(client, origin)
        if not isinstance(client, AsyncClient):
            message = "aiohttp needs an Auth of a tokenlease.AsyncClient, not of a Client"
            raise TypeError(message)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the token. aiohttp calls it again for each redirect."""
        url = request.url
        if not self._origin.covers(url.scheme, url.raw_host, url.port):
            self._origin.skip(url.scheme, url.host)
            return await handler(request)
        token = await self._client.token()
        body = request.body
        response = await _send(request, handler, token, body)
        kind = response.headers.get("Content-Type")
        if not needs_body(token, response.status, kind):
            return response
        answer = (response.status, await response.read(), response.headers)
        other = await replacement_async(self._client, token, answer)
        if other is None or not _is_repeatable(body):
            return response
        return await _send(request, handler, other, body)


def _is_repeatable(body: Any) -> bool:  # noqa: ANN401
    return not body or isinstance(body, BytesPayload)


async def _send(
    request: ClientRequest,
    handler: ClientHandlerType,
    token: Token,
    body: Any,  # noqa: ANN401
) -> ClientResponse:
    if token.kind != "winkas":
        request.headers[token.header_name] = token.header_value
        return await handler(request)
    if not _is_repeatable(body):
        reject_body("a stream or a form")
    # The bytes of a payload, which has no other public way to them in all versions.
    given = body.decode("latin1").encode("latin1") if body else None
    await request.update_body(with_token(given, token))
    request.headers["Content-Type"] = "application/json"
    try:
        return await handler(request)
    finally:
        # A redirect may send the body on to another origin.
        await request.update_body(body)
