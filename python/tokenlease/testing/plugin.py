"""The pytest plugin. `pip install tokenlease` registers it; `-p no:tokenlease` turns it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenlease.testing import Emulator, Server


@pytest.fixture(scope="session")
def _tokenlease_process() -> Iterator[Emulator]:
    """Run one emulator for all tests."""
    from tokenlease.testing import Emulator  # noqa: PLC0415

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def tokenlease_emulator(_tokenlease_process: Emulator) -> Emulator:
    """Return an emulator of both providers in its initial state."""
    _tokenlease_process.reset()
    return _tokenlease_process


@pytest.fixture
def winkas_server(tokenlease_emulator: Emulator) -> Server:
    """Return an emulated WinKAS Air, whose clock and faults the test controls."""
    return tokenlease_emulator.winkas


@pytest.fixture
def wyn_server(tokenlease_emulator: Emulator) -> Server:
    """Return an emulated Wyn Enterprise, whose clock and faults the test controls."""
    return tokenlease_emulator.wyn
