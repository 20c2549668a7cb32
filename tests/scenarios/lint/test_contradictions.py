"""Promises that contradict each other."""

from __future__ import annotations

import pytest

from scenarios.lint import Rule
from scenarios.lint.contradictions import (
    contradicting_escalation,
    contradicting_recovery,
    contradicting_response,
    contradicting_schedule,
    contradicting_severity,
    contradicting_updates,
    unreachable_target,
)
from scenarios.lint.platforms import platform
from tests.scenarios.lint.judging import document
from tests.scenarios.lint.shelf import found, shared

INDEX = "# Shop\n\n### P1 - High (Response: 15 minutes)\n- Failed payments\n"


def test_two_times_to_respond() -> None:
    """The message names both figures, the evidence quotes both lines, and the other place is related."""
    (finding,) = found(
        contradicting_response, INDEX, "# Shop incidents\n\n- **P1**: Acknowledge < 15 minutes, Respond < 30 minutes\n"
    )
    assert "15 minutes" in finding.message
    assert "30 minutes" in finding.message
    assert finding.evidence.split("\n") == [
        "a.md:3: ### P1 - High (Response: 15 minutes)",
        "b.md:3: - **P1**: Acknowledge < 15 minutes, Respond < 30 minutes",
    ]
    assert [(each.file.name, each.line) for each in finding.related] == [("b.md", 3)]


@pytest.mark.parametrize(
    "other",
    [
        "# Shop incidents\n\n- **P1**: Acknowledge < 5 minutes, Respond < 15 minutes\n",  # the same figure; acknowledging is something else
        "# Shop incidents\n\n- **P2**: Respond < 30 minutes\n",  # another severity
        "# Shop incidents\n\n## Resolution Times\n\n- **P1**: < 8 hours\n",  # another promise
        "# Bank incidents\n\n- **P1**: Respond < 30 minutes\n",  # another platform
        "# Shop incidents\n\n- **P1**: Respond within 1 business day\n",  # no span of the clock
        "# Shop incidents\n\n### P1 - High (Response: next business day, or 1 hour)\n",
    ],
)
def test_what_is_not_alike_is_not_compared(other: str) -> None:
    """Only the same promise for the same severity of the same platform is held against another."""
    assert found(contradicting_response, INDEX, other) == []


def test_any_alert_and_one_severity() -> None:
    """What holds for every alert contradicts each severity that is given more time; it is told once."""
    text = "# Shop\n\n1. Acknowledge alert within 5 minutes\n\n- **P0**: Acknowledge < 5 minutes\n- **P1**: Acknowledge < 15 minutes\n- **P2**: Acknowledge < 1 hour\n"
    (finding,) = found(contradicting_response, text)
    assert finding.line == 3
    assert [each.line for each in finding.related] == [6, 7]


def test_updates() -> None:
    """Interval, first update and notice of resolution, also where one is given by severity or by the time to respond."""
    text = """\
        # Shop

        ## Status Updates
        - Initial: Within 15 minutes of incident start
        - Progress: Every 30 minutes
        - Resolution: Immediate notification

        ## Communication SLAs
        - Initial update: Within response time SLA
        - Progress updates: Every 30 minutes (P0/P1), Every 2 hours (P2/P3)
        - Resolution notification: Within 15 minutes of fix

        ## Response
        - **P0**: Respond < 15 minutes
        - **P1**: Respond < 30 minutes
        """
    findings = found(contradicting_updates, text)
    assert [each.line for each in findings] == [4, 5, 6]
    assert "2 hours (P2, P3)" in findings[1].message
    assert (
        found(contradicting_updates, text.replace("Every 2 hours", "Every 30 minutes").replace("Immediate", "15 minutes"))[1:]
        == []
    )


def test_escalation() -> None:
    """The same people are called at different times; a heading, a list and a table say so alike."""
    listed = "# Shop\n\n## Escalation\n1. **Immediate**: Page on-call engineer\n2. **15 minutes**: Escalate to senior engineer\n"
    headed = "# Shop operations\n\n## Escalation\n\n### Level 2: On-Call Engineer (15-30 minutes)\n- Page\n"
    table = "# Shop operations\n\n## Escalation\n\n| Role | Escalation Time |\n|---|---|\n| Primary On-Call | Immediate |\n"
    (finding,) = found(contradicting_escalation, listed, headed)
    assert "called at once here, but after 15 minutes" in finding.message
    assert found(contradicting_escalation, listed, table) == []
    alerts = "# Shop alerts\n\n## Critical Alerts (Page Immediately)\n"
    (finding,) = found(contradicting_escalation, listed, headed, alerts)
    assert [each.file.name for each in finding.related] == ["b.md", "c.md"]
    assert found(contradicting_escalation, listed, alerts) == []


RECOVERY = "# Shop\n\n| Disaster | RTO | RPO |\n|---|---|---|\n| Complete Infrastructure Loss | 8 hours | 1 hour |\n| Service Failure | 5 minutes | 0 (replication) |\n"


