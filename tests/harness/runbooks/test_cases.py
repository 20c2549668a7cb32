"""Which procedures are checked, how each is put together, and where: by the runbook's own words, then by the bindings."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.runbooks.cases import Choice, find_cases
from scenarios.errors import InvalidInput
from scenarios.reading import parse_runbook
from scenarios.reading.bindings import Wish, load_bindings
from tests.harness.runbooks.made_up import case

PROJECT = Path(__file__).resolve().parents[3]
STEP = '```bash name="look" expect="exit nonzero" budget=5s\necho <service-name>\nfalse\n```\n'


def rows(*pairs: tuple[str, str], step: str = STEP, after: str = "") -> str:
    table = "".join(f"| {name} | {value} |\n" for name, value in pairs)
    return f"# EAFIX\n\n## Do it\n\n| | |\n|---|---|\n{table}\n{step}\n{after}"


def test_each_command_is_a_unit_and_each_step_of_our_own_one() -> None:
    """Lines, text with its values, and what it expects."""
    plan = case("date\ndocker restart <name>", values={"name": "x"}).plan
    assert [(each.line, each.text, each.step) for each in plan.units] == [(6, "date", None), (7, "docker restart x", None)]
    (unit,) = case(rows(), values={"service-name": "redis"}).plan.units
    assert (unit.text, unit.commands, str(unit.expect)) == ("echo redis\nfalse", (9, 10), "exit nonzero")


def test_a_script_is_a_session_of_its_own() -> None:
    """Blocks that begin with a shebang; all others share the terminal."""
    text = "```bash\na\n```\n\n```bash\n#!/bin/sh\nb\nc\n```\n\n```bash\nd\n```\n"
    assert [each.session for each in case(text).plan.units] == [0, 1, 1, 0]


def test_what_is_no_shell_is_given_to_its_client() -> None:
    """SQL, and what is typed into a program; a line of a crontab is run once."""
    (sql,) = case("```sql\nSELECT 1;\n```\n").plan.units
    assert (sql.text, sql.input) == ("psql -X -v ON_ERROR_STOP=1", "SELECT 1;\n")
    (typed,) = case("psql -U x\nSELECT 1;").plan.units
    assert (typed.text, typed.input) == ("psql -U x", "SELECT 1;\n")
    (job,) = case("0 2 * * * /scripts/backup.sh").plan.units
    assert job.text == "/scripts/backup.sh"


@pytest.mark.parametrize(
    ("text", "stopped", "pause_s", "lasts_s"),
    [
        ("top", True, 0.0, 0.0),
        ("kubectl logs -f x", True, 0.0, 0.0),
        ("sleep 300", True, 60.0, 0.0),
        ("sleep 5", False, 5.0, 0.0),
        ("python latency.py --duration=300", False, 0.0, 300.0),
        ("eafix-cli monitor --duration=5m", False, 0.0, 300.0),
        ("eafix-cli monitoring watch --duration=24h", True, 0.0, 0.0),
        ("kubectl wait --timeout=300s x", False, 0.0, 0.0),
    ],
)
def test_what_takes_its_time_by_its_own_words(text: str, stopped: bool, pause_s: float, lasts_s: float) -> None:
    """Is stopped without a fault, or waited out."""
    (unit,) = case(text).plan.units
    assert (unit.stop_after_s is not None, unit.pause_s, unit.lasts_s) == (stopped, pause_s, lasts_s)


@pytest.mark.parametrize(
    ("text", "changing"),
    [
        ("aws s3 cp backup-*.dump s3://backups/manual/", True),
        ("aws s3 sync /backups s3://backups", True),
        ("aws s3 cp s3://backups/a.dump .", False),
        ("aws s3 ls s3://backups/", False),
    ],
)
def test_an_upload_changes_what_the_second_run_meets(text: str, changing: bool) -> None:
    """A backup that can be taken only once is found by taking it twice; a look is not carried out again."""
    assert case(text).plan.changes is changing


def test_an_unbound_command_is_not_run() -> None:
    """With its reason; neither is a step of our own that lacks a value."""
    assert [each.skip for each in case("x <name>").plan.units] == ["<name> must be given a value"]
    assert [each.skip for each in case(rows()).plan.units] == ["<service-name> must be given a value"]


def test_what_the_workstation_sets_has_a_value() -> None:
    """Variables of the stack's environment count as bound, and are left to the shell that has them; bindings come before them."""
    text = "# AI Trading System\n\n## Do it\n\n```bash\npsql $DATABASE_URL -c 'SELECT 1'\n```\n"
    (unit,) = case(text).plan.units
    assert (unit.skip, unit.text, dict(unit.environment)) == ("", "psql $DATABASE_URL -c 'SELECT 1'", {})
    (own,) = case(text, values={"DATABASE_URL": "postgresql://other"}).plan.units
    assert dict(own.environment) == {"DATABASE_URL": "postgresql://other"}
    (other,) = case("psql $DATABASE_URL").plan.units
    assert other.skip == "$DATABASE_URL must be given a value"


