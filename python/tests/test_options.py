from __future__ import annotations

import os
from pathlib import Path

import option_types
import pytest

import tokenlease
from tokenlease import option_table

FILE = Path(__file__).parents[1] / "tokenlease" / "_options.py"


# Rule: Languages: the types and documentation of Python's options come from the table of all languages.
def test_the_types_of_the_options_are_those_of_the_table() -> None:
    written = option_types.write()
    if os.environ.get("TOKENLEASE_ACCEPT_OPTIONS"):
        FILE.write_text(written)
    assert FILE.read_text() == written, "run it again with TOKENLEASE_ACCEPT_OPTIONS=1"


# Rule: Languages: `help` of Python's clients lists all options with their meaning.
@pytest.mark.parametrize("name", ["Client", "AsyncClient", "Registry"])
def test_help_lists_the_options(name: str) -> None:
    text = getattr(tokenlease, name).__doc__
    for option in option_table():
        is_listed = f"\n    {option['name']}: {option['meaning']}" in text
        assert is_listed == (name != "Registry" or option["registry"]), option["name"]


def test_the_meanings_are_in_the_words_of_python() -> None:
    for option in option_table():
        assert "--" not in option["meaning"], option
    meanings = {option["name"]: option["meaning"] for option in option_table()}
    assert "if `user` is set" in meanings["grant"]
    assert "A dict or a list sets several" in meanings["extra"]
