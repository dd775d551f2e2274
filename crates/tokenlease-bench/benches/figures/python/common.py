"""What the figures' programs share: the server that they ask, a request by hand, and turns."""

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


def cold(kind: Callable[..., Client]) -> Client:
    """Make a client without a token, and with a store of its own."""
    return kind(
        provider="wyn",
        server=SERVER,
        user=USER,
        client_id=CLIENT,
        password=PASSWORD,
        client_secret=SECRET,
        registry=tokenlease.Registry(),
    )


def take(ours: Callable[[], float], limit: Callable[[], float]) -> None:
    """Print a pair a turn; the first one warms up."""
    # Neither always comes second.
    pairs = [
        (ours(), limit()) if turn % 2 else (limit(), ours())[::-1] for turn in range(TURNS + 1)
    ]
    print(json.dumps(pairs[1:]))
