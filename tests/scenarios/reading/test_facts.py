from __future__ import annotations

import pytest

from scenarios.reading import reach
from scenarios.reading.facts import read_date
from scenarios.reading.syntax import parse_script
from tests.scenarios.reading.books import book, procedure


def test_terms_have_values_and_figures() -> None:
    """Bold words before a colon; a label has no value."""
    found = book(
        "# A\n\n**RTO**: 4 hours\n\n- **Trigger:** `x > 3 in 5 minutes`\n\n**Steps:**\n\n*Owner: ops*\n\nA **bold** word.\n"
    ).terms
    assert [(each.term, each.value, each.line, each.column) for each in found] == [
        ("RTO", "4 hours", 3, 3), ("Trigger", "`x > 3 in 5 minutes`", 5, 5), ("Steps", "", 7, 3), ("Owner", "ops", 9, 2),
    ]  # fmt: skip
    assert [each.value for each in found[1].figures] == [3.0, 300.0]


@pytest.mark.parametrize(
    ("text", "on", "precision"),
    [
        ("2026-01-18", "2026-01-18", "day"), ("December 2024", "2024-12-31", "month"), ("February 2024", "2024-02-29", "month"), ("3 May 2025", "2025-05-03", "day"),
        ("May 3, 2025", "2025-05-03", "day"), ("2025-06", "2025-06-30", "month"), ("$(date)", "None", ""), ("2025-13-01", "None", ""), ("soon", "None", ""),
    ],
)  # fmt: skip
def test_dates_are_read(text: str, on: str, precision: str) -> None:
    """Of a month, its last day; what is no date is none."""
    found, how = read_date(text)
    assert (str(found), how) == (on, precision)


def test_people_are_found_and_links_are_no_channels() -> None:
    """Addresses, numbers, channels, handles, schedules."""
    text = "# A\n\nops@x.com, +1-555-SEC-TEAM, #eafix-ops, @cto (Slack), PD-TRADING-PRIMARY, [x](#not-one), user@host, [ops](https://x/#no-no)\n"
    assert [(each.kind, each.text) for each in book(text).contacts] == [
        ("email", "ops@x.com"), ("phone", "+1-555-SEC-TEAM"), ("channel", "#eafix-ops"), ("handle", "@cto"), ("schedule", "PD-TRADING-PRIMARY"),
    ]  # fmt: skip


def test_links_have_targets_and_places() -> None:
    """Links, bare addresses and files named in code; nothing of blocks and code."""
    text = "# A\n\n[**a**](b.md#c) and <https://x/y> or https://z/w, see `d.md`; `[no](e)` [https://qq](f)\n\n```text\nhttps://no\n```\n"
    found = book(text).links
    assert [(each.kind, each.target, each.line, each.column) for each in found] == [
        ("link", "b.md#c", 3, 1), ("link", "https://x/y", 3, 21), ("address", "https://z/w", 3, 38), ("mention", "d.md", 3, 56), ("link", "f", 3, 73),
    ]  # fmt: skip
    assert (found[0].text, found[0].file, found[0].fragment, found[1].is_external) == ("a", "b.md", "c", True)


def test_alert_rules_of_both_kinds_are_read() -> None:
    """Prometheus' own and lists in other words, with lines; what is no YAML is told."""
    text = """\
        # A

        ```yaml
        groups:
          - name: g
            rules:
              - alert: Down
                expr: up == 0
                for: 1m
                labels: {severity: critical}
                annotations: {runbook_url: x}
        ```

        ```yaml
        alerts:
          - name: slow
            condition: a > 1
            action: page
        ```

        ```yaml
        a: 1
        b: ]
        ```
        """
    found = book(text)
    down, slow = found.alerts
    assert (down.name.text, down.expr.line, down.expr.column, down.prometheus) == ("Down", 8, 15, True)
    assert [each.text if each else None for each in (down.holds, down.severity, slow.holds, slow.severity)] == [
        "1m",
        "critical",
        None,
        None,
    ]
    assert (down.annotations["runbook_url"].text, slow.annotations["action"].text, slow.prometheus) == ("x", "page", False)
    assert [(each.kind, each.line) for each in found.notes] == [("yaml", 23)]


