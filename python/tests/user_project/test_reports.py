# pyright: strict
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reports import Reports, connect, with_event_loop

if TYPE_CHECKING:
    from tokenlease.testing import Server


def test_reports_survive_the_end_of_a_token(wyn_server: Server) -> None:
    client, url = connect(wyn_server.options), f"{wyn_server.url}/api/v2/me"
    assert client is not None
    with Reports(client, url) as reports:
        for get in (reports.by_requests, reports.by_httpx, reports.by_call, reports.by_hand):
            assert get() == 200
        remaining = reports.remaining()
        assert remaining is not None
        wyn_server.travel(seconds=remaining.total_seconds())
        assert reports.by_requests() == 200
    assert wyn_server.logins == 2


def test_reports_in_an_event_loop(wyn_server: Server) -> None:
    client = wyn_server.async_client()
    url = f"{wyn_server.url}/api/v2/me"
    assert asyncio.run(with_event_loop(client, url)) == [200, 200]
    assert wyn_server.logins == 1


def test_a_wrong_password_is_logged(wyn_server: Server) -> None:
    assert connect({**wyn_server.options, "password": "wrong"}) is None
