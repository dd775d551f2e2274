"""The status of a client's token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal


@dataclass(frozen=True)
class Backoff:
    """Credentials are not sent before `until`."""

    until: datetime
    """When the backoff ends."""
    count: int | None
    """How many rejections or failures there were in a row; `None` for a backoff of the server."""
    cause: str | None
    """The server's answer that caused it, in words; `None` if it is not known any more."""


@dataclass(frozen=True)
class Count:
    """How often something happened since the client or the registry was made."""

    counter: Literal[
        "logins",
        "refetches",
        "validations",
        "revocations",
        "rejections",
        "cache_hits_sampled",
        "cache_misses",
        "store_calls",
        "errors",
    ]
    """The thing that is counted."""
    provider: Literal["winkas", "wyn", "oauth2"]
    """The provider of the client."""
    cause: str | None
    """Why, for logins, refetches and rejections: a cause of `Client.history`."""
    result: Literal["active", "inactive", "inconclusive"] | None
    """The result of validations."""
    count: int
    """How often; it is not zero."""


@dataclass(frozen=True)
class Status:
    """When a client's token expires, how that is known, and what stops it from getting another.

    It has no secret. All times are aware, in UTC.
    """

    identity: str
    """The identity, for people."""
    live: bool
    """Whether there is a token that can be served."""
    expires_at: datetime | None
    """When the token expires; of an assumed or learned expiry, when validations begin."""
    expiry: (
        Literal[
            "stated", "capped", "assumed", "learned", "unknown", "unstated", "expired_on_arrival"
        ]
        | None
    )
    """How the expiry is known; `None` without a token."""
    source: Literal["memory", "store", "refetch", "login", "adopted"] | None
    """Where this process got the token; `None` if it did not use it yet."""
    age: timedelta | None
    """The time since the request for the token was sent; `None` without a token."""
    generation: int
    """The number of tokens of the identity up to and including this one; 0 if it is not known."""
    rejected: Backoff | None
    """The server rejected the credentials."""
    backoff: Backoff | None
    """The server's answers to the credentials could not be used, or the server backs off."""
    store_error: str | None
    """Why the store could not be read: then only this process' token is known."""
    counts: tuple[Count, ...]
    """How often the client did something, by cause and result."""

    @classmethod
    def _of(cls, text: str) -> Status:
        status: dict[str, Any] = json.loads(text)
        lease: dict[str, Any] = status["lease"] or {}
        age = lease.get("age_s")
        store_error = status["store_error"]
        return cls(
            identity=status["identity"],
            live=lease.get("live", False),
            expires_at=_time(lease.get("expires_at")),
            expiry=lease.get("expiry"),
            source=status["source"],
            age=None if age is None else timedelta(seconds=age),
            generation=lease.get("generation", 0),
            rejected=_backoff(status["circuit"]),
            backoff=_backoff(status["backoff"]) or _backoff(status["server_backoff"]),
            store_error=store_error and store_error["message"],
            counts=_counts(status["counts"]),
        )


# The name by which programs import them.
Backoff.__module__ = Count.__module__ = Status.__module__ = "tokenlease"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _backoff(block: dict[str, Any] | None) -> Backoff | None:
    until = _time(block["until"]) if block else None
    if block is None or until is None:
        return None
    cause = block["cause"]
    return Backoff(until, block.get("count"), cause and cause["message"])


def _counts(counts: list[dict[str, Any]]) -> tuple[Count, ...]:
    return tuple(Count(**count) for count in counts)
