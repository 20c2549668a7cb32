"""The store: imported twice, by two at once, killed in the middle, broken folders, migrations; on SQLite and on a real Postgres."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from harness.errors import BadHistory
from harness.history import HISTORY_FILE, History
from harness.result import write_result
from reports import store as store_module
from reports.store import Imported, Kept, Store, drill_folders
from reports.store_engine import FILE, StoreError, open_engine, reading, shown_url, store_url, writing
from reports.store_record import disaster_class, read_record, variant
from reports.store_tables import HEAD, METADATA
from scenarios.errors import InvalidInput
from tests.fakes.services.live import Postgres
from tests.reports.histories import Story, database_failure
from tests.reports.synthetic import year

FRESH = multiprocessing.get_context("spawn")
_numbers = count(1)


def drilled(out: Path, number: int = 1, *, history: History | None = None, judged: bool = True) -> Path:
    """The folder of a drill in which something happened."""
    folder = out / f"2026112{number % 10}T10000{number % 10}Z-primary-database-failure-{number:06x}"
    folder.mkdir(parents=True)
    events = (history or database_failure()).events
    began, rest = events[0], events[1:]
    told = {**began.data, "drill": folder.name, "started": f"2026-11-2{number % 10}T10:00:00.250+00:00"}
    lines = [
        began.__class__(began.at_s, began.wall_s, began.kind, began.subject, told),
        *(each for each in rest if not each.kind.startswith("op.")),
    ]
    (folder / HISTORY_FILE).write_text("".join(f"{each.to_line()}\n" for each in lines))
    if judged:
        write_result(folder)
    return folder


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="gameday-test-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.sqlite'}"
    server: Postgres = request.getfixturevalue("postgres")
    name = f"store_{next(_numbers)}"
    server.sql("postgres", f"CREATE DATABASE {name}")
    return f"postgresql://eafix@127.0.0.1:{server.port}/{name}"


def counted(store: Store) -> tuple[int, int, int]:
    return len(store.drills()), len(store.verdicts()), len(store.steps())


def test_keeps_what_a_drill_came_to(url: str, tmp_path: Path) -> None:
    """Verdict, measures, steps with the time before them, and the scenario as it stood."""
    store = Store.open(tmp_path, url)
    assert store.import_folders([drilled(tmp_path / "drills")]) == Imported(Kept(added=1))
    row = store.drills().iloc[0]
    assert (row["scenario"], row["verdict"], row["status"], row["stack"]) == (
        "primary-database-failure",
        "unknown",
        "completed",
        "embedded",
    )
    assert row["started"].isoformat() == "2026-11-21T10:00:00.250000"
    assert json.loads(store.scenario(row["scenario_digest"]) or "")["title"] == "The primary database is killed under load"
    steps = store.steps()
    assert list(steps["name"])[:2] == ["Confirm that the primary is down", "Stop trading"]
    assert steps.iloc[0]["began_s"] == pytest.approx(82.0)
    assert steps.iloc[0]["waited_s"] == pytest.approx(4.0)
    assert steps.iloc[0]["took_s"] == pytest.approx(0.4)
    assert steps["ok"].tolist() == [True] * 9


def test_a_second_import_changes_nothing(url: str, tmp_path: Path) -> None:
    """However often: the same rows. A drill that was judged anew since replaces its old rows."""
    store, folder = Store.open(tmp_path, url), drilled(tmp_path / "drills")
    store.import_folders([folder])
    before = counted(store)
    assert store.import_folders([folder, folder]).kept == Kept(same=2)
    assert counted(store) == before
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, "verdict": "fail"}))
    assert Store.open(tmp_path, url).import_folders([folder]).kept == Kept(changed=1)
    assert counted(store) == before
    assert list(store.drills()["verdict"]) == ["fail"]


def _import(folders: list[Path], place: Path, url: str, gate: Any) -> None:
    gate.wait()
    Store.open(place, url).import_folders(folders)


def test_two_writers_at_once_lose_nothing(url: str, tmp_path: Path) -> None:
    """Both make the store, both import drills of their own and the same ones: each drill is there, once."""
    folders = [drilled(tmp_path / "drills", number) for number in range(1, 10)]
    gate = FRESH.Barrier(2)
    writers = [FRESH.Process(target=_import, args=(part, tmp_path, url, gate)) for part in (folders[:6], folders[3:])]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0, 0]
    store = Store.open(tmp_path, url)
    assert sorted(store.drills()["drill"]) == sorted(each.name for each in folders)
    one = Store.open(tmp_path, f"sqlite:///{tmp_path / 'one.sqlite'}")
    one.import_folders(folders)
    assert counted(store) == counted(one)


def test_who_writes_is_alone(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second writer does not even look before the first is done: else both would find a drill missing, and both put it in."""
    store, other = Store.open(tmp_path, url), Store.open(tmp_path, url)
    [record, *_] = year(1, months=1)
    looked, kept, digests = threading.Event(), list[Kept](), store_module._digests

    def look(connection: Connection, names: Any) -> dict[str, str]:
        looked.set()
        return digests(connection, names)

    monkeypatch.setattr(store_module, "_digests", look)
    second = threading.Thread(target=lambda: kept.append(other.keep([record])))
    with writing(store._engine) as connection:
        second.start()
        assert not looked.wait(0.5)
        store_module._insert(connection, [record])
    second.join()
    assert kept == [Kept(same=1)]


