"""The five documents in `../shared/runbooks`, byte for byte as they are. Every figure here was held against the document by reading it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache

import pytest

from scenarios.reading import Class, Runbook, find_runbooks, read_runbook
from scenarios.reading.placeholders import mask
from scenarios.reading.syntax import parse_script
from tests.scenarios.reading.books import RUNBOOKS

INDEX, INCIDENTS, EAFIX, ENGINE, AI = "000", "001", "002", "003", "004"
ALL = (INDEX, INCIDENTS, EAFIX, ENGINE, AI)


@cache
def books() -> dict[str, Runbook]:
    return {path.name[:3]: read_runbook(path) for path in find_runbooks([RUNBOOKS])}


def test_all_five_are_found() -> None:
    """In the order of their names."""
    assert tuple(books()) == ALL


@pytest.mark.parametrize(
    ("number", "sections", "procedures", "manual", "steps", "commands", "tables", "alerts"),
    [
        (INDEX, 37, 5, 0, 5, 21, 0, 0),
        (INCIDENTS, 36, 8, 1, 24, 39, 0, 0),
        (EAFIX, 67, 28, 0, 114, 148, 4, 11),
        (ENGINE, 34, 16, 0, 45, 77, 2, 0),
        (AI, 36, 20, 2, 24, 91, 3, 0),
    ],
)
def test_counts(
    number: str, sections: int, procedures: int, manual: int, steps: int, commands: int, tables: int, alerts: int
) -> None:
    """Sections, procedures, steps, commands, tables and alert rules of each."""
    book = books()[number]
    assert (len(book.sections), len(book.procedures), len(book.manual)) == (sections, procedures, manual)
    assert (sum(len(each.steps) for each in book.procedures), len(book.commands)) == (steps, commands)
    assert (len(book.tables), len(book.alerts)) == (tables, alerts)


# Lines of shell blocks that begin no command, though they are neither empty nor comments nor continue a line: bodies of compound
# commands, lines of a text, SQL typed into psql. By document, read off the page.
INNER = {
    INCIDENTS: {322, 323, 324},
    EAFIX: {451, 453, 454, 455, 456, 457, 458, 477, 480, 484, 488, 491, 492, 493, *range(813, 822)},
    AI: {179, 180, 182, 183},
}


@pytest.mark.parametrize("number", ALL)
def test_every_line_of_shell_is_a_command_or_part_of_one(number: str) -> None:
    """Counted without the parser: lines between fences that are no comment, no continuation and not listed above."""
    naive, inside, continued = [], False, False
    for at, line in enumerate(books()[number].source.lines, 1):
        if line.strip().startswith("```"):
            inside, continued = line.strip() == "```bash" and not inside, False
        elif inside and line.strip() and not line.strip().startswith("#") and not continued:
            naive.append(at)
        continued = inside and line.endswith("\\")
    assert [each.line for each in books()[number].commands] == [at for at in naive if at not in INNER.get(number, set())]


@pytest.mark.parametrize("number", ALL)
def test_every_command_stands_where_it_says(number: str) -> None:
    """Each line of its text at its line and column of the file."""
    book = books()[number]
    for command in book.commands:
        for row, said in enumerate(command.text.split("\n")):
            assert book.source.line(command.line + row)[command.columns[row] - 1 :] == said


@pytest.mark.parametrize("number", ALL)
def test_every_command_parses_that_bash_accepts(number: str) -> None:
    """Of the 376 only prose and addresses are no bash; placeholders in angle brackets are read as the words they stand for."""
    for command in books()[number].commands:
        if command.script is not None:
            assert command.script.errors == (), command.text
            accepted = subprocess.run(
                ["bash", "-n"], input=mask(command.job or command.text), text=True, check=False, capture_output=True
            )
            assert accepted.returncode == 0, command.text


@pytest.mark.parametrize("number", ALL)
def test_every_block_that_bash_accepts_is_parsed_whole(number: str) -> None:
    """All shell blocks of the documents, against `bash -n`."""
    for fence in books()[number].fences:
        if fence.is_shell:
            run = subprocess.run(["bash", "-n"], input=fence.text + "\n", text=True, check=False, capture_output=True)
            if run.returncode == 0:
                assert parse_script(fence.text).errors == (), fence.line


def test_at_least_nine_in_ten_can_be_executed() -> None:
    """And the nine that cannot are these."""
    found = [(number, command.line, result) for number in ALL for command, result in books()[number].classified()]
    kinds = Counter(result.kind for _, _, result in found)
    assert kinds == {Class.EXECUTABLE: 322, Class.NEEDS_BINDING: 45, Class.NOT_EXECUTABLE: 9}
    cannot = [(number, line) for number, line, result in found if result.kind is Class.NOT_EXECUTABLE]
    assert cannot == [(EAFIX, 285), (EAFIX, 618), (ENGINE, 27), *((ENGINE, line) for line in range(30, 36))]


PLACEHOLDERS = {
    INCIDENTS: [
        (34, "service-name"), (95, "service-name"), (98, "service-name"), (113, "container"), (113, "target-container"), (192, "service-name"), (196, "service"),
    ],
    EAFIX: [
        (132, "YYYYMMDD-HHMMSS"), *((line, "eafix-service-name") for line in (267, 270, 273)), (276, "service-name"), (282, "eafix-service-name"),
        (285, "eafix-service-name-config"), (288, "eafix-service-name"), (316, "eafix-slow-service"), (507, "Z123456789"), (664, "INCIDENT_ID"),
        (671, "INCIDENT_ID"), (674, "DESCRIPTION"), (681, "eafix-affected-service"), (684, "COMPROMISED_USER"), (714, "eafix-affected-service"),
        (716, "eafix-affected-service"), (732, "INCIDENT_ID"), (735, "INCIDENT_ID"), (738, "INCIDENT_ID"), (811, "INCIDENT_TYPE"), (813, "INCIDENT_ID"),
        (815, "INCIDENT_TYPE"), (817, "AFFECTED_SYSTEMS"), (818, "STATUS"), (819, "RESPONSE_TEAM"),
    ],
    ENGINE: [(193, "pod-name"), (242, "NEW_SECRET"), (243, "..."), (300, "v1.x.x")],
    AI: [
        (37, "process_name"), *((line, "DATABASE_URL") for line in (51, 54, 57, 58, 129, 132)), (164, "REVISION"),
        *((line, "DATABASE_URL") for line in (177, 214, 267, 268, 271, 274, 277)), (398, "ADD DATE"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("number", ALL)
def test_placeholders(number: str) -> None:
    """Each with its line: those of the inventory, and no other."""
    found = sorted((each.line, each.column, each.name) for each in books()[number].placeholders)
    assert [(line, name) for line, _, name in found] == PLACEHOLDERS.get(number, [])


def test_sql_typed_into_psql_is_no_bash() -> None:
    """004:177 opens psql; the statement stands two lines below."""
    command = next(each for each in books()[AI].commands if each.line == 177)
    assert [(each.line, each.text) for each in command.input] == [
        (180, "SELECT * FROM schema_migrations ORDER BY version DESC LIMIT 5;")
    ]


def test_mojibake_is_told_where_it_stands() -> None:
    """Emoji read as Mac Roman in three of the documents; the ticks of 002 are real."""
    notes = {number: [each.line for each in book.notes if each.kind == "mojibake"] for number, book in books().items()}
    assert {number: len(lines) for number, lines in notes.items()} == {INDEX: 9, INCIDENTS: 11, EAFIX: 0, ENGINE: 0, AI: 22}
    by_hand = {
        number: sum(len(re.findall(r"[^\x00-\x7f]+", line)) for line in book.source.lines)
        for number, book in books().items()
        if number != EAFIX
    }
    assert by_hand == {INDEX: 9, INCIDENTS: 11, ENGINE: 0, AI: 22}
    assert all(each.kind == "mojibake" for book in books().values() for each in book.notes)


def test_recovery_targets() -> None:
    """The table in 002:463, as figures."""
    (table,) = (each for each in books()[EAFIX].tables if each.line == 463)
    targets = [[row.cells[0].text, *(figure.value for cell in row.cells[1:] for figure in cell.figures)] for row in table.rows]
    assert targets == [
        ["Service Failure", 300.0, 0.0], ["Database Corruption", 1800.0, 300.0], ["Data Center Outage", 7200.0, 900.0],
        ["Complete Infrastructure Loss", 28800.0, 3600.0],
    ]  # fmt: skip


def test_alert_rules() -> None:
    """The eleven of 002, with the lines of their names."""
    found = [
        (each.line, each.name.text, each.holds.text if each.holds else "", each.severity.text if each.severity else "")
        for each in books()[EAFIX].alerts
    ]
    assert found == [
        (173, "service_down", "30s", "critical"), (178, "high_error_rate", "2m", "critical"), (183, "trading_system_failure", "1m", "critical"),
        (188, "data_feed_failure", "30s", "critical"), (199, "high_response_time", "5m", "warning"), (204, "high_cpu_usage", "10m", "warning"),
        (209, "disk_space_low", "5m", "warning"), (751, "brute_force_attack", "", ""), (755, "privilege_escalation", "", ""),
        (759, "data_exfiltration", "", ""), (763, "malware_detected", "", ""),
    ]  # fmt: skip
    assert books()[EAFIX].alerts[1].expr.text == 'rate(http_requests_total{status=~"5.."}[5m]) > 0.05'


def test_links_dates_and_tasks() -> None:
    """Twenty linked files and one named in the index; six sections in 002; dates of review; the checklist."""
    links = {number: Counter(each.kind for each in book.links) for number, book in books().items()}
    assert links == {
        INDEX: {"link": 20, "address": 3, "mention": 1},
        INCIDENTS: {},
        EAFIX: {"link": 6},
        ENGINE: {"address": 7},
        AI: {"address": 4},
    }
    reviews = [(number, each.line, each.kind, str(each.on)) for number, book in books().items() for each in book.reviews]
    assert reviews == [
        (INDEX, 225, "updated", "2024-12-31"), (INDEX, 226, "next review", "2025-01-31"), (INCIDENTS, 349, "updated", "2024-12-31"),
        (INCIDENTS, 350, "next review", "2025-01-31"), (AI, 5, "updated", "None"), (AI, 6, "next review", "None"), (AI, 439, "next review", "None"),
    ]  # fmt: skip
    assert [len(books()[number].tasks) for number in ALL] == [0, 0, 7, 0, 0]


def test_severities_and_timings_of_procedures() -> None:
    """From the headings that a procedure lies under."""
    found = {each.section.line: each for number in (INCIDENTS, ENGINE, AI) for each in books()[number].procedures}
    assert [each.text for each in found[68].timings] == ["5-15 minutes"]
    assert [each.level for each in found[97].severities] == ["P1"]
    assert {each.section.line for each in books()[AI].procedures if any(one.level == "P0" for one in each.severities)} == {
        27,
        45,
        64,
        80,
    }
