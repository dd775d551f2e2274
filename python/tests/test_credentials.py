from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import tokenlease
from tokenlease import AsyncClient, Client

if TYPE_CHECKING:
    from conftest import Emulator


class Vault:
    def __init__(self, client: Client | AsyncClient, password: str) -> None:
        self.client, self.text, self.calls = client, password, 0

    def password(self) -> str:
        self.calls += 1
        return self.text


# Rule: Languages: the credentials of a Python client can be replaced, by text or by a function, and the
# garbage collector sees the function.
def test_credentials_can_be_replaced(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    secrets: Any = {"client_secret": options.get("client_secret")}
    client = Client(**{**options, "password": "wrong"})
    with pytest.raises(tokenlease.CredentialsRejectedError):
        client.token()
    client.set_credentials(password=options["password"], **secrets)
    assert client.token().value
    vault = Vault(client, str(options["password"]))
    client.set_credentials(password=vault.password, **secrets)
    client.forget()
    assert client.token().value
    assert vault.calls > 0
    with pytest.raises(tokenlease.ConfigError, match='no secret "passwort"') as caught:
        client.set_credentials(passwort="canary")  # type: ignore[call-arg]
    assert "canary" not in str(caught.value)
    gone = weakref.ref(vault)
    del vault, client, caught
    gc.collect()
    assert gone() is None


# Rule: Languages: a Python client adopts a token that was obtained elsewhere.
def test_a_token_is_adopted(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    token = Client(**options, store="memory:").token()
    client, aclient = Client(**options), AsyncClient(**options, store="memory:")
    client.adopt(token, lifetime="10m")
    assert client.token() == token

    async def main() -> None:
        await aclient.adopt(token)
        assert await aclient.token() == token
        with pytest.raises(tokenlease.ConfigError, match="lifetime"):
            await aclient.adopt(token, lifetime="soon")
        aclient.set_credentials(password="wrong", client_secret=options.get("client_secret"))
        await aclient.close()

    asyncio.run(main())
    assert emulator.logins(provider) == 1
    assert client.stats().events_dropped == 0
