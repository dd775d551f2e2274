"""A hook of mkdocs: the introduction is the README of the package."""

from pathlib import Path
from typing import Any

README = Path(__file__).parent / "README.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:  # noqa: ANN401
    """Return the README in place of `index.md`."""
    if page.file.src_uri != "index.md":
        return markdown
    return README.read_text(encoding="utf-8")
