"""What a procedure as a whole came to: health, effects, data, time, the way back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.runbooks.outcome import documented_s
from scenarios.reading.bindings import Wish
from tests.harness.runbooks.made_up import Made, made

RUNS = {"service risk-manager: state": "running"}


def outage(text: str, *, broken_from_s: float = 11.2, commands: int = 2, **how: Any) -> Made:
    """Clients are served until then, and not any more; the commands run from 10 s on, one second each."""
    check = made(text, **how).load(0, broken_from_s).load(broken_from_s, 60, good=False).begins()
    for number in range(1, commands + 1):
        check.ran(number)
    return check.ends(served=False)


def test_clients_that_are_not_served_any_more() -> None:
    """The finding stands at the change after which it began, and shows what clients saw."""
    (finding,) = outage("kubectl get pods\nkubectl rollout restart deployment/eafix-gateway").judged().findings
    assert (finding.rule, finding.line) == ("leaves-unhealthy", 7)
    assert "connection refused" in finding.evidence
    assert outage("kubectl rollout restart deployment/a\nkubectl get pods").judged().findings[0].line == 6


def test_served_again_in_time_is_no_finding() -> None:
    """A restart interrupts."""
    check = made("docker compose restart risk-manager").load(0, 10.5).load(10.5, 12, good=False).load(12, 60)
    assert check.begins().ran(1).ends().rules() == []


@pytest.mark.parametrize(
    "text",
    [
        "curl -X POST http://localhost:8080/emergency/stop-trading",
        "kubectl scale deployment eafix-gateway --replicas=0",
        "docker compose stop gui-gateway",
        "eafix-cli maintenance enable",
        "systemctl stop redis",
    ],
)
def test_what_stops_on_purpose_is_told_and_no_fault(text: str) -> None:
    """Unless the procedure wants to undo it, and does not manage."""
    assert [(each.rule, each.severity) for each in outage(text, broken_from_s=10.2, commands=1).judged().findings] == [
        ("leaves-stopped", "info")
    ]
    undone = outage(f"{text}\nkubectl scale deployment eafix-gateway --replicas=3", broken_from_s=10.2)
    (finding,) = undone.judged().findings
    assert (finding.rule, finding.line) == ("leaves-unhealthy", 6)
    assert "line 7 should undo it" in finding.message


def test_a_stop_is_noticed_a_little_later() -> None:
    """When the next command runs already: the finding stands at the stop, unless it was undone or is long past."""

    def found(between: str, *, commands: int, broken_from_s: float) -> list[tuple[str, int]]:
        text = f"kubectl scale deployment eafix-gateway --replicas=0\n{between}eafix-cli tokens revoke --pattern=x"
        check = outage(text, commands=commands, broken_from_s=broken_from_s)
        return [(each.rule, each.line) for each in check.judged().findings]

    assert found("", commands=2, broken_from_s=11.2) == [("leaves-stopped", 6)]
    back = "kubectl scale deployment eafix-gateway --replicas=3\n"
    assert found(back, commands=3, broken_from_s=12.2) == [("leaves-unhealthy", 8)]
    assert found("kubectl get pods\n" * 8, commands=10, broken_from_s=19.2) == [("leaves-unhealthy", 15)]


def test_what_a_later_step_of_the_same_chapter_starts_again() -> None:
    """A procedure in several sections is one to whoever carries it out; what another chapter does is not known to be next."""

    def rules(heading: str, then: str) -> list[str]:
        block = "```bash\n{}\n```\n"
        text = f"# EAFIX\n\n## Deploy\n\n### Step 1\n\n{block.format('eafix-cli maintenance enable')}\n{heading}\n\n{block.format(then)}"
        return outage(text, broken_from_s=10.2, commands=1).rules()

    assert rules("### Step 2", "eafix-cli maintenance disable") == []
    assert rules("### Step 2", "eafix-cli status") == ["leaves-stopped"]
    assert rules("### End maintenance", "eafix-cli maintenance disable") == ["leaves-stopped"]
    assert rules("## Another\n\n### Step 2", "eafix-cli maintenance disable") == ["leaves-stopped"]


def test_trading_that_is_halted_outlives_a_restart() -> None:
    """The finding stands at the command that halted it: services that are restarted next neither did it nor should undo it."""

    def found(after: str) -> list[tuple[str, int]]:
        check = made(f"curl -X POST http://localhost:8080/emergency/stop-trading\n{after}").load(0, 11.3)
        check.load(11.3, 60, good=False, error="trading_halted").begins().ran(1).ran(2).ends(served=False)
        return [(each.rule, each.line) for each in check.judged().findings]

    assert found("make docker-down && make docker-up") == [("leaves-stopped", 6)]
    assert found("eafix-cli trading start") == [("leaves-unhealthy", 6)]


def test_a_runbook_that_says_how_that_ends() -> None:
    """A stop on purpose with its way back is no finding; whether the way back works is judged by itself."""
    row = "| | |\n|---|---|\n| Rollback | {link} |\n"
    stop = (
        '```bash name="stop"\neafix-cli trading stop\n```\n\n## Start it\n\n```bash name="start"\neafix-cli trading start\n```\n'
    )

    def rules(link: str) -> list[str]:
        return [
            each.rule
            for each in outage(f"# EAFIX\n\n## Stop it\n\n{row.format(link=link)}\n{stop}", broken_from_s=10.2, commands=1)
            .judged()
            .findings
        ]

    assert rules("[Start it](#start-it)") == []
    assert rules("start it") == ["leaves-stopped"]


def test_the_other_side_runs_for_it() -> None:
    """Blue may be stopped when green serves, and not when nobody does."""
    before = {"service gui-gateway: state": "running"}

    def rules(green: str) -> list[str]:
        check = made("kubectl scale deployment eafix-blue --replicas=0").facts("before", before).begins().ran(1).ends()
        return check.facts(
            "after first", {"service gui-gateway: state": "stopped", "service gui-gateway-green: state": green}
        ).rules()

    assert rules("running") == []
    assert rules("stopped") == ["leaves-stopped"]


def test_an_incident_that_is_still_on_at_the_end() -> None:
    """Only for a procedure that owes recovery."""

    def rules(wish: Wish) -> list[str]:
        return outage("docker compose restart redis", commands=1, wish=wish).rules()

    assert rules(Wish(incident="redis-outage", expect="recovers")) == ["does-not-recover"]
    assert rules(Wish(incident="redis-outage", expect="diagnoses")) == []


def test_what_ran_before_and_does_not_any_more() -> None:
    """Although clients are served."""

    def rules(text: str) -> list[str]:
        gone = {"service risk-manager: state": "stopped"}
        return made(text).facts("before", RUNS).begins().ran(1).ends().facts("after first", gone).rules()

    assert rules("kubectl apply -f x.yaml") == ["leaves-unhealthy"]
    assert rules("docker compose stop risk-manager") == ["leaves-stopped"]
    assert rules("kubectl scale deployment eafix-risk-manager --replicas=0") == ["leaves-stopped"]
    assert rules("kubectl scale deployment eafix-gateway --replicas=0") == ["leaves-unhealthy"]
    assert rules("kubectl get pods") == []


def test_a_setting_that_only_a_restart_applies() -> None:
    """The server says so itself."""
    text = 'psql -c "ALTER SYSTEM SET max_connections = 200"\npsql -c "SELECT pg_reload_conf()"'
    check = made(text).facts("before", RUNS).begins().ran(1).ran(2).ends()
    (finding,) = check.facts("after first", {**RUNS, "postgres pending restart max_connections": "100"}).judged().findings
    assert (finding.rule, finding.line) == ("no-stated-effect", 6)
    assert "pending_restart = t" in finding.evidence


def test_an_address_that_leads_nowhere() -> None:
    """A selector that nothing fits."""
    text = 'kubectl patch service eafix-postgres -p \'{"spec":{"selector":{"role":"primry"}}}\''
    before = {"address postgres: instance": "postgres-primary", "address postgres: selector": "{}"}
    check = made(text).facts("before", before).begins().ran(1).ends().facts("after first", {"address postgres: selector": "{}"})
    assert check.rules() == ["no-stated-effect"]


def readback(check: Made, *, lost: int) -> Made:
    """All orders but so many are there."""
    present = [event.subject for event in check.events if event.kind == "op.ok" and event.data["op"] == "order"]
    check.now_s = 100.0
    check.at("readback.orders", "postgres", began_s=99.0, present=present[: len(present) - lost], rows={})
    return check.at("check.finished", "lost-acknowledged-writes", ok=not lost, detail=f"{lost} acknowledged, and not there")


def test_lost_orders_are_told_where_they_were_lost() -> None:
    """At the first change that ended after the last of them was acknowledged."""
    text = "docker compose restart x\nredis-cli FLUSHALL\ndocker compose restart x"
    check = made(text).load(0, 11.5).begins().ran(1).ran(2).ran(3).ends()
    (finding,) = readback(check, lost=3).judged().findings
    assert (finding.rule, finding.line, finding.evidence) == ("loses-writes", 7, "3 acknowledged, and not there")
    assert readback(made(text).load(0, 11.5).begins().ran(1).ran(2).ran(3).ends(), lost=0).rules() == []


def test_books_that_lack_lost_orders_are_one_finding() -> None:
    """They cannot add up then; without a loss they are told by themselves."""
    check = made("docker compose restart x").load(0, 9).begins().ran(1).ends()
    assert readback(check, lost=2).at("check.finished", "executions-equal-fills", ok=False, detail="2").rules() == [
        "loses-writes"
    ]
    wish = Wish(incident="redis-outage")
    hit = made("docker compose restart x", wish=wish).load(0, 9).at("fault.injected", "dead").begins().ran(1).ends()
    assert readback(hit, lost=2).at("check.finished", "executions-equal-fills", ok=False, detail="2").rules() == []


def test_what_the_fault_itself_lost_is_not_the_procedures() -> None:
    """A failover may lose what was not copied yet."""
    wish = Wish(incident="redis-outage")
    check = made("docker compose restart x", wish=wish).load(0, 9).at("fault.injected", "dead").begins().ran(1).ends()
    assert readback(check, lost=2).rules() == []


def test_data_that_contradict_themselves() -> None:
    """Any other check that fails."""
    check = made("psql -c 'DELETE FROM positions'").load(0, 12).begins().ran(1).ends()
    check.at("check.finished", "positions-equal-executions", ok=False, detail="1 different: EURUSD")
    assert check.rules() == ["breaks-invariant"]


@pytest.mark.parametrize(
    ("wish", "counts", "rules"),
    [
        (Wish(incident="redis-outage", expect="changes"), {"not_booked": 1, "without_fill": 0, "different": 0}, []),
        (
            Wish(incident="redis-outage", expect="changes"),
            {"not_booked": 1, "without_fill": 2, "different": 0},
            ["breaks-invariant"],
        ),
        (None, {"not_booked": 1, "without_fill": 0, "different": 0}, ["breaks-invariant"]),
    ],
)
def test_books_that_lack_a_fill_of_the_incident(wish: Wish | None, counts: dict[str, int], rules: list[str]) -> None:
    """Nobody was told of it, and the database that knew it is what the incident took. Invented executions are the procedure's."""
    check = made("kubectl rollout restart deployment/x", wish=wish)
    if wish is not None:
        check.at("fault.injected", "x")
    check.begins().ran(1).ends().at("check.finished", "executions-equal-fills", ok=False, detail="1", counts=counts)
    assert check.rules() == rules


