"""What every procedure owes its reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.lint import Context, Rule
from scenarios.lint.quality import (
    mojibake,
    no_expected_outcome,
    no_rollback,
    no_test_scenario,
    no_timing,
    step_number,
    undecodable,
    unknown_severity,
)
from scenarios.reading import find_runbooks, parse_runbook, read_runbook
from tests.scenarios.lint.judging import TODAY
from tests.scenarios.lint.shelf import found, shared, shell

OWED: list[tuple[Rule, str]] = [
    (no_expected_outcome, "Afterwards the API has 20 replicas."),
    (no_timing, "This takes 5 minutes."),
    (no_rollback, "Rollback: --replicas=3."),
    (no_test_scenario, "Rehearsed by `gameday run load`."),
]
SCALE = shell("kubectl scale deployment api --replicas=20", "Scale up")
OURS = Path(__file__).resolve().parents[3] / "scenarios" / "runbooks"


@pytest.mark.parametrize(("rule", "words"), OWED)
def test_what_a_procedure_leaves_out(rule: Rule, words: str) -> None:
    """One finding a procedure and missing thing, at its heading; a sentence in the section settles it."""
    (finding,) = found(rule, f"# Shop\n\n{SCALE}")
    assert (finding.line, finding.severity) == (3, "info")
    assert "'Scale up'" in finding.message
    assert found(rule, f"# Shop\n\n{SCALE}\n{words}\n") == []


@pytest.mark.parametrize("rule", [no_timing, no_rollback, no_test_scenario])
def test_looking_owes_less(rule: Rule) -> None:
    """Whoever only looks needs no time, no way back and no drill."""
    assert found(rule, shell("kubectl get pods\ncurl http://localhost/health\npsql -c 'SELECT 1'", "Look")) == []


def test_a_restart_has_no_way_back() -> None:
    """It needs a time and a drill, and nothing can undo it."""
    text = shell("kubectl rollout restart deployment/api", "Restart")
    assert found(no_rollback, text) == []
    assert len(found(no_timing, text)) == len(found(no_test_scenario, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# Shop\n\n## Deployment\n\n### Deploy\n\n```bash\nkubectl apply -f x\n```\n\n### Rollback\n\nApply the one before.\n",
        "# Shop\n\n## Validation\n\n```bash\ncurl -X POST http://localhost/test\n```\n",
        "# Shop\n\n## Restore the database\n\n```bash\npg_restore -d x x.dump\n```\n",
        "# Shop\n\n## Rollback\n\n```bash\nkubectl apply -f old\n```\n",
        "# Shop\n\n## Deploy\n\n```bash\n# 1. Deploy\nkubectl apply -f x\n# 2. If issues: roll back\nhelm rollback x\n```\n",
    ],
)
def test_a_way_back_beside_it(text: str) -> None:
    """A section in the same chapter, a last step, or the procedure itself being the way back."""
    assert found(no_rollback, text) == []


def test_steps_under_one_heading_are_one_procedure() -> None:
    """`Step 1` to `Step 3` are told once, at the heading above them."""
    text = "# Shop\n\n## Deploy\n\n" + "".join(
        f"### Step {at}: Apply\n\n```bash\nkubectl apply -f {at}\n```\n\n" for at in (1, 2, 3)
    )
    assert [(each.line, "'Deploy'" in each.message) for each in found(no_rollback, text)] == [(3, True)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("curl -f http://x && echo up || echo down", True), ("kubectl get pods  # Expected: all Running", True), ("kubectl get pods", False),
        ('BODY="text $(date)"', True), ("0 2 * * * /scripts/backup.sh", True),
    ],
)  # fmt: skip
def test_what_tells_its_outcome(body: str, told: bool) -> None:
    """A command that prints whether it went well, an expectation in a comment; templates and crontabs have none to tell."""
    assert (found(no_expected_outcome, shell(body)) == []) == told


def test_numbers_of_steps() -> None:
    """In a block and in headings; a block that goes on where the last one ended is right."""
    assert len(found(step_number, shell("# 1. Stop\na\n# 2. Restore\nb\n# 4. Start\nc"))) == 1
    assert found(step_number, shell("# 1. Stop\na\n# 2. Restore\nb")) == []
    assert found(step_number, shell("# 3. Go on\na\n# 4. End\nb")) == []
    (finding,) = found(step_number, "# Shop\n\n## Step 1: a\n\n## Step 3: b\n")
    assert finding.message == "Step 3 comes after Step 1"


def test_severities() -> None:
    """P4 where there are P0 to P1, and a word that is none; a platform that defines none is left alone."""
    text = "# Shop\n\n## P0 - Critical\n\n## P1 - High\n\n"
    assert [each.line for each in found(unknown_severity, text + "A P4 can wait.\n\nA P1 cannot.\n")] == [7]
    assert len(found(unknown_severity, text + shell("eafix-cli incident create --severity=urgent"))) == 1
    assert found(unknown_severity, text + shell("eafix-cli incident create --severity=high")) == []
    assert found(unknown_severity, text + "```markdown\n**Severity:** P4\n```\n") == []
    assert found(unknown_severity, "# Shop\n\nA P4 can wait.\n") == []


def test_signs_in_the_wrong_encoding() -> None:
    """One finding a document, which relates all other places."""
    sign = "🚨".encode().decode("mac_roman")
    (finding,) = found(mojibake, f"# Shop\n\n{sign} one\n\n{sign} two\n")
    assert (finding.line, [each.line for each in finding.related]) == (3, [5])
    assert found(mojibake, "# Shop\n\n🚨 one\n") == []


def test_bytes_that_are_no_text() -> None:
    """Each is told."""
    book = parse_runbook(b"# Shop\n\nCaf\xe9\n", Path("a.md"))
    assert [each.line for each in undecodable(Context(today=TODAY), book)] == [3]


@pytest.mark.parametrize("rule", [rule for rule, _ in OWED])
def test_our_own_runbooks_owe_nothing(rule: Rule) -> None:
    """Each of our procedures tells its outcome, time, way back and rehearsal."""
    books = tuple(read_runbook(path) for path in find_runbooks([OURS]))
    assert list(rule.among(Context(today=TODAY, runbooks=books), books)) == []


def test_the_five_documents() -> None:
    """Three were saved in the wrong encoding; steps and severities are in order; hardly a procedure tells its outcome or a rehearsal."""
    assert shared(mojibake) == [("000", 5), ("001", 7), ("004", 8)]
    assert shared(undecodable) == shared(step_number) == shared(unknown_severity) == []
    assert ("002", 472) in shared(no_expected_outcome)
    assert ("002", 552) not in shared(no_timing)
    assert ("003", 320) in shared(no_rollback)
    assert ("003", 422) in shared(no_test_scenario)
