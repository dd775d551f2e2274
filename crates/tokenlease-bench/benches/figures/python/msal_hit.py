"""Measure `token().value` and a hit in the cache of MSAL, in nanoseconds per call."""

from __future__ import annotations

import json
from itertools import repeat
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import msal
from common import measure, new_client

import tokenlease

CALLS = 100_000
CALLS_OF_MSAL = 1000
AUTHORITY = "https://login.microsoftonline.com/organizations"
SCOPES = ["https://example.com/.default"]


class Server:
    """Answers MSAL's requests without a network."""

    def get(self, url: str, **_: Any) -> Any:  # noqa: ANN401
        endpoints = (
            "authorization_endpoint",
            "token_endpoint",
            "device_authorization_endpoint",
        )
        answer = {"issuer": AUTHORITY, **dict.fromkeys(endpoints, url)}
        return self.answer({**answer, "tenant_discovery_endpoint": url, "metadata": []})

    def post(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        token = client.token().value
        return self.answer({"access_token": token, "token_type": "Bearer", "expires_in": 86400})

    def answer(self, body: dict[str, Any]) -> Any:  # noqa: ANN401
        return SimpleNamespace(status_code=200, text=json.dumps(body), headers={})

    def close(self) -> None:
        """Have nothing to close."""


def with_tokenlease() -> float:
    start = perf_counter()
    for _ in repeat(None, CALLS):
        client.token().value
    return (perf_counter() - start) / CALLS * 1e9


def with_msal() -> float:
    start = perf_counter()
    for _ in repeat(None, CALLS_OF_MSAL):
        application.acquire_token_for_client(SCOPES)
    return (perf_counter() - start) / CALLS_OF_MSAL * 1e9


client = new_client(tokenlease.Client)
application = msal.ConfidentialClientApplication(
    "client", client_credential="secret", authority=AUTHORITY, http_client=Server()
)
for source in ("identity_provider", "cache"):
    if application.acquire_token_for_client(SCOPES)["token_source"] != source:
        raise SystemExit(source)
measure(with_tokenlease, with_msal)
