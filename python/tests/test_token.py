from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tokenlease import ConfigError, Replaced, StillActive, Token


def token(value: str = "canary") -> Token:
    return Token(value, kind="bearer")


# Rule: Secrets: no text form of a Python token contains its secret.
def test_a_token_is_never_printed() -> None:
    shown = token()
    texts = [str(shown), repr(shown), f"{shown}", f"{[shown]}", "%s" % shown]  # noqa: UP031
    texts += [str(Replaced(shown)), repr(Replaced(shown))]
    assert all("canary" not in text for text in texts)
    assert repr(shown) == "<Token bearer [redacted]>"
    assert (shown.value, shown.authorization) == ("canary", "Bearer canary")


# Rule: Languages: a Python token has the name and the value of the header that presents it.
def test_a_token_has_the_header_that_presents_it() -> None:
    shown = token()
    assert (shown.header_name, shown.header_value) == ("Authorization", "Bearer canary")
    winkas = Token("canary", kind="winkas")
    for name in ("header_name", "header_value"):
        with pytest.raises(ConfigError, match="does not go into a header"):
            getattr(winkas, name)


def test_tokens_are_equal_by_text_and_kind() -> None:
    assert token() == token()
    assert token() != token("other")
    assert token() != Token("canary", kind="winkas")
    assert token() != "canary"
    assert len({token(), token(), token("other")}) == 2


def test_a_token_cannot_be_pickled_and_its_copy_is_itself() -> None:
    shown = token()
    with pytest.raises(TypeError, match="is a secret and cannot be pickled"):
        pickle.dumps(shown)
    assert copy.copy(shown) is shown
    assert copy.deepcopy({"token": shown})["token"] is shown


def test_a_token_is_immutable_and_checks_its_text() -> None:
    shown: Any = token()
    with pytest.raises(AttributeError):
        shown.value = "other"
    with pytest.raises(ConfigError, match="winkas or bearer"):
        Token("x", kind="basic")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the text is not a token") as caught:
        token("canary\n")
    assert "canary" not in str(caught.value)


def test_the_results_of_report_rejected_can_be_compared_and_matched() -> None:
    assert Replaced.__match_args__ == ("token",)
    assert Replaced(token()) == Replaced(token())
    assert Replaced(token()).token == token()
    assert StillActive() == StillActive()
    assert StillActive() != Replaced(token())
    assert repr(StillActive()) == "<StillActive>"