def _killed(folders: list[Path], place: Path, url: str) -> None:
    """Imports, and is killed with the rows of the fourth drill half written."""
    whole, calls = store_module._insert, count(1)

    def half(connection: Connection, records: Any) -> None:
        if next(calls) == 4:
            connection.execute(METADATA.tables["drills"].insert(), [{**records[0].drill, "scenario_digest": None}])
            os.kill(os.getpid(), signal.SIGKILL)
        whole(connection, records)

    store_module._insert = half
    Store.open(place, url).import_folders(folders)


def test_a_killed_import_is_repeated_without_doubles(url: str, tmp_path: Path) -> None:
    """What was kept before stays, nothing half is left, and the next import brings the rest."""
    folders = [drilled(tmp_path / "drills", number) for number in range(1, 7)]
    writer = FRESH.Process(target=_killed, args=(folders, tmp_path, url))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    store = Store.open(tmp_path, url)
    assert sorted(store.drills()["drill"]) == sorted(each.name for each in folders[:3])
    assert set(store.verdicts()["drill"]) == {each.name for each in folders[:3]}
    assert store.import_folders(folders).kept == Kept(added=3, same=3)
    assert len(store.drills()) == 6
    assert set(store.steps()["drill"]) == {each.name for each in folders}


def test_a_folder_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    """It is told, with the file and what to do."""
    good, bad, worse = (drilled(tmp_path / "drills", number) for number in (1, 2, 3))
    (bad / "result.json").write_text("{")
    (worse / "result.json").write_text('{"drill": "x"}')
    done = Store.open(tmp_path).import_folders([bad, worse, good])
    assert done.kept == Kept(added=1)
    assert f"{bad / 'result.json'}: no JSON" in done.problems[0]
    assert f"{worse / 'result.json'}: not a result" in done.problems[1]


def test_a_drill_that_was_cut_short_is_kept_as_aborted(tmp_path: Path) -> None:
    """Without a result, and with a last line that a crash cut off; when it is judged later, that replaces it."""
    folder = drilled(tmp_path / "drills", judged=False)
    lines = (folder / HISTORY_FILE).read_text().splitlines()[:40]
    (folder / HISTORY_FILE).write_text("\n".join([*lines, '{"at": 1.0, "wall": 1.0, "kind": "step.started", "subj']))
    store = Store.open(tmp_path)
    store.import_folders([folder])
    assert list(store.drills()["status"]) == ["aborted"]
    write_result(folder)
    assert store.import_folders([folder]).kept == Kept(changed=1)


def test_rows_are_what_the_tables_say(url: str) -> None:
    """What the migrations make is what `store_tables` describes, and its newest revision is theirs."""
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from reports.store_engine import MIGRATIONS

    engine = open_engine(store_url(url, Path()))
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_of_a_newer_gameday_is_left_alone(tmp_path: Path) -> None:
    """It is told, not migrated back."""
    Store.open(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="newer gameday"):
        Store.open(tmp_path)


