"""The five documents that gameday was made for: what an expert finds in them is found, and our own runbooks are clean."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scenarios.lint import Context, Report, all_rules, lint, lint_runbooks
from scenarios.places import STACKS
from scenarios.reading import parse_runbook
from scenarios.stacks import load_stack
from tests.scenarios.lint.judging import TODAY
from tests.scenarios.lint.test_examples import THEMES

RUNBOOKS = Path(__file__).resolve().parents[4] / "shared" / "runbooks"
EXPECTED = [
    ("000", 77, "default-credentials"), ("000", 153, "psql-without-target"), ("000", 159, "compose-file-missing"),
    ("001", 127, "url-cut"), ("001", 192, "restart-keeps-environment"), ("001", 200, "only-rehearsed"),
    ("001", 323, "computed-port"), ("001", 323, "pipe-hides-failure"),
    ("002", 47, "clock-name-twice"), ("002", 73, "wait-before-exists"), ("002", 113, "traffic-before-ready"), ("002", 453, "made-again"),
    ("002", 476, "promotion-on-one-probe"), ("002", 480, "promotion-without-fencing"), ("002", 484, "failover-leaves-clients"),
    ("002", 500, "promotion-without-fencing"), ("002", 667, "evidence-in-tmp"),
    ("003", 115, "statefulset-ordinal"), ("003", 133, "flush-all"), ("003", 164, "sessions-killed-broadly"), ("003", 171, "comment-disagrees"),
    ("003", 200, "helm-values-dropped"), ("003", 193, "tty-in-output"), ("003", 242, "secret-on-command-line"), ("003", 326, "scale-under-hpa"),
    ("003", 426, "backup-from-elsewhere"), ("003", 432, "restore-over-live"), ("003", 446, "psql-goes-on"),
    ("004", 210, "check-stops-early"), ("004", 354, "restored-unused"), ("004", 365, "data-overwritten"), ("004", 375, "cd-unchecked"),
    ("004", 378, "volumes-removed"),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged() -> Report:
    if not RUNBOOKS.is_dir():
        pytest.skip("the five documents are not beside this checkout")
    return lint([RUNBOOKS], Context(today=TODAY), [each for each in all_rules() if each.theme in THEMES])


@pytest.mark.parametrize(("document", "line", "rule"), EXPECTED)
def test_what_an_expert_finds_is_found(judged: Report, document: str, line: int, rule: str) -> None:
    """Each of these was read and judged by hand."""
    assert (document, line, rule) in {(each.file.name[:3], each.line, each.rule) for each in judged.findings}


def test_no_rule_breaks_down(judged: Report) -> None:
    """Over documents byte for byte as they are."""
    assert "rule-crashed" not in judged.by_rule


@pytest.mark.parametrize("seed", range(4))
def test_no_rule_breaks_down_over_damaged_documents(seed: int) -> None:
    """Lines lost, doubled and cut short: whatever is left is judged, and no rule gives up."""
    draw = random.Random(seed)
    quick = [each for each in all_rules() if each.theme in THEMES and each.theme != "shellcheck"]
    for path in sorted(RUNBOOKS.glob("*.txt")):
        lines = path.read_bytes().decode(errors="surrogateescape").split("\n")
        damaged = [
            line[: draw.randint(0, len(line))] if draw.random() < 0.1 else line
            for line in lines
            for _ in range(draw.choice([0, 1, 1, 1, 1, 2]))
        ]
        book = parse_runbook("\n".join(damaged).encode(errors="surrogateescape"), path)
        assert "rule-crashed" not in lint_runbooks([book], Context(today=TODAY), quick).by_rule


def test_bash_can_read_every_block(judged: Report) -> None:
    """What bash refuses in them is placeholders only, and those are filled in first."""
    assert "shell-syntax" not in judged.by_rule


@pytest.mark.parametrize("stack", ["eafix", None])
def test_our_own_runbooks_have_no_finding(stack: str | None) -> None:
    """By no rule at all, whether the stack is given or not; the procedure that is kept as documented says so at each line that is wrong."""
    rules = [each for each in all_rules() if stack or each.theme != "shellcheck"]  # which asks no stack, and takes its time
    own = lint([STACKS.parent / "runbooks"], Context(today=TODAY, stack=load_stack(stack) if stack else None), rules)
    assert [each for each in own.findings if each.severity != "info"] == []
