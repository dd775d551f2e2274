"""A portal that embeds reports of Wyn Enterprise.

Each of its users has a token of that server, and any number of worker processes share the tokens by
a store: `uvicorn portal:app --workers 4`. It reads these variables:

- `PORTAL_KEY`: the key that signs the cookies, the same in all processes
- `PORTAL_STORE`: the store, such as `file:/var/lib/portal` or the URL of a Redis server
- `WYN_SERVER`, `WYN_USER`, `WYN_PASSWORD`, `WYN_CLIENT_SECRET`: the Wyn server and the portal's
  account there
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware

import tokenlease
from tokenlease.httpx import Auth

# The lifetime of the tokens is that of a session.
HOURS = 8

app = FastAPI()
app.add_middleware(
    SessionMiddleware, secret_key=os.environ["PORTAL_KEY"], max_age=HOURS * 3600, same_site="lax"
)
registry = tokenlease.Registry(store=os.environ["PORTAL_STORE"])
wyn = httpx.AsyncClient(base_url=os.environ["WYN_SERVER"], timeout=30)


def ticket(user: str) -> str:
    """Return a new ticket of a user, which the server's security provider checks.

    A portal asks its own identity provider for it.
    """
    return f"ticket of {user}"


def client_of(user: str) -> tokenlease.AsyncClient:
    """Return a client of a user's token. It takes microseconds: the token is in the store."""
    return tokenlease.AsyncClient.wyn(
        registry=registry,
        subject=user,
        server=os.environ["WYN_SERVER"],
        user=os.environ["WYN_USER"],
        password=os.environ["WYN_PASSWORD"],
        client_secret=os.environ["WYN_CLIENT_SECRET"],
        # The function is called for a login only.
        extra_secret={"customizedParam[accesstoken]": lambda: ticket(user)},
        lifetime=f"{HOURS}h",
        token_header="reference-token",
    )


def user_of(request: Request) -> str:
    """Return the user of the session.

    It is the subject of tokens, so it never comes from a field of the request.
    """
    user: str | None = request.session.get("user")
    if user is None:
        raise HTTPException(401)
    return user


User = Annotated[str, Depends(user_of)]


class Login(BaseModel):
    """The form of the login page."""

    user: str


@app.post("/login", status_code=204)
async def login(form: Login, request: Request) -> None:
    """Begin a user's session. A portal authenticates the user here."""
    request.session["user"] = form.user


@app.get("/report")
async def report(user: User) -> Response:
    """Show the user's report. The first one costs the user's login at Wyn."""
    answer = await wyn.get("/api/v2/me", auth=Auth(client_of(user)))
    return Response(answer.content, answer.status_code)


@app.post("/logout")
async def logout(user: User, request: Request) -> dict[str, int]:
    """End the user's session, and the token at the Wyn server."""
    # While the client is alive, the registry can find its token.
    async with client_of(user):
        ended = await asyncio.to_thread(registry.end, by="revocation", subject=user)
    request.session.clear()
    return {"proven": ended["proven"], "failed": ended["failed"]}


@app.exception_handler(tokenlease.TokenLeaseError)
async def no_token(_: Request, error: tokenlease.TokenLeaseError) -> Response:
    """Answer a request for which there is no token."""
    return PlainTextResponse(str(error), 502)
