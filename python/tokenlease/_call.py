"""Calls of an API with a token, and once more with another token if the first was inactive."""

from __future__ import annotations

from tokenlease._tokenlease import Replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, TypeVar

    from tokenlease._async import AsyncClient
    from tokenlease._tokenlease import Client, Token, _Answer

    _R = TypeVar("_R")


def read_response(response: object) -> _Answer:
    """Return status, body and headers of a response: of requests, of httpx, or a tuple of them."""
    found: Any = response
    if isinstance(found, tuple):
        return found
    try:
        return found.status_code, found.content, found.headers
    except AttributeError:
        kind = type(found).__name__
        message = (
            f"the function returned {kind}; expected a response of requests or httpx, or a tuple "
            "of status, body and headers; otherwise pass read=, which makes that tuple"
        )
        raise TypeError(message) from None


def is_rejected(client: Client | AsyncClient, answer: _Answer) -> bool:
    """Return whether the token of a call may be the reason for the answer."""
    headers: Mapping[str, str] | None = answer[2] if len(answer) == 3 else None  # noqa: PLR2004
    return client.read_answer(answer[0], answer[1], headers) != "not_rejected"


def replacement(client: Client, token: Token, answer: _Answer) -> Token | None:
    """Report the token if the answer rejects it. Return the token to repeat the call with."""
    if not is_rejected(client, answer):
        return None
    rejection = client.report_rejected(token)
    return rejection.token if isinstance(rejection, Replaced) else None


async def replacement_async(client: AsyncClient, token: Token, answer: _Answer) -> Token | None:
    """See `replacement`."""
    if not is_rejected(client, answer):
        return None
    rejection = await client.report_rejected(token)
    return rejection.token if isinstance(rejection, Replaced) else None


def call(
    client: Client, function: Callable[[Token], _R], *, read: Callable[[_R], _Answer] | None = None
) -> _R:
    """See `Client.call`."""
    token = client.token()
    response = function(token)
    other = replacement(client, token, (read or read_response)(response))
    return response if other is None else function(other)


async def call_async(
    client: AsyncClient,
    function: Callable[[Token], Awaitable[_R]],
    read: Callable[[_R], _Answer] | None,
) -> _R:
    """See `AsyncClient.call`."""
    token = await client.token()
    response = await function(token)
    other = await replacement_async(client, token, (read or read_response)(response))
    return response if other is None else await function(other)
