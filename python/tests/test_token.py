from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tokenlease import ConfigError, Replaced, StillActive, Token


def token(value: str = "canary") -> Token:
    return Token(value, kind="bearer")


def test_lesson_2_a_token_is_never_printed() -> None:
    shown = token()
    texts = [str(shown), repr(shown), f"{shown}", f"{[shown]}", "%s" % shown]  # noqa: UP031
    texts += [str(Replaced(shown)), repr(Replaced(shown))]
    assert all("canary" not in text for text in texts)
    assert repr(shown) == "<Token bearer [redacted]>"
    assert (shown.value, shown.authorization) == ("canary", "Bearer canary")


def test_tokens_are_equal_by_text_and_kind() -> None:
    assert token() == token()
    assert token() != token("other")
    assert token() != Token("canary", kind="winkas")
    assert token() != "canary"
    assert len({token(), token(), token("other")}) == 2


def test_a_token_is_not_pickled_but_copied_as_itself() -> None:
    shown = token()
    with pytest.raises(TypeError, match="is a secret and is not pickled"):
        pickle.dumps(shown)
    assert copy.copy(shown) is shown
    assert copy.deepcopy({"token": shown})["token"] is shown


def test_a_token_does_not_change() -> None:
    shown: Any = token()
    with pytest.raises(AttributeError):
        shown.value = "other"
    with pytest.raises(ConfigError, match="winkas or bearer"):
        Token("x", kind="basic")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the text is no token") as caught:
        token("canary\n")
    assert "canary" not in str(caught.value)


def test_a_rejection_is_told_by_its_class() -> None:
    assert Replaced.__match_args__ == ("token",)
    assert Replaced(token()) == Replaced(token())
    assert Replaced(token()).token == token()
    assert StillActive() == StillActive()
    assert StillActive() != Replaced(token())
    assert repr(StillActive()) == "<StillActive>"
