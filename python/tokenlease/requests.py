"""Authentication for the library requests, 2.25 or later.

```python
import requests
import tokenlease
from tokenlease.requests import Auth

client = tokenlease.Client(...)
session = requests.Session()
session.auth = Auth(client)
session.post("https://air.winkas.net/api/...", json={"Text": "x"})
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from tokenlease._adapter import needs_body, origin_of, reject_body, with_token
from tokenlease._call import replacement

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from tokenlease import Client, Token
    from tokenlease._adapter import Origin

__all__ = ["Auth"]


class Auth(AuthBase):
    """Attaches a client's token to requests, and repeats a call once if the API rejected it.

    The token goes into the header that the client's option `token_header` names, and for WinKAS
    Air into the member `Token` of the JSON body. A body that is a stream is sent once: the
    rejection is reported, and the API's answer is returned. Any number of threads and sessions may
    use one `Auth`.

    The token is sent to one origin alone, also if a server redirects to another one: that of
    `origin`, the address of the API; default: the client's server. An OAuth2 client needs it.
    Requests to other origins are sent without the token.

    Errors of the client, such as `CredentialsRejectedError`, are raised by the request.
    """

    def __init__(self, client: Client, *, origin: str | None = None) -> None:
        """Make the authentication of a client. It sends nothing.

        Raises `ConfigError` if `origin` is missing or malformed.
        """
        self._client = client
        self._origin = origin_of(client, origin)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Attach the token to a request, before requests sends it."""
        url = r.url or ""
        if not self._origin.covers_url(url):
            scheme, _, rest = url.partition("://")
            self._origin.skip(scheme, rest.partition("/")[0].rpartition("@")[2])
            return r
        call = _Call(self._client, self._origin, r)
        call.attach(r, self._client.token())
        r.register_hook("response", call.read)
        return r


class _Call:
    """A request with a token, its redirects and its repetition."""

    def __init__(self, client: Client, origin: Origin, request: PreparedRequest) -> None:
        self.client, self.origin = client, origin
        # The body without the token, which goes to other origins.
        self.body = request.body
        self.token: Token | None = None
        self.sent: bytes | str | None = None

    def attach(self, request: PreparedRequest, token: Token) -> None:
        self.token = token
        if token.kind != "winkas":
            self.sent = request.headers[token.header_name] = token.header_value
            return
        if self.body is not None and not isinstance(self.body, (bytes, str)):
            reject_body("a stream")
        request.body = self.sent = with_token(self.body, token)
        request.headers.setdefault("Content-Type", "application/json")
        request.prepare_content_length(request.body)

    def is_attached(self, request: PreparedRequest) -> bool:
        """Return whether the request carries the token: requests drops it in some redirects."""
        assert self.token is not None  # noqa: S101
        if self.token.kind == "winkas":
            return request.body is self.sent
        return request.headers.get(self.token.header_name) == self.sent

    def read(self, response: Response, **options: Any) -> Response:  # noqa: ANN401
        """Read the response: repeat the request, or keep the token from another origin."""
        request = response.request
        if not self.is_attached(request):
            return response
        assert self.token is not None  # noqa: S101
        if response.is_redirect:
            self.keep_from_others(response)
            return response
        content_type = response.headers.get("Content-Type")
        if not needs_body(self.token, response.status_code, content_type):
            return response
        answer = (response.status_code, response.content, response.headers)
        other = replacement(self.client, self.token, answer)
        if other is None or not (self.body is None or isinstance(self.body, (bytes, str))):
            return response
        return self.repeat(response, other, options)

    def repeat(self, response: Response, token: Token, options: dict[str, Any]) -> Response:
        """Send the request again with another token, on the connection of the first."""
        response.close()
        # Not a copy: requests makes the requests of redirects of this one.
        request: Any = response.request
        extract_cookies_to_jar(request._cookies, request, response.raw)  # noqa: SLF001
        request.prepare_cookies(request._cookies)  # noqa: SLF001
        self.attach(request, token)
        connection: Any = response.connection
        again: Response = connection.send(request, **options)
        again.history.append(response)
        if again.is_redirect:
            self.keep_from_others(again)
        return again

    def keep_from_others(self, response: Response) -> None:
        """Take the token out of a request that requests would send on to another origin."""
        request, token = response.request, self.token
        assert token is not None  # noqa: S101
        target = response.headers["Location"].encode("latin1").decode("utf-8", "replace")
        target = urljoin(response.url, target)
        # Both parsers that requests uses must find the origin.
        try:
            parts = parse_url(target)
            same = self.origin.covers(parts.scheme or "", parts.host, parts.port)
        except LocationParseError:
            same = False
        if same and self.origin.covers_url(target):
            return
        if token.kind == "winkas":
            request.body = self.body
            request.prepare_content_length(request.body)
        elif token.header_name != "Authorization":
            # That one requests takes out itself.
            del request.headers[token.header_name]
