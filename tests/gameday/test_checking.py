"""`gameday runbook check`: what is chosen, exit codes, outputs, baselines. What is carried out is made up; tests/drills has the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner

from gameday.checking import CarryOut, CheckWishes, run_check
from gameday.cli import cli
from harness.history import History
from harness.runbooks.cases import Case
from harness.runbooks.check import Checked
from harness.runbooks.many import Interrupted, Pool
from reports.findings_json import SCHEMA_FILE
from scenarios.errors import InvalidInput
from tests.harness.runbooks.made_up import Made

BOOK = """# EAFIX

## Look

```bash
kubectl get podz
date
docker restart <name>
```

## Stop

```bash
kubectl delete pod x
```
"""


def carried_out(*, exit_code: int = 1, problem: str = "") -> tuple[CarryOut, list[Case]]:
    """Every first command ends with this code; all others with 0. And the cases that were asked for."""
    asked: list[Case] = []

    def carry_out(cases: Sequence[Case], _pool: Pool, tell: Callable[[Checked], None]) -> list[Checked]:
        asked.extend(cases)
        done = []
        for case in cases:
            made = Made(case).begins()
            for unit in case.plan.runs:
                made.ran(unit.number, exit_code if unit.number == 1 else 0, "error: no resource type")
            checked = Checked(case, History.of([] if problem else made.ends().events), problem, "last words")
            tell(checked)
            done.append(checked)
        return done

    return carry_out, asked


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "night.md"
    path.write_text(BOOK)
    return path


def written(book: Path, wishes: CheckWishes, carry_out: CarryOut) -> tuple[int, str]:
    """The exit code, and what was written."""
    out = book.with_suffix(".out")
    code = run_check([book], replace(wishes, output=out), carry_out)
    return code, out.read_text()


def test_findings_end_with_1_and_the_coverage_says_what_was_run(book: Path) -> None:
    """Each at its place with its evidence; what was not run with its reason."""
    code, text = written(book, CheckWishes(), carried_out()[0])
    assert code == 1
    assert "night.md:6:1 error command-failed" in text
    assert "error: no resource type" in text
    assert "night.md:8 needs a binding docker restart <name>  # <name> must be given a value" in text
    assert "3 of 4 commands were executed (75.0%); 1 needs a binding" in text


def test_no_finding_ends_with_0(book: Path) -> None:
    """Nothing was wrong."""
    assert written(book, CheckWishes(), carried_out(exit_code=0)[0])[0] == 0


def test_a_check_that_broke_ends_with_3_and_its_last_words(book: Path) -> None:
    """It is no pass; its commands count as unknown."""
    code, text = written(book, CheckWishes(), carried_out(problem="the sandbox ended")[0])
    assert code == 3
    assert "UNKNOWN" in text
    assert "look: the sandbox ended" in text
    assert "last words" in text
    assert "0 of 4 commands were executed (0.0%)" in text


def test_some_procedures_only(book: Path) -> None:
    """By anchor, by pattern; one that fits nothing is an error."""
    carry_out, asked = carried_out(exit_code=0)
    assert run_check([book], CheckWishes(procedures=("st*",)), carry_out) == 0
    assert [each.procedure.section.anchor for each in asked] == ["stop"]
    with pytest.raises(InvalidInput, match="no procedure fits nowhere"):
        run_check([book], CheckWishes(procedures=("nowhere",)), carry_out)


def test_json_keeps_its_contract(book: Path) -> None:
    """Findings, coverage command by command, what is broken."""
    data: dict[str, Any] = {}
    for problem, broken in (("", 0), ("the sandbox ended", 2)):
        _, text = written(book, CheckWishes(form="json"), carried_out(problem=problem)[0])
        data = json.loads(text)
        jsonschema.validate(data, json.loads(SCHEMA_FILE.read_text()))
        assert len(data["broken"]) == broken
        assert len(data["coverage"]["of"]) == 4
    assert {row["status"] for row in data["coverage"]["of"]} == {"unknown", "needs a binding"}


def test_sarif_junit_and_markdown(book: Path) -> None:
    """Each knows the rules of executing; what is broken is an error there."""
    _, sarif = written(book, CheckWishes(form="sarif"), carried_out()[0])
    run = json.loads(sarif)["runs"][0]
    assert "command-failed" in {each["id"] for each in run["tool"]["driver"]["rules"]}
    assert {each["ruleId"] for each in run["results"]} == {"command-failed"}
    _, junit = written(book, CheckWishes(form="junit"), carried_out(problem="the sandbox ended")[0])
    root = ET.fromstring(junit)
    assert (root.get("name"), root.get("errors"), len(root.findall(".//error"))) == ("gameday runbook check", "2", 2)
    _, markdown = written(book, CheckWishes(form="markdown"), carried_out(problem="the sandbox ended")[0])
    assert "## Not judged" in markdown
    assert "## Not executed" in markdown


def test_a_baseline_lets_only_new_findings_fail(book: Path, tmp_path: Path) -> None:
    """As for lint."""
    known = tmp_path / "known.json"
    assert run_check([book], CheckWishes(baseline=known, update_baseline=True), carried_out()[0]) == 0
    assert run_check([book], CheckWishes(baseline=known), carried_out()[0]) == 0
    book.write_text(BOOK.replace("kubectl delete pod x", "kubectl delete pod y"))
    assert run_check([book], CheckWishes(baseline=known), carried_out()[0]) == 1


def test_a_baseline_is_not_updated_from_some_procedures_only(book: Path, tmp_path: Path) -> None:
    """It would forget the findings of all others. Nothing is carried out, and nothing written."""
    known = tmp_path / "known.json"
    with pytest.raises(InvalidInput, match="would forget what is known of the others"):
        run_check([book], CheckWishes(baseline=known, update_baseline=True, procedures=("*",)), carried_out()[0])
    assert not known.exists()


def test_rules_are_selected_and_ignored(book: Path) -> None:
    """Those of reading only with --with-lint."""
    assert run_check([book], CheckWishes(ignore=("command-failed",)), carried_out()[0]) == 0
    assert run_check([book], CheckWishes(select=("command-hangs",)), carried_out()[0]) == 0
    with pytest.raises(InvalidInput, match=r"undefined-variable is found by reading: add --with-lint|there is no rule"):
        run_check([book], CheckWishes(select=("undefined-variable",)), carried_out()[0])
    _, text = written(book, CheckWishes(with_lint=True, severity="info"), carried_out()[0])
    assert "unbound-placeholder" in text


def test_a_comment_silences_a_finding(book: Path) -> None:
    """And where nothing is found any more, that is only told by whoever looked."""
    silenced = BOOK.replace("```bash\nkubectl get", "<!-- gameday: ignore command-failed we know -->\n```bash\nkubectl get")
    book.write_text(silenced.replace("kubectl delete pod x", "date"))
    code, text = written(book, CheckWishes(), carried_out()[0])
    assert "night.md:7" not in text
    assert code == 1  # the other procedure
    linted = CliRunner().invoke(cli, ["runbook", "lint", "--select", "ignore-unused", str(book)])
    assert (linted.exit_code, "no finding" in linted.output) == (0, True)


def test_histories_are_kept_on_demand(book: Path, tmp_path: Path) -> None:
    """One file for each procedure."""
    run_check([book], CheckWishes(keep=tmp_path / "kept"), carried_out()[0])
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["night-look.jsonl", "night-stop.jsonl"]


def test_a_signal_ends_it_with_its_own_code(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is judged."""

    def interrupted(_cases: Sequence[Case], _pool: Pool, _tell: Callable[[Checked], None]) -> list[Checked]:
        raise Interrupted(15)

    assert run_check([book], CheckWishes(), interrupted) == 143
    assert "stopped by SIGTERM" in capsys.readouterr().err


def test_bad_bindings_end_with_2(book: Path, tmp_path: Path) -> None:
    """Before anything is carried out."""
    wrong = tmp_path / "b.yaml"
    wrong.write_text('procedures:\n  - {match: "*", incident: redis-outag}\n')
    result = CliRunner().invoke(cli, ["runbook", "check", str(book), "--bindings", str(wrong)])
    assert isinstance(result.exception, InvalidInput)
    assert "did you mean 'redis-outage'" in str(result.exception)
