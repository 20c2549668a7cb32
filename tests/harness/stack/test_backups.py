"""Claims about backups of a real Postgres, and what each restore brings back."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fakes.commands.control import Control as Client
from fakes.commands.control import Refused
from harness.errors import HarnessError
from harness.respond.shell import run_block
from harness.respond.workstation import Endpoints, build_workstation
from harness.stack.backups import SOURCES, Backups, BackupSettings
from harness.stack.postgres import PostgresServer
from harness.tools import find_tools
from scenarios.stacks import load_stack
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform

real = [pytest.mark.real, pytest.mark.slow]


class Saved:
    """A platform that is backed up, and what was told of that."""

    def __init__(self, folder: Path) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.platform = Platform("eafix", folder, {"backup.enabled": True, "backup.log_every_s": 1e6})
        self.platform.stack.on_backup = self._note
        self.folder = folder

    def _note(self, kind: str, subject: str, **facts: Any) -> None:
        assert subject in ("postgres-primary", "redis")
        self.events.append((kind, subject, facts))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Of Postgres."""
        return [facts for each, subject, facts in self.events if (each, subject) == (kind, "postgres-primary")]

    @property
    def backups(self) -> Backups:
        assert self.platform.stack.backups is not None
        return self.platform.stack.backups

    @property
    def primary(self) -> PostgresServer:
        found = self.platform.stack.datastores["postgres-primary"]
        assert isinstance(found, PostgresServer)
        return found

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.primary.dsn(), autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def write(self, number: int) -> datetime:
        """Write a row; a time of day that is later than its commit, and earlier than whatever comes next."""
        self.sql("CREATE TABLE IF NOT EXISTS notes (n int PRIMARY KEY)")
        self.sql(f"INSERT INTO notes VALUES ({number})")
        ((now,),) = self.sql("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now

    def rows(self) -> list[int]:
        return [row[0] for row in self.sql("SELECT n FROM notes ORDER BY n")]

    def ship(self) -> None:
        self.platform.call(self.backups.ship())

    def crash(self) -> None:
        """kill -9: what was not archived stays where it was written."""
        self.platform.call(self.primary.signal(signal.SIGKILL))
        self.platform.call(self.primary.gone())

    def restore(self, source: str, to: str = "latest") -> dict[str, Any]:
        return self.platform.call(self.platform.stack.restore(self.primary, source=source, to=to)).to_json()  # type: ignore[arg-type]

    @property
    def client(self) -> Client:
        return Client(self.platform.control.removeprefix("http://"))


@pytest.fixture(scope="module")
def saved() -> Iterator[Saved]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    found = Saved(folder)
    try:
        found.platform.start()
        yield found
    finally:
        found.platform.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def operator(saved: Saved) -> Callable[[str], tuple[int, str]]:
    """Somebody at a workstation of the platform: a command's exit code and what it said."""
    stack = saved.platform.stack
    endpoints = Endpoints(
        control=saved.platform.control.removeprefix("http://"), prometheus="127.0.0.1:1", database=stack.settings["postgres.database"],
        user=stack.settings["postgres.user"], ports=stack.ports.mapped(), clock=saved.folder / "clock.page",
    )  # fmt: skip
    station = build_workstation(saved.folder / "workstation", stack.model, endpoints, programs=find_tools().commands)

    def runs(command: str) -> tuple[int, str]:
        ran = asyncio.run(run_block(command, environment=station.environment, folder=station.checkout, limit_s=60))
        return ran.exit_code, ran.output

    return runs


@pytest.fixture(autouse=True)
def _emptied(request: pytest.FixtureRequest) -> None:
    if "saved" in request.fixturenames:
        saved = request.getfixturevalue("saved")
        saved.sql("DROP TABLE IF EXISTS notes")


def test_no_stack_takes_backups_unless_it_is_asked_to() -> None:
    """They are off by default, and their cadence is the documented one."""
    chosen = BackupSettings.of(load_stack("eafix").settings)
    assert (chosen.enabled, chosen.log_every_s) == (False, 300.0)


def test_a_cadence_of_nothing_is_refused() -> None:
    """The log can't be shipped all the time."""
    with pytest.raises(HarnessError, match="above 0"):
        BackupSettings.of({"backup.enabled": True, "backup.log_every_s": 0})


def test_the_cadences_are_the_documented_ones() -> None:
    """Of each stack: daily, hourly, every five minutes, read back daily (002:432-444)."""
    for name in ("eafix", "trading-engine", "ai-trading"):
        chosen = BackupSettings.of(load_stack(name).settings)
        assert (chosen.full_every_s, chosen.incremental_every_s, chosen.log_every_s, chosen.verify_every_s) == (
            86400,
            3600,
            300,
            86400,
        )


class TestOnAStack:
    """Of one stack, booted once."""

    pytestmark = real

    def test_last_nights_backup_lies_in_both_places_and_was_read_back(self, saved: Saved) -> None:
        """When the stack is up there is a verified base backup on site and its verified copy off site."""
        (base,) = saved.backups.listing()["bases"]
        assert base["verified"] == {"on-site": True, "off-site": True}
        assert saved.told("backup.taken")[0]["verified"]
        assert [facts["source"] for facts in saved.told("backup.tried")] == ["off-site"]
        assert (saved.folder / "backups/on-site" / base["name"] / "PG_VERSION").is_file()
        assert (saved.folder / "backups/off-site" / f"{base['name']}.tar.gz.enc").is_file()

    def test_off_site_lacks_what_was_not_shipped_and_on_site_lacks_nothing(self, saved: Saved) -> None:
        """After a crash the damaged server's own log brings everything back; what was shipped reaches to the shipment.

        That holds as well where the archive on site has all of it, as after an orderly stop.
        """
        saved.write(1)
        saved.ship()
        saved.write(2)
        saved.crash()
        found = saved.restore("on-site")
        assert saved.rows() == [1, 2]
        assert found["tail"]
        assert not found["unreadable"]
        saved.ship()
        saved.write(3)
        found = saved.restore("off-site")
        assert saved.rows() == [1, 2]
        assert not found["tail"]
        saved.write(4)  # it takes writes

    def test_a_server_that_ended_in_order_has_archived_everything(self, saved: Saved) -> None:
        """Then on site nothing is lost, and nothing has to be taken from the damaged data."""
        saved.write(1)
        found = saved.restore("on-site")
        assert saved.rows() == [1]
        assert found["unreadable"] == []

    @pytest.mark.parametrize("source", ["on-site", "off-site"])
    def test_a_restore_to_a_time_stops_there(self, saved: Saved, source: str) -> None:
        """Rows of before that time are there, those of after are not, from either place."""
        saved.write(1)
        between = saved.write(2)
        saved.write(3)
        saved.ship()
        saved.restore(source, between.isoformat())
        assert saved.rows() == [1, 2]

    def test_the_damaged_data_are_kept_once(self, saved: Saved) -> None:
        """The newest damage takes the place of the one before; a restore that fails does not take its place."""
        mark = saved.primary.data / "mark"
        mark.touch()
        with pytest.raises(HarnessError, match="ended while it played the log"):
            saved.restore("on-site", datetime(2999, 1, 1, tzinfo=UTC).isoformat())
        saved.restore("on-site")
        kept = list((saved.folder / "backups/damaged").iterdir())
        assert [path.name for path in kept] == ["postgres-primary"]
        assert (kept[0] / "mark").exists()
        assert "restore" in [facts["step"] for facts in saved.told("backup.failed")]

    def test_a_trial_leaves_no_trace(self, saved: Saved) -> None:
        """The backup is restored and read elsewhere: the archive has nothing of it, and its server is gone with its data."""
        saved.ship()
        before = sorted(path.name for path in (saved.folder / "postgres/archive").iterdir())
        for source in SOURCES:
            saved.platform.call(saved.backups.try_out(source))
        assert sorted(path.name for path in (saved.folder / "postgres/archive").iterdir()) == before
        assert not (saved.folder / "backups/trial").exists()

    def test_damaged_data_are_not_taken_for_a_backup(self, saved: Saved) -> None:
        """Postgres reads every page that it copies: that fails, is told, and what there was before stays the newest."""
        saved.sql("CREATE TABLE notes AS SELECT n FROM generate_series(1, 9) n")
        saved.sql("CHECKPOINT")
        ((path,),) = saved.sql("SELECT pg_relation_filepath('notes')")
        with (saved.primary.data / path).open("r+b") as file:
            file.seek(4000)
            file.write(b"gameday!" * 16)
        before = list(saved.backups.bases)
        with pytest.raises(HarnessError, match="checksum error"):
            saved.platform.call(saved.backups.take())
        assert saved.told("backup.failed")[-1]["step"] == "take"
        assert saved.backups.bases == before
        assert [path.name for path in (saved.folder / "backups/on-site").iterdir()] == [base.name for base in before]

    def test_an_archive_that_fails_is_noticed(self, saved: Saved) -> None:
        """Shipping then fails, and says why; once the archive is back, what waited is shipped."""
        saved.ship()
        before = saved.backups.reaches_s
        saved.sql("ALTER SYSTEM SET archive_command = 'false'")
        saved.sql("SELECT pg_reload_conf()")
        saved.write(1)
        with pytest.raises(HarnessError, match="archive_command fails"):
            saved.ship()
        assert saved.told("backup.failed")[-1]["step"] == "archive"
        assert saved.backups.reaches_s == before
        saved.sql("ALTER SYSTEM RESET archive_command")
        saved.sql("SELECT pg_reload_conf()")
        saved.ship()
        saved.restore("off-site")
        assert saved.rows() == [1]

    def test_the_log_follows_at_its_cadence(self, saved: Saved) -> None:
        """Every so many documented seconds what is new lies off site, and a shipment that fails is not the last one."""
        told: list[tuple[str, dict[str, Any]]] = []
        quick = Backups(
            saved.folder / "quick", BackupSettings(enabled=True, log_every_s=10), archive=saved.folder / "postgres/archive",
            clock=saved.platform.clock, primary=lambda: saved.primary, tell=lambda kind, _subject, **facts: told.append((kind, facts)),
        )  # fmt: skip
        saved.platform.call(quick.start())
        saved.platform.clock.set_rate(20)
        try:
            eventually(lambda: True if sum("log" in facts for _, facts in told) >= 4 else None)
        finally:
            saved.platform.clock.set_rate(1)
            saved.platform.call(quick.stop())
        reached = [facts["reaches_s"] for _, facts in told if "log" in facts]
        apart = [later - earlier for earlier, later in pairwise(reached[1:])]
        assert all(8 <= each <= 14 for each in apart), reached

    def test_the_control_api_restores_while_services_are_up(self, saved: Saved) -> None:
        """They reconnect: orders are filled again, and the operator sees what there is."""
        eventually(lambda: True if saved.platform.order("before").status_code < 300 else None)
        shipped = saved.client.ship()
        assert shipped["reaches_s"] == saved.backups.reaches_s
        unit = saved.client.state().unit("postgres-primary")
        assert unit is not None
        assert saved.client.restore(unit, "off-site", "latest")["timeline"] > 1
        assert saved.client.backups()["bases"][0]["shipped"]
        eventually(lambda: True if saved.platform.order("after").status_code < 300 else None, within_s=30)
        ((there,),) = saved.sql("SELECT count(*) FROM orders WHERE client_order_id IN ('before', 'after')")
        assert there == 2

    def test_an_operator_restores_with_the_script(self, saved: Saved, operator: Callable[[str], tuple[int, str]]) -> None:
        """It ships, lists, restores to a time and makes the replica anew; each says what it has truly done."""
        between = saved.write(1)
        saved.write(2)
        code, said = operator("backup-transaction-log.sh")
        assert (code, "off site: everything that was committed up to now" in said) == (0, True), said
        code, said = operator("restore-from-backup.sh --list")
        assert (code, "on-site verified, off-site verified" in said) == (0, True), said
        code, said = operator(f"restore-from-backup.sh --point-in-time={between.isoformat()} --source=off-site")
        assert (code, said.startswith("restored postgres-primary from off-site to ")) == (0, True), said
        assert saved.rows() == [1]
        code, said = operator("restore-from-backup.sh --replica")
        assert (code, said) == (0, "postgres-replica is a copy of postgres-primary again\n")
        eventually(lambda: saved.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'") or None)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ("--point-in-time=latest --source=elsewhere", "unknown argument"),
            ("--point-in-time=", "unknown argument"),
            ("--point-in-time=latest --target=eafix-dr", "two restores at once"),
            ("--source=on-site", "--source goes with --point-in-time"),
            ("--list --point-in-time=latest", "--list goes alone"),
        ],
    )
    def test_the_script_guesses_nothing(self, operator: Callable[[str], tuple[int, str]], arguments: str, words: str) -> None:
        """What is not said clearly is not done."""
        code, said = operator(f"restore-from-backup.sh {arguments}")
        assert (code, words in said) == (2, True), said

    def test_the_script_passes_on_why_it_could_not(self, operator: Callable[[str], tuple[int, str]]) -> None:
        """In the platform's words, with an exit code that is not 0."""
        code, said = operator("restore-from-backup.sh --point-in-time=2001-01-01")
        assert (code, "no base backup on-site of before that time" in said) == (1, True), said

    @pytest.mark.parametrize(
        ("source", "to", "status", "words"),
        [
            ("nowhere", "latest", 400, "on-site and off-site"),
            ("on-site", "yesterday", 503, "is no time"),
            ("on-site", "2001-01-01", 503, "no base backup on-site of before that time"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_restored_leaves_the_server_alone(
        self, saved: Saved, source: str, to: str, status: int, words: str
    ) -> None:
        """The answer says why, and the server runs on."""
        unit = saved.client.state().unit("postgres-primary")
        assert unit is not None
        with pytest.raises(Refused, match=words) as refused:
            saved.client.restore(unit, source, to)
        assert refused.value.status == status
        assert saved.sql("SELECT 1") == [(1,)]

    def test_nothing_off_site_is_in_plain_words(self, saved: Saved) -> None:
        """A row that was written is in the base backup and in the log on site, and in no byte of what lies off site."""
        word = "an order of a client, for everybody to read"
        saved.sql(f"CREATE TABLE notes AS SELECT n, '{word}' AS text FROM generate_series(1, 2000) n")
        saved.sql("CHECKPOINT")
        saved.platform.call(saved.backups.take())
        saved.ship()
        folder = saved.folder / "backups"
        on_site = [folder / "on-site" / saved.backups.bases[-1].name, saved.folder / "postgres/archive"]
        for place in on_site:
            assert any(word.encode() in path.read_bytes() for path in place.rglob("*") if path.is_file()), place
        stored = [path for path in (folder / "off-site").rglob("*") if path.is_file()]
        assert len(stored) > 3
        for path in stored:
            content = path.read_bytes()
            assert content.startswith(b"Salted__"), path
            assert word.encode() not in content, path
        assert not any(path.name == "key" for path in stored)
        told = str(saved.events)
        assert saved.backups.vault.key.read_text().strip() not in told

    def test_redis_is_backed_up_in_both_forms_and_starts_on_each(self, saved: Saved) -> None:
        """Its snapshot and its append-only file hold every key, on site and off site."""
        with saved.platform.redis() as client:
            client.set("kept", "1")
        saved.platform.call(saved.backups.take_redis())
        saved.platform.call(saved.backups.try_out_redis())
        tried = [facts for kind, subject, facts in saved.events if (kind, subject) == ("backup.tried", "redis")][-1]
        made = saved.backups.listing()["redis"][-1]
        assert tried["base"] == made["name"]
        assert set(tried["keys"]) == {"rdb", "aof"}
        assert all(keys >= made["keys"] > 0 for keys in tried["keys"].values())

    def test_a_spoilt_snapshot_of_redis_is_noticed(self, saved: Saved) -> None:
        """redis-check-rdb reads it: half of one is none."""
        redis = saved.backups.redis
        assert redis is not None
        saved.platform.call(saved.backups.take_redis())
        place = saved.folder / "backups/on-site-redis" / redis.taken[-1].name
        with (place / "dump.rdb").open("r+b") as file:
            file.truncate(file.seek(0, 2) // 2)
        with pytest.raises(HarnessError, match="snapshot can't be read back"):
            saved.platform.call(redis.verify(place))

    def test_an_operator_takes_another_one_and_has_it_read(
        self, saved: Saved, operator: Callable[[str], tuple[int, str]]
    ) -> None:
        """A backup that is not whole is told; after another one all is well."""
        newest = saved.backups.bases[-1]
        (saved.folder / "backups/on-site" / newest.name / "base/1/PG_VERSION").write_text("13\n")
        code, said = operator("backup-base.sh --check")
        assert code == 1, said
        code, said = operator("backup-base.sh")
        assert (code, said.rstrip().endswith("can be read on-site and off-site")) == (0, True), said
        code, said = operator("backup-base.sh --check")
        assert (code, said.rstrip().endswith("can be read on-site and off-site")) == (0, True), said

    def test_a_base_backup_that_rotted_is_not_restored(self, saved: Saved) -> None:
        """It is read before it is used: the server runs on, and the other place still has a good one."""
        saved.write(1)
        saved.ship()
        for base in saved.backups.bases:
            (saved.folder / "backups/on-site" / base.name / "base/1/PG_VERSION").write_text("13\n")
        with pytest.raises(HarnessError, match="no base backup on-site can be read any more"):
            saved.restore("on-site")
        assert saved.told("backup.failed")[-2]["step"] == "verify"
        assert saved.rows() == [1]
        saved.restore("off-site")
        assert saved.rows() == [1]
