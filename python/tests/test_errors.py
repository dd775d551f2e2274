from __future__ import annotations

import copy
import pickle
import sys
import traceback
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import tokenlease
from tokenlease import (
    AsyncClient,
    Client,
    ConfigError,
    CredentialsRejectedError,
    ThrottledError,
    TokenLeaseError,
)
from tokenlease._errors import BY_KIND
from tokenlease._tokenlease import ERROR_KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Emulator

CLIENTS = pytest.mark.parametrize("kind", [Client, AsyncClient])


# Rule: Languages: each kind of error has a public Python class of its name.
def test_each_kind_of_error_has_a_public_class() -> None:
    assert tuple(BY_KIND) == ERROR_KINDS
    for kind, error in BY_KIND.items():
        assert issubclass(error, TokenLeaseError)
        assert error.kind == kind
        assert getattr(tokenlease, error.__name__) is error
        name = kind.title().replace("_", "")
        # `InterruptedError` is a class of Python.
        name = {"Interrupted": "InterruptedWait"}.get(name, name)
        assert error.__name__ == name + "Error"


# Rule: Languages: a pickled Python exception keeps its attributes.
@pytest.mark.parametrize("kind", BY_KIND.values())
def test_a_pickled_error_keeps_its_attributes(kind: type[TokenLeaseError]) -> None:
    attributes: dict[str, Any] = {
        "retryable": True,
        "status": 429,
        "code": "slow_down",
        "retry_after": timedelta(seconds=3),
        "until": datetime(2030, 1, 1, tzinfo=timezone.utc),
    }
    error = kind("a message", **attributes)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert type(other) is kind
        assert str(other) == "a message"
        assert {name: getattr(other, name) for name in attributes} == attributes


# Rule: Secrets: the exception for rejected credentials and its traceback contain no secret.
def test_rejected_credentials_raise_an_error_without_a_secret(
    emulator: Emulator, provider: str
) -> None:
    canary = 'pä|w "d canary'
    options = {**emulator.options(provider), "password": canary}
    secrets = [canary, "canary", options.get("client_secret", canary)]
    client = Client(**options)
    del options
    with pytest.raises(CredentialsRejectedError) as caught:
        client.token()
    error = caught.value
    assert (error.kind, error.retryable) == ("credentials_rejected", False)
    assert error.until is not None
    assert error.until > datetime.now(timezone.utc)
    texts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    texts += traceback.format_exception(type(error), error, error.__traceback__)
    for secret in secrets:
        assert all(secret not in text for text in texts), texts


# Rule: Secrets: no stack frame of the package holds a secret when an option is invalid.
@CLIENTS
def test_no_frame_of_the_package_holds_a_secret_when_an_option_is_invalid(kind: Any) -> None:  # noqa: ANN401
    try:
        kind(provider="winkas", user="u", password="canary", contrakt="c")
    except ConfigError as error:
        frames = list(traceback.walk_tb(error.__traceback__))
    assert all(frame.f_code.co_filename == __file__ for frame, _ in frames)


