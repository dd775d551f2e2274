"""A plugin in Python that loads the C library with ctypes; the package tokenlease needs less code.

It calls each URL of its input with the token, or revokes the token.
"""

import ctypes
import os
import sys
import urllib.error
import urllib.request
from ctypes import c_char_p, c_int32, c_int64, c_size_t, c_void_p
from typing import Any

library = ctypes.CDLL("libtokenlease.so.0.1")
for name in ("error_message", "token_json_field", "token_authorization"):
    getattr(library, f"tokenlease_{name}").restype = c_char_p
library.tokenlease_token_expires_at_ms.restype = c_int64
CallFunction = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)


class Error(Exception):
    """A failed call, with the message of the library."""


def call(function: str, *arguments: Any) -> None:
    """Calls a function that can fail. A text is passed as UTF-8 and its length in bytes."""
    error, passed = c_void_p(), []
    for argument in arguments:
        text = argument.encode() if isinstance(argument, str) else argument
        passed += [text, c_size_t(len(text))] if isinstance(text, bytes) else [text]
    if getattr(library, f"tokenlease_{function}")(*passed, ctypes.byref(error)) != 0:
        message = library.tokenlease_error_message(error).decode()
        library.tokenlease_error_free(error)
        raise Error(message)


class Handle:
    """A handle that a call returned. `with` frees it."""

    def __init__(self, kind: str, new: str, *arguments: Any) -> None:
        self._as_parameter_, self.kind = c_void_p(), kind
        call(new, *arguments, ctypes.byref(self._as_parameter_))

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        getattr(library, f"tokenlease_{self.kind}_free")(self)


def send(url: str, token: c_void_p) -> tuple[int, bytes]:
    """Sends a request with the token, in the header or in the body."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if field := library.tokenlease_token_json_field(token):
        request.data = b'{"Text":"hello",%s}' % field
    else:
        request.add_header("Authorization", library.tokenlease_token_authorization(token).decode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


def call_api(client: Handle, url: str) -> str:
    """Calls the API, and once more if it rejected the token."""
    answers, failures = [], []

    def function(_: int, token: int, response: int) -> int:
        try:
            answers.append(send(url, c_void_p(token)))
            call("response_set", c_void_p(response), *answers[-1])
        except BaseException as error:  # It must not pass through the library.
            failures.append(error)
        return len(failures)

    try:
        call("client_call", client, None, CallFunction(function), None)
    except Error as error:
        raise failures[0] if failures else error
    return f"HTTP {answers[-1][0]}, attempts: {len(answers)}, {answers[-1][1].decode()}"


def revoke(client: Handle) -> str:
    with Handle("token", "client_token", client, None) as token:
        call("client_revoke", client, token, None, ctypes.byref(ctypes.c_bool()))
        return f"revoked a token that expires at {library.tokenlease_token_expires_at_ms(token)}"


with Handle("config", "config_new") as config:
    call("config_load_environment", config)
    call("config_set_password", config, os.environ["PASSWORD"])
    client = Handle("client", "client_new", config, None)
with client:
    for line in map(str.strip, sys.stdin):
        try:
            print(revoke(client) if line == "revoke" else call_api(client, line), flush=True)
        except (Error, OSError) as error:
            print(f"error: {error}", flush=True)
