"""Call everything in the module, and print all that it shows; the argument is a file of options.

It has the `options` of a client, a `mistyped` password, an `inactive` token, an `unreachable`
server, whether to `leak` the token, and the file to which the `tokens` are written.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from tokenlease import AsyncClient, Client, Event, Registry, Token, TokenLeaseError
from tokenlease.hosted import Exchange, Machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

tokens: set[str] = set()

given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
options: dict[str, Any] = given["options"]
kind: Literal["winkas", "bearer"] = "winkas" if options["provider"] == "winkas" else "bearer"
inactive = Token(given["inactive"], kind=kind)
logging.basicConfig(level=1, stream=sys.stdout, format="%(name)s %(message)s %(args)s")


def show(call: Callable[[], T]) -> T | None:
    """Print the result or the error of a call in each way in which a program may show it."""
    # The texts of tokens are kept, so that they can be searched for.
    try:
        result = call()
    except TokenLeaseError as error:
        traceback.print_exc(file=sys.stdout)
        print(repr(error), error.args, vars(error))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            sys.stdout.flush()
            sys.stdout.buffer.write(pickle.dumps(error, protocol) + b"\n")
        return None
    if isinstance(result, Token):
        tokens.add(result.value)
    print(repr(result), str(result), [result])
    return result


def show_all(client: Client) -> None:
    """Make all calls of a client."""
    token = show(client.token) or inactive
    show(lambda: client.token_with(deadline=20, min_remaining=1))
    for other in (token, inactive):
        show(lambda other=other: client.validate(other))  # type: ignore[misc]
    show(client.refetch)
    show(lambda: client.report_rejected(token))
    show(client.explain)
    show(client.history)
    show(client.stats)
    show(lambda: client.revoke(token))
    show(client.token)
    show(client.unblock)
    show(client.forget)


def change(**changed: object) -> dict[str, Any]:
    """Return the options with changes."""
    return {**options, **changed}


async def show_awaited(call: Callable[[], Awaitable[object]]) -> None:
    """Print the result or the error of a call that is awaited."""
    try:
        result = await call()
    except TokenLeaseError:
        traceback.print_exc(file=sys.stdout)
    else:
        show(lambda: result)


async def show_all_async() -> None:
    """Make the calls of a client for event loops."""
    client = AsyncClient(**options)
    calls: list[Callable[[], Awaitable[object]]]
    calls = [client.token, client.refetch, client.history, client.unblock, client.forget]
    for call in calls:
        await show_awaited(call)
    print(client.explain(), client.stats(), repr(client))
    await show_awaited(AsyncClient(**change(password=given["mistyped"])).token)


def show_event(event: Event) -> None:
    """Print an event in each way."""
    print(event, repr(event), event.name, event.text, event.level)


def show_hosted() -> None:
    """Make calls of a machine and an exchange, whose failures quote their requests."""
    machine = Machine(**change(store="memory:"))
    for call in (
        machine.begin("token", deadline=1),
        machine.begin("validate", inactive, deadline=1),
    ):
        while (effect := machine.poll(call)).action != "done":
            print(repr(effect), repr(effect.request), repr(call), machine.explain())
            if effect.request is None:
                effect.perform()
            else:
                effect.lost(f"{effect.request.url} {effect.request.body.decode()}")
        show(call.result)
    exchange = Exchange("login", **options)
    print(repr(exchange), repr(exchange.request))
    show(lambda: exchange.read(400, {"Content-Type": "text/plain"}, exchange.request.body))


def show_any(call: Callable[[], object]) -> None:
    """Print any exception of a call, also one that the module does not define."""
    try:
        show(call)
    except Exception:  # noqa: BLE001 (each of them is printed)
        traceback.print_exc(file=sys.stdout)


def fail() -> str:
    """Raise an error that a function for a secret may raise."""
    message = "the vault is sealed"
    raise RuntimeError(message)


for _ in range(2):
    with Client(**options, on_event=show_event) as client:
        show(lambda: client)
        show_all(client)
show(Client(**change(password=lambda: options["password"])).token)
show(Client(**change(password=given["mistyped"])).token)
show(Client(**change(server=given["unreachable"], deadline=1)).token)
show_any(Client(**change(password=fail)).token)
show_any(lambda: Client(**change(pasword="x")))
show(lambda: Registry(store=f"redis://:{given['mistyped']}@127.0.0.1:1/x/y"))
of_provider = {name: value for name, value in options.items() if name != "provider"}
show(getattr(Client, options["provider"])(**of_provider).token)
client = Client(**change(password=given["mistyped"]), on_event=show_event)
show(client.token)
show(lambda: client.set_credentials(password=options["password"]))
show_any(lambda: client.set_credentials(passwort=given["mistyped"]))  # type: ignore[call-arg]
show(lambda: client.adopt(inactive, lifetime=60))
client.close()
show_hosted()
asyncio.run(show_all_async())
Path(given["tokens"]).write_text(json.dumps(sorted(tokens)), "utf-8")
if given["leak"]:
    print(Client(**options).token().value)
