"""A server requires a client certificate; the argument has the options of a client in JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from tokenlease import Client, TokenLeaseError

given = json.loads(sys.argv[1])
options: dict[str, Any] = given["options"]
certificate = given["certificate"]


def failure(more: dict[str, Any]) -> str:
    """Return the error of a request for a token with more options."""
    try:
        Client(**options, **more).token()
    except TokenLeaseError as error:
        return f"{error.kind} {error.retryable} {error}"
    return "none"


print(failure({}))
print(failure({"client_cert": certificate, "client_key": given["encrypted_key"]}))
print(Client(**options, client_cert=certificate, client_key=given["key"]).token().value)
