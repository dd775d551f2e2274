"""Shared by the benchmark programs: the server, a login without tokenlease, and the turns."""

from __future__ import annotations

import json
import os
import sys
from typing import Callable, TypeVar
from urllib.parse import urlencode, urlsplit

import tokenlease

Client = TypeVar("Client")

SERVER = sys.argv[1]
TURNS = int(sys.argv[2])
HOST, PORT = urlsplit(SERVER).hostname or "", urlsplit(SERVER).port or 80
USER, PASSWORD = os.environ["LOGIN"], os.environ["PASSWORD"]
CLIENT, SECRET = os.environ["CLIENT"], os.environ["CLIENT_SECRET"]

PATH = "/connect/token"
FORM = urlencode(
    {
        "grant_type": "password",
        "username": USER,
        "password": PASSWORD,
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
)
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def new_client(kind: Callable[..., Client]) -> Client:
    """Create a client without a token, with a new registry and therefore an empty store."""
    return kind(
        provider="wyn",
        server=SERVER,
        user=USER,
        client_id=CLIENT,
        password=PASSWORD,
        client_secret=SECRET,
        registry=tokenlease.Registry(),
    )


def measure(with_tokenlease: Callable[[], float], baseline: Callable[[], float]) -> None:
    """Print one pair per turn as JSON. An additional first turn warms up."""
    # The order changes each turn, so that neither side always runs second.
    pairs = [
        (with_tokenlease(), baseline()) if turn % 2 else (baseline(), with_tokenlease())[::-1]
        for turn in range(TURNS + 1)
    ]
    print(json.dumps(pairs[1:]))