def test_recovery_targets() -> None:
    """Two figures for one disaster; and an RTO that is longer than the time in which that severity is resolved."""
    other = RECOVERY.replace("8 hours", "4 hours").replace("# Shop", "# Shop recovery")
    (finding,) = found(contradicting_recovery, RECOVERY, other)
    assert "8 hours here, but 4 hours" in finding.message
    severities = (
        "# Shop incidents\n\n## Classification\n\n### P0\n- Complete system outage\n\n## Resolution Times\n- **P0**: < 2 hours\n"
    )
    (finding,) = found(contradicting_recovery, RECOVERY, severities)
    assert {each.line for each in finding.related} == {6, 9}
    assert found(contradicting_recovery, RECOVERY, severities.replace("2 hours", "8 hours")) == []
    assert found(contradicting_recovery, RECOVERY, severities.replace("Complete system outage", "Login is slow")) == []


def test_targets_that_people_cannot_meet() -> None:
    """Back in 5 minutes, answered in 15; what is answered at once can be met."""
    (finding,) = found(unreachable_target, RECOVERY, "# Shop\n\n- **P0**: Respond < 15 minutes\n")
    assert "must be back in 5 minutes" in finding.message
    assert found(unreachable_target, RECOVERY, "# Shop\n\n- **P0**: Respond < 2 minutes\n") == []


def test_one_situation_with_two_severities() -> None:
    """The same words under two severities; other words, or another platform, say nothing."""
    one = "# Shop\n\n## Severities\n\n### P0\n- Security breach\n"
    assert len(found(contradicting_severity, one, one.replace("P0", "P1"))) == 1
    assert found(contradicting_severity, one, one.replace("P0", "P1").replace("Security breach", "Security notice")) == []
    assert found(contradicting_severity, one, one.replace("P0", "P1").replace("# Shop", "# Bank")) == []


def test_two_scales_with_the_same_words() -> None:
    """A table answers Critical and High at other times than the P0 - Critical and P1 - High of the index: told once, as a warning."""
    index = "# Shop\n\n### P0 - Critical (Response: Immediate)\n\n### P1 - High (Response: 15 minutes)\n"
    table = "# Shop security\n\n| Severity | Response Time |\n|---|---|\n| Critical | 15 minutes |\n| High | 1 hour |\n"
    (finding,) = found(contradicting_severity, index, table)
    assert (finding.severity, finding.file.name, finding.line) == ("warning", "b.md", 5)
    assert [each.line for each in finding.related] == [3, 5]
    assert found(contradicting_severity, index, table.replace("15 minutes", "Immediate").replace("1 hour", "15 minutes")) == []
    assert found(contradicting_severity, index.replace(" - Critical", "").replace(" - High", ""), table) == []


def test_schedules() -> None:
    """Drills monthly and quarterly; a document that is reviewed monthly and gives itself three months."""
    assert (
        len(found(contradicting_schedule, "# Shop\n\n- Quarterly disaster recovery tests\n", "# Shop\n\n## Monthly DR Drills\n"))
        == 1
    )
    assert (
        found(contradicting_schedule, "# Shop\n\n- Quarterly disaster recovery tests\n", "# Bank\n\n## Monthly DR Drills\n") == []
    )
    review = "# Shop\n\n**Next Review**: $(date -d '+3 months')\n\nThis runbook should be reviewed monthly.\n"
    assert len(found(contradicting_schedule, review)) == 1
    assert found(contradicting_schedule, review.replace("+3 months", "+1 month")) == []
    assert (
        found(
            contradicting_schedule,
            "# Shop\n\n- Review runbooks monthly\n\n**Last Updated**: May 2026\n**Next Review**: June 2026\n",
        )
        == []
    )


def test_documents_of_no_platform_stand_alone() -> None:
    """Of two documents that do not say what they are about nothing can be said."""
    assert (
        found(contradicting_response, INDEX.replace("Shop", "Runbook"), "# Incidents\n\n- **P1**: Respond < 30 minutes\n") == []
    )


@pytest.mark.parametrize(
    ("title", "text", "name"),
    [
        ("EAFIX Trading System Runbooks", "", ("eafix", "trading", "system")),
        ("Operations Runbook - Trading Engine", "", ("trading", "engine")),
        ("AI Trading System - Operations Runbook v1.1", "", ("ai", "trading", "system")),
        ("Incident Response Runbook", "For the EAFIX trading system.", ("eafix",)),
        ("Incident Response Runbook", "For whoever is on call.", ()),
    ],
)
def test_the_platform_of_a_document(title: str, text: str, name: tuple[str, ...]) -> None:
    """Its title tells; where that says nothing, the platform of a neighbour that it speaks of."""
    books = (document(f"# {title}\n\n{text}\n"), document("# EAFIX operations\n"))
    assert platform(books[0], books) == name


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        (contradicting_response, [("000", 84), ("000", 103), ("000", 109), ("000", 115)]),
        (contradicting_updates, [("001", 229), ("001", 230), ("001", 231)]),
        (contradicting_escalation, [("000", 198), ("000", 199)]),
        (contradicting_recovery, [("002", 468)]), (contradicting_severity, [("002", 653), ("002", 653)]), (unreachable_target, [("002", 465)]),
        (contradicting_schedule, [("001", 304), ("004", 432)]),
    ],
)  # fmt: skip
def test_the_five_documents(rule: Rule, places: list[tuple[str, int]]) -> None:
    """All that the inventory lists as contradicting, and nothing across platforms."""
    assert shared(rule) == places
