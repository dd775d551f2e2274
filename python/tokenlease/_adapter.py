"""The parts that the adapters of HTTP libraries share: where a token goes, and in which form."""

from __future__ import annotations

import json
import logging
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

from tokenlease._errors import ConfigError
from tokenlease._tokenlease import _server_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenlease._async import AsyncClient
    from tokenlease._tokenlease import Client, Token

PORTS = {"http": 80, "https": 443}

# Their bodies decide with the headers whether a token was rejected.
_FAILED = (400, 401, 403)

_LOG = logging.getLogger("tokenlease")


class Origin(NamedTuple):
    """The scheme, host and port of an API (RFC 6454 section 4). A token is sent to it alone."""

    scheme: str
    host: str
    port: int

    def covers(self, scheme: str, host: str | None, port: int | None) -> bool:
        """Return whether a token for this origin may be sent to that address.

        The only other origin is that of an upgrade from `http` to `https` on the usual ports.
        """
        found = Origin(scheme, (host or "").lower().strip("[]"), port or PORTS.get(scheme, 0))
        upgraded = Origin("https", self.host, 443)
        return found == self or (self[::2] == ("http", 80) and found == upgraded)

    def covers_url(self, url: str) -> bool:
        """As `covers`, for a URL."""
        try:
            parts = urlsplit(url)
            return self.covers(parts.scheme, parts.hostname, parts.port)
        except ValueError:
            return False

    def skip(self, scheme: str, host: str | None) -> None:
        """Log that a request to another origin gets no token."""
        _LOG.debug("no token for %s://%s: it is for %s://%s", scheme, host, *self[:2])


def origin_of(client: Client | AsyncClient, address: str | None) -> Origin:
    """Return the origin of the API at that address; default: of the client's server."""
    provider, server = _server_of(client)
    if address is None:
        if provider == "oauth2":
            message = (
                "the API's address is missing: an OAuth2 server's tokens are for other addresses; "
                'expected an address such as origin="https://api.example"'
            )
            raise ConfigError(message)
        address = server
    origin = _parse(address)
    if origin is None:
        # Without the address, which may contain a password.
        message = 'origin is no address; expected one such as "https://api.example"'
        raise ConfigError(message)
    return origin


def _parse(address: str) -> Origin | None:
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return None
    if not host or parts.scheme not in PORTS or parts.username:
        return None
    return Origin(parts.scheme, host, port or PORTS[parts.scheme])


def needs_body(token: Token, status: int, content_type: str | None) -> bool:
    """Return whether an answer must be read to its end to see whether it rejects the token.

    It is for a WinKAS envelope in a success, but not for a file that is downloaded.
    """
    if status in _FAILED:
        return True
    kind = (content_type or "text/").lower()
    return token.kind == "winkas" and status // 100 == 2 and ("text/" in kind or "json" in kind)  # noqa: PLR2004


def with_token(body: bytes | str | None, token: Token) -> bytes:
    """Return the JSON body of a call of WinKAS Air with the token as its member `Token`."""
    try:
        text = body.decode() if isinstance(body, bytes) else (body or "")
        members = json.loads(text) if text.strip() else {}
    except ValueError:
        # Without the cause: its text may quote the body.
        reject_body("not a JSON object")
    if not isinstance(members, dict):
        reject_body("not a JSON object")
    if "Token" in members:
        del members["Token"]
        text = json.dumps(members)
    # Spliced in, so that the caller's text is sent unchanged.
    rest = f",{text.lstrip()[1:]}" if members else "}"
    return f"{{{token.json_field}{rest}".encode()


def reject_body(kind: str) -> NoReturn:
    """Raise the error for a body into which no token can be put."""
    message = (
        f"the request's body is {kind}; expected a JSON object, in which WinKAS Air takes the "
        "token; pass the fields with json="
    )
    raise ConfigError(message) from None
