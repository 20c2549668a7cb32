"""Incidents, their reports and post-mortems, trainings: what is written down is what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import Answering, FakeCluster

pytestmark = pytest.mark.real


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """What the monitoring says, to be filled by a test."""
    found: list[dict[str, object]] = []
    monitoring = Answering()
    monitoring.answers["GET", "/api/v1/alerts"] = (200, {"data": {"alerts": found}})
    monkeypatch.setenv("EAFIX_PROMETHEUS", monitoring.address)
    yield found
    monitoring.close()


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, alerts: list[object]) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


def test_an_incident_keeps_how_the_platform_was(
    cluster: FakeCluster, run: Run, books: Books, alerts: list[dict[str, object]]
) -> None:
    """Ids count up from INC-1; what isn't ready and which alerts fire is kept, whatever happens afterwards."""
    cluster.kill("risk-manager")
    alerts += [
        {"labels": {"alertname": "ServiceDown"}, "state": "firing"},
        {"labels": {"alertname": "HighLatency"}, "state": "pending"},
    ]
    opened = run('eafix-cli incident create --title="Emergency rollback" --severity=high')
    said = "INC-1 opened: high, operations: Emergency rollback; to be answered by 2026-11-21T12:10:00Z\n"
    assert opened == Ended(0, said, "")
    assert run('eafix-cli incident create --type=security --severity=critical --description="it\'s 100 %\nodd"').out.startswith(
        "INC-2 opened: critical, security: it's 100 %; to be answered by 2026-11-21T11:25:00Z"
    )
    cluster.services["risk-manager"] |= {"state": "running", "ready": True}
    shown = run("eafix-cli incident show --incident-id=INC-1").out
    assert "found           not ready: risk-manager; alerts firing: ServiceDown\n" in shown
    listed = run("eafix-cli incident list").out.splitlines()
    assert [line.split()[0] for line in listed] == ["INC-2", "INC-1", "2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("incident create", "incident create needs --title or --description"),
        ("incident create --title=a --severity=awful", "--severity=awful: expected critical, high, medium or low"),
        ("incident create --title=a --type=odd", "--type=odd: expected operations, security, trading or data"),
        ("incident show", "--incident-id=: expected an incident's id, such as INC-1"),
        ("incident report --incident-id=INC-1 --format=doc", "--format=doc: expected text, markdown, json or pdf"),
        ("training schedule", "--type=: expected security, operations or compliance"),
        ("training schedule --type=security --within=soon", "--within=soon: expected a number and s, m, h, d or w, such as 24h"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run: Run, books: Books, line: str, why: str) -> None:
    """Exit code 2, and nothing is written."""
    assert run(f"eafix-cli {line}") == Ended(2, "", f"eafix-cli: {why}\n")
    assert books.sql("SELECT (SELECT count(*) FROM incidents) + (SELECT count(*) FROM trainings)") == [(0,)]


def test_there_is_no_report_of_what_was_not_opened(run: Run, books: Books) -> None:
    """Exit code 1, whichever command asks."""
    for command in ("incident show", "incident report", "postmortem create", "security analyze", "security impact-assessment"):
        assert run(f"eafix-cli {command} --incident-id=INC-7")[::2] == (1, "eafix-cli: no incident INC-7\n")


def test_a_report_tells_what_is_in_the_trail(run: Run, books: Books) -> None:
    """The same again and again is one line that counts; orders are counted only; nothing from before the hour."""
    run("eafix-cli incident create --title=Odd")
    row = "INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome) VALUES"
    for second in (100, 110, 120):
        books.sql(f"{row} ({second}, 'login_failed', 'trader-1', '198.51.100.7', 'log in', 'trader-1', 'refused')")
    books.sql(f"{row} (130, 'order_placed', 'trader-1', '198.51.100.7', 'POST /api/orders', 'o-1', 'asked')")
    books.order("o-1", placed_at_s=3700)
    report = json.loads(run("eafix-cli incident report --incident-id=INC-1 --format=json").out)
    assert report["audited"] == {"login_failed": 3, "operator_action": 1, "order_placed": 1, "token_issued": 1, "user_created": 4}
    [failed] = [each for each in report["timeline"] if each["event_type"] == "login_failed"]
    assert (failed["first"], failed["last"], failed["times"]) == ("2026-11-21T10:11:40Z", "2026-11-21T10:12:00Z", 3)
    assert report["orders_executed_since_opening"] == 1
    text = run("eafix-cli incident report --incident-id=1").out
    assert "login_failed  trader-1 from 198.51.100.7: log in trader-1 [refused] (3 times, until 2026-11-21T10:12:00Z)" in text
    assert "# INC-1: Odd\n" in run("eafix-cli incident report --incident-id=INC-1 --format=markdown").out


def test_a_pdf_is_written_and_its_place_told(run: Run, books: Books) -> None:
    """Into the folder where the operator is; where it can't be written, that is said."""
    run('eafix-cli incident create --title="Odd (very)"')
    ended = run("eafix-cli incident report --incident-id=INC-1 --format=pdf")
    path = Path("incident-INC-1.pdf")
    assert ended == Ended(0, f"{path.absolute()}\n", "")
    assert path.read_bytes().startswith(b"%PDF-1.4")
    assert b"(INCIDENT INC-1: Odd \\(very\\)) Tj" in path.read_bytes()
    path.unlink()
    path.mkdir()
    assert run("eafix-cli incident report --incident-id=INC-1 --format=pdf").err.endswith("can't be written: Is a directory\n")


def test_a_post_mortem_is_begun_once(run: Run, books: Books) -> None:
    """A draft with the facts, and what only people know left open; a second one doesn't write over it."""
    run("eafix-cli incident create --title=Odd")
    assert run("eafix-cli postmortem create --incident-id=INC-1").out == f"{Path('postmortem-INC-1.md').absolute()}\n"
    draft = Path("postmortem-INC-1.md").read_text()
    assert draft.startswith("# Post-mortem of INC-1\n\n## INC-1: Odd\n")
    assert draft.endswith("\n## Actions\n\n_To be written._\n")
    assert books.sql("SELECT number FROM postmortems") == [(1,)]
    again = run("eafix-cli postmortem create --incident-id=INC-1")
    assert (again.code, again.err) == (1, "eafix-cli: there is a post-mortem of INC-1 already\n")
    assert Path("postmortem-INC-1.md").read_text() == draft


def test_a_training_is_for_those_who_work_here(run: Run, books: Books) -> None:
    """Not for programs, nor for whom is locked; nobody left is told by exit code 1."""
    books.sql("UPDATE users SET locked_at_s = 1 WHERE user_id = 'trader-2'")
    ended = run("eafix-cli training schedule --type=security --mandatory")
    assert ended.out == "TRN-1 scheduled: security, mandatory, due 2026-12-21T11:10:00Z, for ops-1, trader-1\n"
    assert books.sql("SELECT user_id FROM training_places ORDER BY 1") == [("ops-1",), ("trader-1",)]
    books.sql("UPDATE users SET locked_at_s = 1")
    ended = run("eafix-cli training schedule --type=operations --within=2d")
    assert (ended.code, ended.out) == (1, "TRN-2 scheduled: operations, voluntary, due 2026-11-23T11:10:00Z, for nobody\n")
