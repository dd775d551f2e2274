# pyright: strict
"""A program of a user of the package: it reads reports from an API, with each way to call it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import requests

import tokenlease
import tokenlease.aiohttp
import tokenlease.httpx
import tokenlease.requests

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

LOG = logging.getLogger("reports")


class Reports:
    """Reports, for threads."""

    def __init__(self, client: tokenlease.Client, url: str) -> None:
        self._client, self._url = client, url
        self._session = requests.Session()
        self._session.auth = tokenlease.requests.Auth(client)
        self._http = httpx.Client(auth=tokenlease.httpx.Auth(client))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()
        self._http.close()

    def by_requests(self) -> int:
        return self._session.get(self._url, timeout=30).status_code

    def by_httpx(self) -> int:
        return self._http.get(self._url).status_code

    def by_call(self) -> int:
        def send(token: tokenlease.Token) -> requests.Response:
            headers = {"Authorization": token.authorization}
            return requests.get(self._url, headers=headers, timeout=30)

        return self._client.call(send).status_code

    def by_hand(self) -> int:
        token = self._client.token_with(min_remaining=timedelta(seconds=5))
        headers = {"Authorization": token.authorization}
        answer = requests.get(self._url, headers=headers, timeout=30)
        if self._client.read_answer(answer.status_code, answer.content) == "not_rejected":
            return answer.status_code
        rejection = self._client.report_rejected(token)
        if isinstance(rejection, tokenlease.Replaced):
            headers = {"Authorization": rejection.token.authorization}
            return requests.get(self._url, headers=headers, timeout=30).status_code
        return answer.status_code

    def remaining(self) -> timedelta | None:
        status: tokenlease.Status = self._client.status()
        if status.expires_at is None:
            return None
        return status.expires_at - datetime.now(timezone.utc)


async def with_event_loop(client: tokenlease.AsyncClient, url: str) -> list[int]:
    """Read reports in an event loop."""
    found: list[int] = []
    auth = tokenlease.aiohttp.Auth(client)
    async with aiohttp.ClientSession(middlewares=(auth,)) as session, session.get(url) as answer:
        found.append(answer.status)
    async with httpx.AsyncClient(auth=tokenlease.httpx.Auth(client)) as http:
        found.append((await http.get(url)).status_code)
    return found


def connect(options: dict[str, Any]) -> tokenlease.Client | None:
    """Make a client that has a token, or log why there is none."""
    client = tokenlease.Client(**options)
    try:
        client.token()
    except tokenlease.CredentialsRejectedError as error:
        LOG.warning("correct the password before %s: %s", error.until, error)
    except tokenlease.TokenLeaseError as error:
        LOG.warning("%s, retry after %s", error.kind, error.retry_after)
    else:
        return client
    return None