@pytest.mark.parametrize(
    ("title", "limit_s"),
    [
        ("Immediate Response (0-5 minutes)", 300.0),
        ("Rollback (< 30 seconds)", 30.0),
        ("Mitigation (15 - 30 min)", 1800.0),
        ("Validation (60+ minutes)", None),
        ("Restart", None),
        ("Version (1.2)", None),
    ],
)
def test_the_time_that_a_heading_gives(title: str, limit_s: float | None) -> None:
    """Its upper end."""
    assert documented_s(title) == limit_s


def test_longer_than_the_heading_says() -> None:
    """What the commands take counts."""
    check = made("# EAFIX\n\n## Rollback (< 2 seconds)\n\n```bash\na\nb\nc\n```\n").begins()
    assert check.ran(1).ran(2).ran(3).ends().rules() == ["over-budget"]
    assert made("# EAFIX\n\n## Rollback (< 5 seconds)\n\n```bash\na\n```\n").begins().ran(1).ends().rules() == []


def test_a_rollback_that_brings_everything_back() -> None:
    """Is none, whatever was in between."""
    check = made("kubectl scale x").facts("before", RUNS).begins().ran(1).ends()
    assert check.facts("after first", RUNS).facts("after rollback", RUNS).rules() == []


def test_a_rollback_that_is_incomplete() -> None:
    """The evidence is what is different."""
    check = made("kubectl scale x").facts("before", RUNS).begins().ran(1).ends()
    (finding,) = check.facts("after rollback", {"service risk-manager: state": "stopped"}).judged().findings
    assert (finding.rule, finding.evidence) == ("rollback-incomplete", "service risk-manager: state: running -> stopped")
