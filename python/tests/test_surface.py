from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import tokenlease
from tokenlease import Client, Registry

if TYPE_CHECKING:
    import pytest
    from conftest import Emulator

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_workspace() -> None:
    cargo = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'\[workspace\.package\]\nversion = "(.*)"', cargo)
    assert found is not None
    assert found[1] == tokenlease.__version__


# Rule: Languages: the public names of Python are documented, and tracebacks show them.
def test_every_public_name_is_documented_and_known_by_its_public_module() -> None:
    assert set(tokenlease.__all__) <= set(dir(tokenlease))
    for name in set(tokenlease.__all__) - {"__version__"}:
        assert getattr(tokenlease, name).__doc__, name
        if not name.endswith("Options"):
            assert getattr(tokenlease, name).__module__ == "tokenlease", name


# Rule: Events: events go to Python's `logging` from the calling thread, without secrets.
def test_events_are_logged_by_the_calling_thread(
    emulator: Emulator, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "tokenlease"):
        # Not the default registry, which may know a token of an earlier emulator at the same port.
        token = Client(**emulator.options(provider), registry=Registry()).token()
    lines = [record.getMessage() for record in caplog.records if record.name == "tokenlease"]
    assert any("logged in" in line for line in lines), lines
    assert all(token.value not in line for line in lines)
    assert {record.threadName for record in caplog.records} == {"MainThread"}


def test_the_samples_of_the_readme_run(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # the folder of `store="file:"`
    page = ROOT / "python/README.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(blocks) > 1
    winkas = emulator.options("winkas")
    placeholders = {"NAME": "user", "CODE": "contract", "PASSWORD": "password"}
    for block in blocks:
        text = block.replace("https://air.winkas.net", winkas["server"])
        for placeholder, name in placeholders.items():
            text = text.replace(f'"{placeholder}"', repr(winkas[name]))
        assert winkas["server"] in text
        exec(compile(text, str(page), "exec"), {"__name__": "example"})  # noqa: S102
    assert emulator.logins("winkas") == 1
