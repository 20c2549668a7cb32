"""The audit trail as it is read: exported, counted, and looked through for attacks."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("cluster")]
ODD = 'tr\u2028a\'d\x1fe\nr, "1"'


@pytest.fixture(autouse=True)
def _empty(books: Books) -> None:
    books.sql("DELETE FROM audit_log")


def add(
    books: Books, at_s: float, event_type: str, actor: str = "trader-1", address: str = "198.51.100.7", count: int = 1
) -> None:
    """So many entries of a kind, a second apart."""
    quoted = actor.replace("'", "''")
    books.sql(
        "INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome)"
        f" SELECT {at_s} + n, '{event_type}', '{quoted}', '{address}', 'log in', '{quoted}', 'refused' FROM generate_series(0, {count - 1}) n"
    )


def test_an_export_holds_every_entry_of_the_time(run: Run, books: Books) -> None:
    """In JSON and CSV, whatever characters an attacker chose as a name; an empty trail is an empty list."""
    assert json.loads(run("eafix-cli audit export").out) == []
    assert run("eafix-cli audit export --format=csv").out.splitlines() == [
        "time,entry,at_s,event_type,actor,address,action,target,outcome,detail"
    ]
    add(books, 100, "login_failed")
    add(books, 3000, "login_failed", ODD)
    [found] = json.loads(run("eafix-cli audit export --since=30m --format=json").out)
    assert (found["time"], found["at_s"], found["actor"]) == ("2026-11-21T11:00:00Z", 3000, ODD)
    rows = list(csv.DictReader(io.StringIO(run("eafix-cli audit export --format=csv").out, newline="")))
    assert [row["actor"] for row in rows] == ["trader-1", ODD]


def test_a_count_is_a_number_and_nothing_else(run: Run, books: Books) -> None:
    """It stands in a shell variable in the runbook."""
    count = 'eafix-cli audit query "event_type=login_failed" --count --since=24h'
    assert run(count) == Ended(0, "0\n", "")
    add(books, 100, "login_failed", count=3)
    add(books, 200, "login_failed", "o'brien")
    add(books, 300, "login_succeeded")
    assert run(count) == Ended(0, "4\n", "")
    assert run("eafix-cli audit query event_type=login_failed --count --since=3499s").out == "3\n"
    assert run("eafix-cli audit query \"event_type=login_failed AND actor='o'\" --count").out == "0\n"
    assert run('eafix-cli audit query "event_type != login_failed and actor = trader-1" --count').out == "1\n"
    assert run('eafix-cli audit query "actor=nobody"').out == "0 entries\n"
    assert run('eafix-cli audit query "event_type=login_succeeded"').out == (
        "2026-11-21T10:15:00Z  login_succeeded  trader-1 from 198.51.100.7: log in trader-1 [refused]\n1 entries\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "audit query", "audit query a=b", 'audit query "event_type"', 'audit query "event_type=a; DROP TABLE users"',
        "audit query event_type=a --since=yesterday", "audit export --format=xml", "audit export --since=0h", "audit review --all",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_usage_error(run: Run, line: str) -> None:
    """Exit code 2, and no answer that could be taken for one."""
    ended = run(f"eafix-cli {line}")
    assert (ended.code, ended.out) == (2, "")


def test_a_review_finds_what_looks_like_an_attack(run: Run, books: Books) -> None:
    """Guessing, a login after guessing, false tokens, refused attempts; a forgotten password is none of it."""
    add(books, 100, "login_failed", "trader-2", "192.0.2.1", count=4)
    add(books, 110, "login_succeeded", "trader-2", "192.0.2.1")
    assert run("eafix-cli audit review --suspicious-only --since=24h") == Ended(
        0, "5 entries reviewed, 0 suspicious findings\n", ""
    )
    add(books, 200, "login_failed", count=10)
    add(books, 300, "login_succeeded", address="203.0.113.5")
    add(books, 310, "token_refused", "unknown", "203.0.113.5", count=2)
    add(books, 320, "admin_refused", address="203.0.113.5")
    ended = run("eafix-cli audit review --suspicious-only --since=24h")
    assert ended == Ended(
        1,
        "SUSPICIOUS  10 failed logins from 198.51.100.7 as trader-1\n"
        "SUSPICIOUS  trader-1 logged in from 203.0.113.5 at 2026-11-21T10:15:00Z after 10 failures\n"
        "SUSPICIOUS  2 tokens refused that came from 203.0.113.5, as unknown\n"
        "SUSPICIOUS  1 refused attempts at operators' actions from 203.0.113.5, as trader-1\n"
        "19 entries reviewed, 4 suspicious findings\n",
        "",
    )
    assert len(run("eafix-cli audit review").out.splitlines()) == 19 + 4 + 1
    assert run("eafix-cli audit review --suspicious-only --since=10m").out == "0 entries reviewed, 0 suspicious findings\n"


def test_without_a_database_there_is_no_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of none would be a lie."""
    monkeypatch.setenv("PGPORT", "1")
    for line in ("audit query event_type=login_failed --count", "audit export", "audit review", "security ids-status"):
        ended = run(f"eafix-cli {line}")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("database at 127.0.0.1:1 does not answer: ")