# Rule: Languages: the errors of Python name its own options and public classes.
@pytest.mark.skipif(sys.platform == "win32", reason="no such access rights")
def test_errors_are_in_the_words_of_python(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(TokenLeaseError) as caught:
        tokenlease.Registry(store=f"file:{tmp_path}")
    assert '`store="file:/path"`' in str(caught.value)
    assert "--" not in str(caught.value)
    with pytest.raises(ConfigError) as wrong:
        Client(provider="wyn", user="u")
    lines = traceback.format_exception(type(wrong.value), wrong.value, wrong.value.__traceback__)
    assert lines[-1].startswith("tokenlease.ConfigError: ")
    with pytest.raises(ConfigError, match="the token's `json_field`"):
        _ = tokenlease.Token("t", kind="winkas").authorization


def test_a_throttled_error_has_the_time_of_the_next_try(emulator: Emulator, provider: str) -> None:
    fault = {"endpoint": f"{provider}.login", "kind": "status", "status": 429}
    emulator.control("faults", {**fault, "times": 100, "retry_after_s": 600})
    client = Client(**emulator.options(provider))
    with pytest.raises(ThrottledError) as caught:
        client.token_with(deadline=5)
    error = caught.value
    assert error.retryable
    assert error.until is not None
    assert error.until.tzinfo is timezone.utc
    assert timedelta(seconds=500) < error.until - datetime.now(timezone.utc)


@CLIENTS
def test_an_error_for_an_invalid_option_says_what_is_valid(kind: Any) -> None:  # noqa: ANN401
    good: dict[str, Any] = {"provider": "winkas", "user": "u", "contract": "c", "password": "p"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"contrakt": "c"}, 'no option "contrakt"; did you mean "contract"?'),
        ({"provider": "winkass"}, "expected one of winkas, wyn, oauth2"),
        ({"provider": None}, "the provider is missing"),
        ({"user": None}, "the user is missing"),
        ({"tenant": "/"}, "winkas has no tenant"),
        ({"timeout": "8"}, "has no unit"),
        ({"timeout": -1}, '"timeout": -1 is not a duration'),
        ({"timeout": float("nan")}, "is not a duration"),
        ({"timeout": float("inf")}, "is not a duration"),
        ({"timeout": 10**400}, "is not a duration"),
        ({"timeout": timedelta(seconds=-1)}, "is not a duration"),
        ({"timeout": True}, '"timeout" is set to true or false; expected a duration'),
        ({"max_concurrent_logins": 0}, "expected one from 1 to 10000"),
        ({"max_concurrent_logins": -(10**400)}, "expected one from 1 to 10000"),
        ({"max_concurrent_logins": 1.5}, "set to a duration; expected a whole number"),
        ({"max_concurrent_logins": True}, "set to true or false; expected a whole number"),
        ({"user": 5}, '"user" is set to a duration; expected text'),
        ({"allow_plain_http": 1}, "expected true or false"),
        ({"server": "air.winkas.net"}, "such as https://air.winkas.net"),
        ({"store": "nowhere:"}, "store"),
        ({"ca": "/no/such/file"}, "can't be read"),
        ({"password": None}, "password"),
        ({"timeout": timedelta(milliseconds=1)}, "timeout is 1ms"),
        ({"deadline": 0}, "deadline is 0s"),
        ({"store_check_interval": "20ms"}, "store_check_interval is 20ms"),
        ({"agreed_lifetime": timedelta(0)}, "agreed_lifetime is 0s"),
        ({"max_lifetime": "0s"}, "max_lifetime is 0s"),
    ]
    for wrong, words in cases:
        with pytest.raises(ConfigError) as caught:
            kind(**{**good, **wrong})
        assert isinstance(caught.value, ValueError)
        assert words in str(caught.value), (wrong, caught.value)
    kind(**good)
    kind(**good, max_concurrent_logins=4)
    kind(**good, max_concurrent_logins="4")


# Rule: Secrets: a `TypeError` for an option does not quote its value.
@CLIENTS
def test_a_type_error_does_not_quote_the_value(kind: Any) -> None:  # noqa: ANN401
    good: dict[str, Any] = {"provider": "winkas", "user": "u", "contract": "c", "password": "p"}
    cases: list[dict[str, Any]] = [
        {"password": b"canary"},
        {"client_secret": ["canary"]},
        {"user": ["canary"]},
        {"user": b"canary"},
        {"registry": "canary"},
    ]
    for wrong in cases:
        with pytest.raises(TypeError) as caught:
            kind(**{**good, **wrong})
        assert "canary" not in str(caught.value)
        assert next(iter(wrong)) in str(caught.value).lower()
    with pytest.raises(TypeError):
        kind("winkas")
    with pytest.raises(TypeError, match="deadline is of type bool"):
        Client(**good).token_with(deadline=True)
    with pytest.raises(TypeError):
        Client(**good).report_rejected("text")  # type: ignore[arg-type]


def test_text_with_a_lone_surrogate_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        Client(provider="winkas", user="\ud800", contract="c", password="p")
    assert sys.exc_info() == (None, None, None)