def test_steps_come_from_comments_items_headings_and_blocks() -> None:
    """With the prose that belongs to them, and those for people."""
    numbered = procedure("```bash\n# first of all\n\na\n# 1. One\nb\n# 2. Two\n# - call them\n\n# 3) Three\nc\n```\n")
    assert [(each.source, each.number, each.title, [one.text for one in each.commands], each.is_manual) for each in numbered.steps] == [
        ("fence", None, "Mend it", ["a"], False), ("comment", 1, "One", ["b"], False), ("comment", 2, "Two", [], True), ("comment", 3, "Three", ["c"], False),
    ]  # fmt: skip
    assert [each.text for each in numbered.steps[2].prose] == ["- call them"]
    assert [(each.source, each.title) for each in procedure("1. Prepare\n   ```bash\n   a\n   ```\n").steps] == [
        ("item", "Prepare")
    ]
    assert [(each.source, each.title) for each in procedure("```bash\na\n```", "Step 2: Wait").steps] == [
        ("heading", "Step 2: Wait")
    ]
    assert [(each.source, each.title) for each in procedure("**Diagnosis:**\n```bash\na\n```").steps] == [("fence", "Diagnosis")]


def test_steps_of_our_own_have_attributes() -> None:
    """As the drill reads them; those that cannot be read are a note, not an error."""
    (step,) = procedure('```bash name="look" budget=5s\na\nb\n```').steps
    assert (step.title, step.attributes.budget_s if step.attributes else 0, len(step.commands)) == ("look", 5.0, 2)
    found = book('# A\n\n```bash name="x" budget=soon\na\n```\n')
    assert [(each.kind, each.line) for each in found.notes] == [("attributes", 3)]


def test_a_section_for_people_alone_is_manual() -> None:
    """It has steps, and nothing that a shell could be given."""
    found = book("# A\n\n```bash\n# 1. Call them\n# 2. Wait [HOW LONG]\n```\n")
    assert (len(found.procedures), [len(each.steps) for each in found.manual]) == (0, [2])
    assert [(each.name, each.line, each.where) for each in found.placeholders] == [("HOW LONG", 5, "comment")]


@pytest.mark.parametrize(
    ("text", "program", "values", "through", "place", "target"),
    [
        ("psql -c x", "psql", ["-c", "x"], (), "here", ""),
        ("sudo -u postgres psql x", "psql", ["x"], ("sudo",), "here", ""),
        ("env A=b timeout -k 5 10 watch -n 1 top", "top", [], ("env", "timeout", "watch"), "here", ""),
        ("kubectl exec -it -n prod pod/db-0 -- sh -c y", "sh", ["-c", "y"], ("kubectl exec",), "pod", "pod/db-0"),
        ("docker exec -it -e A=b c1 redis-cli ping", "redis-cli", ["ping"], ("docker exec",), "container", "c1"),
        ("docker compose -f x.yml exec -T db psql", "psql", [], ("docker compose exec",), "container", "db"),
        ("ssh -p 22 me@db1 sudo reboot", "reboot", [], ("ssh", "sudo"), "host", "me@db1"),
        ("ssh db1", "", [], ("ssh",), "host", "db1"),
        ("docker compose ps", "docker", ["compose", "ps"], (), "here", ""),
        ("xargs -n 1 rm -f", "rm", ["-f"], ("xargs",), "here", ""),
    ],
)
def test_what_is_run_in_the_end_is_known(
    text: str, program: str, values: list[str], through: tuple[str, ...], place: str, target: str
) -> None:
    """Through everything that only carries another command."""
    found = reach(parse_script(text).commands[0])
    assert (found.program, list(found.values), found.through, found.place, found.target) == (
        program,
        values,
        through,
        place,
        target,
    )
