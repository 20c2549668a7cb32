"""Claims about how the backups stand, as the exporter tells it."""

from __future__ import annotations

from pathlib import Path

from fakes.services.exporter import BACKUPS, about_backups
from harness.stack.backup_status import Status


def series(folder: Path, now_s: float = 0.0) -> dict[str, dict[str, float]]:
    """Each metric's values by its label."""
    return {
        name: {labels[0]: value for labels, value in read().items()} for name, _, read in about_backups(folder, lambda: now_s)
    }


def test_where_none_are_taken_nothing_is_told(tmp_path: Path) -> None:
    """No series, so that no alert fires; neither does a file that is being made into something else."""
    assert not any(series(tmp_path).values())
    (tmp_path / BACKUPS).write_text('{"exit_code": [1')
    assert not any(series(tmp_path).values())


def test_a_job_that_failed_shows_until_it_succeeds(tmp_path: Path) -> None:
    """Its exit code is that of its last run; its failures are counted, and its age is that of the last good one."""
    status = Status([tmp_path])
    status.succeeded("log", 100.0)
    status.failed("log")
    status.failed("log")
    found = series(tmp_path, now_s=130.0)
    assert (found["backup_exit_code"], found["backup_failures_total"]) == ({"log": 1}, {"log": 2})
    assert found["backup_age_seconds"] == {"log": 30.0}
    status.succeeded("log", 140.0)
    found = series(tmp_path, now_s=141.0)
    assert (found["backup_exit_code"], found["backup_failures_total"]) == ({"log": 0}, {"log": 2})
    assert found["backup_age_seconds"] == {"log": 1.0}


def test_what_was_read_back_shows_by_its_place(tmp_path: Path) -> None:
    """One place is not the other; encryption is told of what lies off site."""
    status = Status([tmp_path])
    status.read("on-site", readable=True)
    status.read("off-site", readable=False)
    status.looked(encrypted=True)
    found = series(tmp_path)
    assert found["backup_readable"] == {"on-site": 1, "off-site": 0}
    assert found["backup_encrypted"] == {"off-site": 1}
