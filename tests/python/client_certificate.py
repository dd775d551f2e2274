"""A server requires a client certificate; the argument has the options of a client in JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from tokenlease import Client, ConfigError, TransportError

given = json.loads(sys.argv[1])
options: dict[str, Any] = given["options"]
certificate = given["certificate"]

try:
    Client(**options).token()
except TransportError as error:
    assert "requires a client certificate" in str(error), error
    assert not error.retryable
else:
    raise AssertionError

try:
    Client(**options, client_cert=certificate, client_key=given["encrypted_key"])
except ConfigError as error:
    assert "is encrypted" in str(error), error
else:
    raise AssertionError

print(Client(**options, client_cert=certificate, client_key=given["key"]).token().value)