def test_what_is_no_store_is_told_with_its_place(tmp_path: Path) -> None:
    """A file of something else, and a server that does not answer; the password is never told."""
    (tmp_path / FILE).write_text("not a database, but long enough to look at" * 20)
    with pytest.raises(StoreError, match=FILE):
        Store.open(tmp_path)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, "postgresql://eafix:hunter2@127.0.0.1:1/x")
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", ["mysql://root@localhost/x", "postgresql://user@host:port/x"])
def test_a_url_of_no_store_is_bad_usage(given: str) -> None:
    """Another kind of database, and what is no URL."""
    with pytest.raises(InvalidInput, match="GAMEDAY_STORE"):
        store_url(given, Path())


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Beside the drills, unless GAMEDAY_STORE says otherwise: a path or a URL."""
    assert shown_url(store_url(None, Path("drills"))) == "drills/store.sqlite"
    assert shown_url(store_url("/srv/a.sqlite", Path("drills"))) == "/srv/a.sqlite"
    assert shown_url(store_url("postgres://a:b@h/x", Path())) == "postgresql+psycopg://a:***@h/x"
    monkeypatch.setenv("GAMEDAY_STORE", str(tmp_path / "elsewhere.sqlite"))
    assert Store.open(tmp_path).place == str(tmp_path / "elsewhere.sqlite")


def test_folders_are_found(tmp_path: Path) -> None:
    """A folder of drills, a drill itself; a folder of neither is told."""
    folder = drilled(tmp_path / "drills")
    assert list(drill_folders([tmp_path / "drills", folder])) == [folder, folder]
    with pytest.raises(BadHistory, match="no drill here"):
        list(drill_folders([tmp_path]))


def test_what_a_record_knows_of_how_it_was_drilled(tmp_path: Path) -> None:
    """The disaster class comes from the targets, the variant from --set, and a made-up drill says that it is one."""
    assert disaster_class(["acknowledge-p0", "database-corruption-rto"]) == "database-corruption"
    assert disaster_class(["acknowledge-p0"]) == "other"
    assert variant("gameday run x --set b=2 --seed 1 --set=a=1") == "a=1, b=2"
    assert variant("gameday run x --seed 1") == ""
    story = Story()
    story.begin()
    story.add(5.0, "drill.finished", "primary-database-failure", status="completed")
    record = read_record(drilled(tmp_path, history=story.history()))
    assert record.drill["synthetic"] is False
    assert all(each.drill["synthetic"] for each in year(1, months=1))


def test_campaigns_are_kept_too(url: str, tmp_path: Path) -> None:
    """Found among drills, kept once; what is no campaign is told."""
    folder, bad, drill = tmp_path / "all" / "redis-outage", tmp_path / "all" / "x", drilled(tmp_path / "all")
    document = {"schema": "gameday.campaign/1", "scenario": "redis-outage", "title": "Redis dies", "seed": 7, "nights": 10_000}
    for each, text in ((folder, json.dumps(document)), (bad, "{}")):
        each.mkdir()
        (each / "campaign.json").write_text(text)
    assert set(drill_folders([tmp_path / "all"])) == {folder, bad, drill}
    store = Store.open(tmp_path, url)
    done = store.import_folders(drill_folders([tmp_path / "all"]))
    assert done.kept == Kept(added=2)
    assert done.problems == (
        f"{bad / 'campaign.json'}: not a campaign as `gameday simulate --out` writes it (KeyError('scenario')).",
    )
    assert store.import_folders([folder]).kept == Kept(same=1)
    row = store.campaigns().iloc[0]
    assert (row["scenario"], row["nights"], json.loads(row["document"])) == ("redis-outage", 10_000, document)


def test_many_records_go_in_at_once(tmp_path: Path) -> None:
    """More than one transaction's worth; a record that is handed in twice is one row."""
    store, records = Store.open(tmp_path), list(year(1, months=24))
    assert store.keep([*records, records[0]]) == Kept(added=len(records), same=1)
    assert len(store.drills()) == len(records) > 500
