from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tokenlease import Client, Registry

if TYPE_CHECKING:
    from conftest import Emulator


# Rule: Subjects: Python lists the live tokens of a registry, and ends those of a subject or of all.
def test_the_entries_of_a_registry_are_listed_and_ended(emulator: Emulator) -> None:
    registry = Registry()
    options = emulator.options("wyn")
    anna, boris = (
        Client(**options, subject=subject, lifetime="8h", registry=registry)
        for subject in ("anna", "boris")
    )
    assert registry.entries() == []
    assert registry.counts() == ()
    tokens = [anna.token(), boris.token()]
    entries = registry.entries(server=options["server"])
    assert [entry["subject"] for entry in entries] == ["anna", "boris"]
    assert all(entry["lease"]["live"] for entry in entries)
    assert all(token.value not in str(entries) for token in tokens)
    report = registry.end(by="revocation", subject="anna")
    assert (report["proven"], report["failed"]) == (1, 0)
    assert [entry["result"] for entry in report["entries"]] == ["proven"]
    assert [entry["subject"] for entry in registry.entries()] == ["boris"]
    logins = [count.count for count in registry.counts() if count.counter == "logins"]
    assert sum(logins) == 2
    assert registry.end(by="forgetting")["entries"][-1]["result"] == "forgotten"
    assert registry.entries() == []
    with pytest.raises(ValueError, match="by is"):
        registry.end(by="other")  # type: ignore[arg-type]


# Rule: Subjects: in Python a changed secret of a subject neither logs in nor ends its token.
def test_a_changed_secret_of_a_subject_keeps_the_token(emulator: Emulator) -> None:
    registry = Registry()
    options = emulator.options("wyn")
    first = Client(**options, subject="anna", lifetime="8h", registry=registry).token()
    other = {**options, "password": "another ticket", "subject": "anna", "lifetime": "8h"}
    assert Client(**other, registry=registry).token() == first
    without = {key: value for key, value in options.items() if key != "password"}
    logout = Client(**without, subject="anna", without_login=True, registry=registry)
    assert logout.token() == first
    assert logout.revoke(first)
    assert emulator.logins("wyn") == 1
