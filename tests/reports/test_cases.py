"""What a drill is made of for a CI: which case fails, which is an error, which was not run, and what is told of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.history import History
from harness.verdict import Verdict
from reports.cases import Case, cases_of, planned_cases
from reports.rehearsal import Rehearsal
from scenarios.model import Invariant
from tests.gameday.drilled import FAIL, MISSED, UNKNOWN, history_of, judgements_of, kept, load, rehearsed, result_of


def of(rehearsal: Rehearsal) -> dict[str, Case]:
    return {each.planned.title: each for each in cases_of(rehearsal)}


def states(rehearsal: Rehearsal) -> Counter[str]:
    return Counter(each.state for each in cases_of(rehearsal))


def test_a_scenario_tells_its_cases_before_its_drill() -> None:
    """The drill, each target where the file names it, each invariant, each step where its runbook has it."""
    loaded = load()
    planned = planned_cases(loaded)
    counts = {
        "drill": 1,
        "target": len(loaded.targets),
        "invariant": len(get_args(Invariant)),
        "step": len(loaded.procedure.steps),
    }
    assert [each.kind for each in planned] == list(Counter(counts).elements())
    target, step = planned[1], planned[-1]
    assert target.name in loaded.path.read_text(encoding="utf-8").splitlines()[target.line - 1]
    assert step.path.name == "incident-response.md"
    assert step.line == loaded.procedure.steps[-1].line


def test_a_passed_drill_has_passed_cases_only(tmp_path: Path) -> None:
    """None skipped either."""
    assert set(states(rehearsed(tmp_path))) == {"passed"}


def test_a_missed_target_tells_measure_target_source_and_moment(tmp_path: Path) -> None:
    """With the line of the history where it can be seen."""
    rehearsal = rehearsed(tmp_path, service_failure_rto=MISSED)
    case = of(rehearsal)["target: service-failure-rto"]
    target = rehearsal.loaded.targets["service-failure-rto"]
    assert (case.state, case.message) == ("failed", "time to recover (RTO) 6 min 2 s, target 5 min")
    lines = dict(line.split(maxsplit=1) for line in case.detail.splitlines())
    assert lines["measure"] == "time to recover (RTO): 6 min 2 s"
    assert lines["target"] == "service-failure-rto: 5 min"
    assert lines["source"] == " ".join(target.source.split())
    assert lines["again"] == "gameday run redis-outage --seed 42 --speed 20"
    place, _, number = lines["moment"].rstrip(")").rpartition(":")
    assert "recovery.proven observer" in place
    assert rehearsal.folder is not None
    assert '"recovery.proven"' in (rehearsal.folder / "history.jsonl").read_text().splitlines()[int(number) - 1]


@pytest.mark.parametrize(
    ("target", "event"),
    [
        ("acknowledge-p0", "1:48 page.acknowledged service_down, 1 min 18 s after the fault"),
        ("service-failure-lost-writes", "3:20 readback.orders postgres"),
        ("positions-equal-executions", "3:21 check.finished positions-equal-executions"),
    ],
)
def test_each_verdict_has_its_own_moment(tmp_path: Path, target: str, event: str) -> None:
    """Not just the end of the drill."""
    changed: dict[str, Any] = {target.replace("-", "_"): MISSED}
    found = of(rehearsed(tmp_path, **changed))
    kind = "target" if target in load().targets else "invariant"
    assert event in found[f"{kind}: {target}"].detail


def test_what_could_not_be_judged_is_an_error_and_no_pass(tmp_path: Path) -> None:
    """With its reason."""
    case = of(rehearsed(tmp_path, service_failure_rpo={"verdict": UNKNOWN, "measured": None, "why": "nothing was read back"}))
    assert case["target: service-failure-rpo"].state == "error"
    assert case["target: service-failure-rpo"].message == "recovery point (RPO) could not be judged: nothing was read back"
    assert case["drill: carried out"].state == "passed"


def test_a_step_that_stops_the_procedure_fails_and_those_after_it_are_not_run(tmp_path: Path) -> None:
    """What its command said is told."""
    rehearsal = rehearsed(tmp_path, stopped_at=3)
    steps = [each for each in cases_of(rehearsal) if each.planned.kind == "step"]
    assert [each.state for each in steps] == ["passed", "passed", "failed", *["skipped"] * (len(steps) - 3)]
    assert "said 3" in steps[2].detail
    assert "exit code 1, expected 0" in steps[2].message
    assert steps[3].message == "not reached: step 3 was not as expected"


def test_a_step_that_may_fail_passes_and_says_so(tmp_path: Path) -> None:
    """Its runbook goes on after it, and so does the drill."""
    loaded = load("database-corruption-off-site")
    number = next(n for n, step in enumerate(loaded.procedure.steps, 1) if step.on_failure == "continue")
    steps = [each for each in cases_of(rehearsed(tmp_path, loaded.name, stopped_at=number)) if each.planned.kind == "step"]
    assert {each.state for each in steps} == {"passed"}
    assert steps[number - 1].message.startswith("not as expected, and the runbook goes on")


def test_a_harness_that_broke_is_one_error(tmp_path: Path) -> None:
    """Before the history began, and in the middle of it; what it left unjudged was not run."""
    before = Rehearsal(load(), error="redis-server was not found.")
    assert states(before)["error"] == 1
    assert states(before)["passed"] == states(before)["failed"] == 0
    assert of(before)["drill: carried out"].message == "the harness broke: redis-server was not found."
    middle = rehearsed(
        tmp_path, status="errored", service_failure_rto={"verdict": UNKNOWN, "measured": None, "why": "not measured"}
    )
    assert of(middle)["drill: carried out"].message == "the harness broke: postgres-primary not ready after 30 s"
    assert of(middle)["target: service-failure-rto"].state == "skipped"
    assert states(middle)["error"] == 1


def test_a_drill_that_never_began_is_skipped() -> None:
    """As after a signal."""
    assert set(states(Rehearsal(load()))) == {"skipped"}


def test_an_unjudged_drill_is_an_error_though_every_verdict_passed(tmp_path: Path) -> None:
    """A fault that could not be healed, say: the verdicts prove nothing."""
    loaded = load()
    history = history_of(loaded)
    story = [*history.events]
    failed = story[3].__class__(204.0, 10.2, "fault.failed", "redis-unreachable", {"verb": "heal", "error": "no answer"})
    history = History.of([*story, failed])
    result = result_of(loaded, history, judgements_of(loaded)).__class__(
        **{**vars(result_of(loaded, history, judgements_of(loaded))), "verdict": UNKNOWN, "exit_code": 3}
    )
    found = cases_of(Rehearsal(loaded, kept(tmp_path / "drill", history), result))
    assert (found[0].state, found[0].message) == ("error", "could not be judged: redis-unreachable: heal failed: no answer")


@pytest.mark.parametrize(
    "how",
    [
        {"service_failure_rto": MISSED}, {"duplicates": {"verdict": FAIL}}, {"status": "errored"}, {"status": "aborted"},
        {"no_stale_order": {"verdict": UNKNOWN}}, {"acknowledge_p0": {"verdict": UNKNOWN, "measured": None}},
    ],
)  # fmt: skip
def test_no_drill_that_is_no_pass_has_good_cases_only(tmp_path: Path, how: dict[str, Any]) -> None:
    """Whatever it was, a CI is told of it."""
    rehearsal = rehearsed(tmp_path, **how)
    assert rehearsal.result is not None
    assert rehearsal.result.verdict is not Verdict.PASS
    assert any(each.bad for each in cases_of(rehearsal))


def test_an_invariant_of_other_scenarios_is_not_run(tmp_path: Path) -> None:
    """It is neither an error nor a pass."""
    loaded = load()
    history = history_of(loaded)
    judged = [each for each in judgements_of(loaded) if each.name != "duplicates"]
    found = of(Rehearsal(loaded, kept(tmp_path / "drill", history), result_of(loaded, history, judged)))
    assert {name: each.state for name, each in found.items() if each.state != "passed"} == {"invariant: duplicates": "skipped"}


def test_a_verdict_that_nobody_planned_is_a_case_too(tmp_path: Path) -> None:
    """Such as the one that stands for data that were not read back: the invariants are errors then."""
    loaded = load()
    history = history_of(loaded)
    judged = [each for each in judgements_of(loaded) if each.kind == "target"]
    judged.append(judgements_of(loaded)[-1].__class__("data-read-back", "invariant", UNKNOWN, why="the data were not read back"))
    found = of(Rehearsal(loaded, kept(tmp_path / "drill", history), result_of(loaded, history, judged)))
    assert found["invariant: data-read-back"].state == "error"
    assert found["invariant: duplicates"].state == "error"