def test_what_a_procedure_says_of_itself() -> None:
    """Incident, second run, rollback."""
    after = '### Put it back\n\n```bash name="back"\ndate\n```\n'
    given = case(
        rows(("Incident", "`redis-outage`"), ("Again", "unsafe: it is gone then"), ("Rollback", "[x](#put-it-back)"), after=after)
    )
    assert given.incident is not None
    assert (given.incident.name, given.plan.again, given.plan.owes) == ("redis-outage", "unsafe", "recovers")
    assert [each.text for each in given.plan.rollback] == ["date"]
    assert case(rows(("Again", "safe"))).plan.again == "safe"


def test_the_bindings_come_on_top() -> None:
    """They take an incident away, or bind one; the values of the scenario fill placeholders."""
    text = rows(("Incident", "service-failure"))
    assert case(text, wish=Wish(incident="none")).incident is None
    given = case(text)
    assert given.plan.units[0].text == "echo risk-manager\nfalse"
    assert case(text, values={"service-name": "redis"}).plan.units[0].text == "echo redis\nfalse"


def test_rehearsed_by_binds_an_incident_only_where_the_scenario_carries_out_this_section() -> None:
    """Another procedure that the same drill rehearses is carried out on a healthy stack."""
    assert case(rows(("Rehearsed by", "`gameday run redis-outage`"))).incident is None


def test_a_scenario_with_planned_work_binds_no_incident() -> None:
    """In a check nobody carries that out, so what waits for it would never break."""
    path = PROJECT / "scenarios" / "runbooks" / "eafix-operations.md"
    book = parse_runbook(path.read_bytes(), path)
    found = find_cases([book], Choice(only=("emergency-rollback", "undo-a-mistake")))
    assert [each.incident and each.incident.name for each in found] == [None, "dropped-table"]


def test_a_scenario_that_is_not_there_is_told_at_the_runbooks_line() -> None:
    """With the nearest one."""
    with pytest.raises(InvalidInput, match=r"night\.md:\d+:1: redis-outag: there is no such scenario.*redis-outage"):
        case(rows(("Incident", "redis-outag")))


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        ("# EAFIX\n", "eafix"),
        ("# Operations\n\nkubectl get deployment/trading-engine-api, trading-engine-websocket\n", "trading-engine"),
        ("# Something else\n", "eafix"),
    ],
)
def test_the_stack_that_a_document_is_about(text: str, stack: str) -> None:
    """By its title, by what it calls things, else the first."""
    book = parse_runbook(f"{text}\n## Do\n\n```bash\ndate\n```\n".encode(), Path("x.md"))
    assert find_cases([book], Choice())[0].stack_name == stack


def test_what_the_five_documents_are_bound_to_is_there() -> None:
    """Each incident is a scenario that can be loaded, and each entry means some document."""
    bindings = load_bindings(PROJECT / "scenarios" / "documents.yaml")
    known = {path.stem for path in (PROJECT / "scenarios" / "catalogue").glob("*.yaml")}
    incidents = {wish.incident for _, wish in bindings.wishes if wish.incident}
    assert incidents
    assert incidents <= known
    assert {pattern[:4] for pattern, _ in bindings.wishes} <= {f"{number:03d}*" for number in range(5)}
