from __future__ import annotations

import ast
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import tokenlease
from tokenlease import Client
from tokenlease._tokenlease import OPTIONS

if TYPE_CHECKING:
    import pytest
    from conftest import Emulator

ROOT = Path(__file__).parents[2]


def test_the_stub_names_the_options_that_there_are() -> None:
    stub = ast.parse((ROOT / "python/tokenlease/_tokenlease.pyi").read_text())
    fields = next(
        node.body
        for node in stub.body
        if isinstance(node, ast.ClassDef) and node.name == "_Options"
    )
    names = [
        field.target.id
        for field in fields
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    ]
    assert tuple(names) == OPTIONS


def test_the_version_is_the_workspaces() -> None:
    cargo = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'\[workspace\.package\]\nversion = "(.*)"', cargo)
    assert found is not None
    assert found[1] == tokenlease.__version__


def test_all_that_is_public_is_documented() -> None:
    assert set(tokenlease.__all__) <= set(dir(tokenlease))
    for name in set(tokenlease.__all__) - {"__version__"}:
        assert getattr(tokenlease, name).__doc__, name
        assert getattr(tokenlease, name).__module__.split(".")[0] == "tokenlease"


def test_events_go_to_logging_from_the_thread_that_asked(
    emulator: Emulator, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "tokenlease"):
        token = Client(**emulator.options(provider)).token()
    lines = [record.getMessage() for record in caplog.records if record.name == "tokenlease"]
    assert any("logged in" in line for line in lines), lines
    assert all(token.value not in line for line in lines)
    assert {record.threadName for record in caplog.records} == {"MainThread"}


def test_the_python_examples_of_the_readmes_run(emulator: Emulator) -> None:
    for page in (ROOT / "README.md", ROOT / "python/README.md"):
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
        assert blocks, page
        for block in blocks:
            winkas = emulator.options("winkas")
            text = block.replace("https://air.winkas.net", winkas["server"])
            for name in ("user", "contract", "password"):
                placeholder = {"user": "NAME", "contract": "CODE", "password": "PASSWORD"}[name]
                text = text.replace(f'"{placeholder}"', repr(winkas[name]))
            assert text != block
            exec(compile(text, str(page), "exec"), {"__name__": "example"})  # noqa: S102
    assert emulator.logins("winkas") == 1
