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
    from conftest import Emulator

CLIENTS = pytest.mark.parametrize("kind", [Client, AsyncClient])


def test_each_kind_of_error_has_a_class_that_is_public() -> None:
    assert tuple(BY_KIND) == ERROR_KINDS
    for kind, leaf in BY_KIND.items():
        assert issubclass(leaf, TokenLeaseError)
        assert leaf.kind == kind
        assert getattr(tokenlease, leaf.__name__) is leaf
        assert leaf.__name__ == kind.title().replace("_", "") + "Error"


@pytest.mark.parametrize("leaf", BY_KIND.values())
def test_errors_are_pickled_with_what_they_carry(leaf: type[TokenLeaseError]) -> None:
    about: dict[str, Any] = {
        "retryable": True,
        "status": 429,
        "code": "slow_down",
        "retry_after": timedelta(seconds=3),
        "until": datetime(2030, 1, 1, tzinfo=timezone.utc),
    }
    error = leaf("what was wrong", **about)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert type(other) is leaf
        assert str(other) == "what was wrong"
        assert {name: getattr(other, name) for name in about} == about


def test_wrong_credentials_say_so_and_show_no_secret(emulator: Emulator, provider: str) -> None:
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


@CLIENTS
def test_lesson_2_no_frame_of_ours_holds_a_secret_when_an_option_is_wrong(kind: Any) -> None:  # noqa: ANN401
    try:
        kind(provider="winkas", user="u", password="canary", contrakt="c")
    except ConfigError as error:
        frames = list(traceback.walk_tb(error.__traceback__))
    assert all(frame.f_code.co_filename == __file__ for frame, _ in frames)


def test_throttling_carries_the_wait(emulator: Emulator, provider: str) -> None:
    fault = {"endpoint": f"{provider}.login", "kind": "status", "status": 429}
    emulator.steer("faults", {**fault, "times": 100, "retry_after_s": 600})
    client = Client(**emulator.options(provider))
    with pytest.raises(ThrottledError) as caught:
        client.token_with(deadline=5)
    error = caught.value
    assert error.retryable
    assert error.until is not None
    assert error.until.tzinfo is timezone.utc
    assert timedelta(seconds=500) < error.until - datetime.now(timezone.utc)


@CLIENTS
def test_wrong_options_are_errors_that_say_what_is_right(kind: Any) -> None:  # noqa: ANN401
    good: dict[str, Any] = {"provider": "winkas", "user": "u", "contract": "c", "password": "p"}
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"contrakt": "c"}, 'no option "contrakt"; expected "contract", perhaps'),
        ({"provider": "winkass"}, "expected one of winkas, wyn, oauth2"),
        ({"provider": None}, "no provider is given"),
        ({"user": None}, "no user is given"),
        ({"tenant": "/"}, "winkas has no tenant"),
        ({"timeout": "8"}, "has no unit"),
        ({"timeout": -1}, '"timeout": -1 is no duration'),
        ({"timeout": float("nan")}, "is no duration"),
        ({"timeout": float("inf")}, "is no duration"),
        ({"timeout": 10**400}, "is no duration"),
        ({"timeout": timedelta(seconds=-1)}, "is no duration"),
        ({"timeout": True}, '"timeout" is true or false; expected a duration'),
        ({"user": 5}, '"user" is a duration; expected text'),
        ({"allow_plain_http": 1}, "expected true or false"),
        ({"server": "air.winkas.net"}, "such as https://air.winkas.net"),
        ({"store": "nowhere:"}, "store"),
        ({"ca": "/no/such/file"}, "can't be read"),
        ({"password": None}, "password"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(ConfigError) as caught:
            kind(**{**good, **wrong})
        assert isinstance(caught.value, ValueError)
        assert words in str(caught.value), (wrong, caught.value)
    kind(**good)


@CLIENTS
def test_wrong_types_are_type_errors_that_quote_nothing(kind: Any) -> None:  # noqa: ANN401
    good: dict[str, Any] = {"provider": "winkas", "user": "u", "contract": "c", "password": "p"}
    wrongs: list[dict[str, Any]] = [
        {"password": b"canary"},
        {"client_secret": ["canary"]},
        {"user": ["canary"]},
        {"user": b"canary"},
        {"registry": "canary"},
    ]
    for wrong in wrongs:
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


def test_text_that_is_no_unicode_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        Client(provider="winkas", user="\ud800", contract="c", password="p")
    assert sys.exc_info() == (None, None, None)
