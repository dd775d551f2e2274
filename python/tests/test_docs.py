"""The samples of the documentation run, and its pages are built without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tokenlease
import tokenlease.aiohttp
import tokenlease.hosted
import tokenlease.httpx
import tokenlease.requests
import tokenlease.testing

if TYPE_CHECKING:
    from conftest import Emulator

PACKAGE = Path(__file__).parents[1]


def samples(page: str) -> list[str]:
    """Return the Python blocks of a page."""
    text = (PACKAGE / "docs" / page).read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_samples_of_the_http_libraries_run(emulator: Emulator) -> None:
    winkas = emulator.options("winkas")
    placeholders = {"NAME": "user", "CODE": "contract", "PASSWORD": "password"}
    blocks = samples("adapters.md")
    assert len(blocks) == 4
    for block in blocks:
        text = block.replace("https://air.winkas.net", winkas["server"])
        for placeholder, name in placeholders.items():
            text = text.replace(f'"{placeholder}"', repr(winkas[name]))
        exec(compile(text, "adapters.md", "exec"), {"__name__": "example"})  # noqa: S102
    counts = emulator.control("counts")["winkas"]
    assert (counts["login"], counts["api"]) == (1, 4), counts


# A program of a user, as the page describes it.
SERVICE = """
import pytest, tokenlease
class Service:
    def __init__(self, **options):
        self.client = tokenlease.Client(**options)
    def report(self):
        self.client.token()
"""


def test_the_samples_of_the_tests_pass(tmp_path: Path) -> None:
    blocks = samples("testing.md")
    assert len(blocks) == 2
    (tmp_path / "test_samples.py").write_text(SERVICE + "\n".join(blocks))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    passed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 passed" in passed.stdout, passed.stdout + passed.stderr


# Rule: Languages: the documentation of the Python package is built without a warning, and describes
# each public name.
def test_the_documentation_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "Threads, tasks and processes" in (tmp_path / "index.html").read_text()
    page = (tmp_path / "reference/index.html").read_text()
    names = [f"tokenlease.{name}" for name in tokenlease.__all__ if not name.startswith("_")]
    modules = (tokenlease.requests, tokenlease.httpx, tokenlease.aiohttp, tokenlease.testing)
    for module in (*modules, tokenlease.hosted):
        names += [f"{module.__name__}.{name}" for name in module.__all__]
    missing = [name for name in names if f'id="{name}"' not in page]
    assert missing == []
    # The stubs' docstrings, and the methods of a class.
    assert "Return the token to use now" in page
    assert 'id="tokenlease.Client.report_rejected"' in page
