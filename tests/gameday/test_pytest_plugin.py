"""The pytest plugin: what it collects, what its tests come to, how it spreads them; with a harness that is made up."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest

import gameday.pytest_runbook  # pytester forgets what is imported within; these stay
import gameday.pytest_workers
from gameday.pytest_collect import Collecting
from gameday.pytest_runbook import RunbookFile
from harness.errors import HarnessError
from harness.runbooks.judge import Judged
from scenarios.lint.executed import command_failed
from scenarios.lint.report import Broken, Carried
from scenarios.model import Invariant
from scenarios.places import CATALOGUE
from tests.gameday.drilled import MISSED, UNKNOWN, load, nothing_drawn, runner

pytest_plugins = ["pytester"]
__all__ = ["nothing_drawn"]
pytestmark = pytest.mark.usefixtures("nothing_drawn")
PROJECT = Path(__file__).resolve().parents[2]
TESTS_OF_IT = 1 + len(load().targets) + len(get_args(Invariant)) + len(load().procedure.steps)
BOOK = """# EAFIX

## Look

1. See that it is up

```bash
curl -s http://localhost:8080/health
```

2. See the pods

```bash
kubectl get podz
```
"""


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """A catalogue of one scenario."""
    (pytester.path / "catalogue").mkdir()
    (pytester.path / "catalogue" / "redis-outage.yaml").write_text((CATALOGUE / "redis-outage.yaml").read_text())
    return pytester.path


def carried_out_by(monkeypatch: pytest.MonkeyPatch, **how: Any) -> list[str]:
    """Drills are such ones; the names of those that were asked for."""
    asked: list[str] = []
    monkeypatch.setattr(Collecting, "run", staticmethod(runner(asked=asked, **how)))
    return asked


def test_without_the_option_nothing_is_collected(pytester: pytest.Pytester, folder: Path) -> None:
    """Whatever lies there; and fixtures skip."""
    pytester.makepyfile("def test_one(drill): drill('redis-outage')\ndef test_two(toxiproxy): pass")
    found = pytester.runpytest_inprocess("-rs", str(folder))
    found.assert_outcomes(skipped=2)
    found.stdout.fnmatch_lines(["*needs pytest's option --gameday*"])


def test_without_the_option_nothing_of_ours_is_imported() -> None:
    """Only the plugin itself: a run that does not use it hardly pays for it."""
    script = (
        "import sys, pytest, gameday.pytest_plugin as plugin\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('harness', 'scenarios', 'reports', 'fakes', 'click', 'pydantic')])\n"
        "print([n for n in sys.modules if n.startswith('gameday.')])"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PROJECT).stdout
    assert printed.splitlines() == ["[]", "['gameday.pytest_plugin']"]


def test_a_scenario_is_a_test_for_each_verdict_and_step_of_one_drill(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill is carried out once for all of them, with the options that were given."""
    asked = carried_out_by(monkeypatch)
    found = pytester.runpytest_inprocess("--gameday", "-v", "catalogue")
    found.assert_outcomes(passed=TESTS_OF_IT)
    assert asked == ["redis-outage"]
    found.stdout.fnmatch_lines(
        [
            "gameday: speed 20, seed a new one each, embedded stack, drills in *drills",
            "catalogue/redis-outage.yaml::drill: carried out PASSED*",
            "catalogue/redis-outage.yaml::target: service-failure-rto PASSED*",
            "catalogue/redis-outage.yaml::invariant: duplicates PASSED*",
        ]
    )


@pytest.mark.parametrize(("option", "kept"), [((), [True]), (("--gameday-no-store",), [False])])
def test_each_drill_is_reported_and_in_the_store(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...], kept: list[bool]
) -> None:
    """As after `gameday run`, unless told otherwise."""
    carried_out_by(monkeypatch)
    heard: list[bool] = []
    monkeypatch.setattr("gameday.reporting.after_drill", lambda _console, _folder, _result, *, keep: heard.append(keep))
    pytester.runpytest_inprocess("--gameday", *option, "catalogue").assert_outcomes(passed=TESTS_OF_IT)
    assert heard == kept


def test_a_failure_shows_measure_target_source_and_moment(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no traceback of ours; the short summary says what was missed."""
    monkeypatch.setenv("CI", "1")  # where pytest cuts no line short
    carried_out_by(monkeypatch, service_failure_rto=MISSED)
    found = pytester.runpytest_inprocess("--gameday", "catalogue")
    found.assert_outcomes(passed=TESTS_OF_IT - 1, failed=1)
    found.stdout.fnmatch_lines(
        [
            "time to recover (RTO) 6 min 2 s, target 5 min",
            "scenario  redis-outage: *",
            "measure   time to recover (RTO): 6 min 2 s",
            "target    service-failure-rto: 5 min",
            "source    *",
            "moment    2:18 recovery.proven observer, 1 min 48 s after the fault (drills/*history.jsonl:*)",
            "again     gameday run redis-outage --seed 42 --speed 20",
            "FAILED catalogue/redis-outage.yaml::target: service-failure-rto - time to recover (RTO) 6 min 2 s, target 5 min",
        ]
    )
    assert "pytest_collect.py" not in found.stdout.str()


def test_in_junit_a_miss_is_a_failure_and_a_broken_harness_an_error(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pytest's own --junitxml; seed, measures and lost writes are properties."""
    carried_out_by(
        monkeypatch, service_failure_rto=MISSED, no_stale_order={"verdict": UNKNOWN}, stopped_at=len(load().procedure.steps) - 1
    )
    pytester.runpytest_inprocess("--gameday", "catalogue", "--junitxml", "junit.xml").assert_outcomes(
        failed=2, errors=1, skipped=1, passed=TESTS_OF_IT - 4
    )
    root = ET.parse(folder / "junit.xml").getroot()
    assert [len(root.findall(f".//{tag}")) for tag in ("failure", "error", "skipped")] == [2, 1, 1]
    properties = {each.get("name"): each.get("value") for each in root.findall(".//property")}
    assert (properties["seed"], properties["lost_writes"], properties["time_to_recover_s"]) == ("42", "3", "108.4")
    assert properties["target.service-failure-rto"] == "300 s"


def test_a_harness_that_broke_is_an_error_whichever_tests_were_chosen(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never passes for a run of skips."""
    asked = carried_out_by(monkeypatch, breaks="redis-server was not found.")
    found = pytester.runpytest_inprocess("--gameday", "catalogue", "-k", "rto")
    found.assert_outcomes(errors=1, deselected=TESTS_OF_IT - 1)
    found.stdout.fnmatch_lines(["the harness broke: redis-server was not found."])
    whole = pytester.runpytest_inprocess("--gameday", "catalogue")
    whole.assert_outcomes(errors=1, skipped=TESTS_OF_IT - 1)
    assert asked == ["redis-outage"] * 2


def test_an_unjudged_drill_is_an_error(pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was aborted, too."""
    carried_out_by(monkeypatch, status="aborted", service_failure_rto={"verdict": UNKNOWN, "measured": None})
    found = pytester.runpytest_inprocess("--gameday", "catalogue", "-k", "target")
    assert found.parseoutcomes()["errors"] == 1
    assert found.ret == pytest.ExitCode.TESTS_FAILED


def test_a_scenario_that_cannot_be_used_is_told_with_its_place(pytester: pytest.Pytester, folder: Path) -> None:
    """As `gameday validate` does; other YAML is left alone, and one that is named never is."""
    text = (folder / "catalogue" / "redis-outage.yaml").read_text()
    (folder / "catalogue" / "redis-outage.yaml").write_text(text.replace("faults:", "fautls:"))
    (folder / "catalogue" / "compose.yaml").write_text("services: {}\n")
    found = pytester.runpytest_inprocess("--gameday", "catalogue")
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(["catalogue/redis-outage.yaml:*unknown key 'fautls'*"])
    assert "Traceback" not in found.stdout.str()
    pytester.runpytest_inprocess("--gameday", "catalogue/compose.yaml").assert_outcomes(errors=1)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--gameday-speed=0", "--gameday-speed 0: from 1 to 100 times"),
        ("--gameday-seed=-1", "--gameday-seed -1: 0 or more"),
        ("--gameday-set=sync", "--gameday-set sync: not KEY=VALUE*"),
        ("--gameday-bindings=none.yaml", "--gameday-bindings none.yaml: there is no such file"),
    ],
)
def test_bad_options_are_told(pytester: pytest.Pytester, folder: Path, option: str, told: str) -> None:
    """As usage errors, before anything is collected."""
    found = pytester.runpytest_inprocess("--gameday", option, "catalogue")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines([f"*{told}"])


def checked_as(monkeypatch: pytest.MonkeyPatch, *, broken: bool = False) -> None:
    """The first command of a procedure was executed, the second failed."""

    def check(case: Any, _pool: object) -> Judged:
        first, second = case.procedure.commands
        about = [(case.book.path, each.line, each.column, each.text, case.procedure.section.anchor) for each in (first, second)]
        carried = tuple(Carried(*each, "executed") for each in about)
        if broken:
            return Judged((), carried, Broken(case.book.path, first.line, case.procedure.section.anchor, "the sandbox ended"))
        finding = command_failed.finding(case.book, (second.line, 1), "ends with exit code 1", "error: no resource type podz")
        return Judged((finding,), carried)

    monkeypatch.setattr(RunbookFile, "check", staticmethod(check))


def test_a_runbook_is_a_test_for_each_step(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder `runbooks`, or named; other Markdown is not carried out."""
    (pytester.path / "runbooks").mkdir()
    for name in ("runbooks/eafix.md", "README.md"):
        (pytester.path / name).write_text(BOOK)
    checked_as(monkeypatch)
    found = pytester.runpytest_inprocess("--gameday", "-v", ".")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(
        [
            "runbooks/eafix.md::look::step: 1 Look PASSED*",
            "runbooks/eafix.md:14: command-failed: ends with exit code 1",
            "  error: no resource type podz",
            "FAILED runbooks/eafix.md::look::step: 2 Look*",
        ]
    )
    pytester.runpytest_inprocess("--gameday", "README.md").assert_outcomes(passed=1, failed=1)


def test_a_check_that_did_not_end_is_an_error(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it broke in the sandbox or there was none."""
    (pytester.path / "book.md").write_text(BOOK)
    checked_as(monkeypatch, broken=True)
    found = pytester.runpytest_inprocess("--gameday", "book.md")
    found.assert_outcomes(errors=1, skipped=1)
    found.stdout.fnmatch_lines(["could not be judged: the sandbox ended"])

    def refuse(*_: object) -> Judged:
        raise HarnessError("this machine permits no namespaces")

    monkeypatch.setattr(RunbookFile, "check", staticmethod(refuse))
    pytester.runpytest_inprocess("--gameday", "book.md::look::step: 2 Look").assert_outcomes(errors=1)


def test_the_fixture_carries_each_drill_out_once(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question gets the same drill; another seed another one; what is no scenario fails the test that asked."""
    asked: list[str] = []
    monkeypatch.setattr("gameday.pytest_drill.run_drill", runner(asked=asked))
    pytester.makepyfile(
        """
        def test_met(drill):
            assert drill("redis-outage").verdicts["service-failure-rto"] == "pass"
            assert drill("redis-outage").history.first("fault.injected")

        def test_again(drill):
            assert drill("redis-outage") is drill("redis-outage")
            assert drill("redis-outage", seed=3) is not drill("redis-outage")

        def test_mistyped(drill):
            drill("redis-outge")
        """
    )
    found = pytester.runpytest_inprocess("--gameday")
    found.assert_outcomes(passed=2, failed=1)
    found.stdout.fnmatch_lines(["*there is no such scenario; did you mean*"])
    assert asked == ["redis-outage"] * 2


@pytest.mark.parametrize("dist", ["load", "loadgroup"])
def test_a_drill_stays_on_one_worker(pytester: pytest.Pytester, folder: Path, dist: str) -> None:
    """However xdist is told to deal tests out: two workers, three scenarios, three drills."""
    for number in range(2):
        (folder / "catalogue" / f"copy-{number}.yaml").write_text((folder / "catalogue" / "redis-outage.yaml").read_text())
    pytester.makeconftest(
        f"""
        import dataclasses, pathlib, sys
        sys.path.insert(0, {str(PROJECT)!r})
        import reports.write
        import gameday.reporting
        reports.write.write_reports = lambda folder, result: None
        gameday.reporting.after_drill = lambda *_, **__: None
        from gameday.pytest_collect import Collecting
        from tests.gameday.drilled import runner
        inner = runner()

        def run(loaded, options, on_event):
            pathlib.Path({str(folder)!r}, "drills-run.txt").open("a").write(loaded.name + "\\n")
            return inner(loaded, dataclasses.replace(options, out=options.out / loaded.name), on_event)

        Collecting.run = staticmethod(run)
        """
    )
    found = pytester.runpytest_subprocess("--gameday", "-n", "2", "--dist", dist, "catalogue", timeout=300)
    found.assert_outcomes(passed=3 * TESTS_OF_IT)
    runs = Counter((folder / "drills-run.txt").read_text().split())
    assert runs == Counter(["redis-outage", "copy-0", "copy-1"])


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("catalogue/a.yaml::target: rto", "catalogue/a.yaml"),
        ("runbooks/a.md::look::step: 1 see", "runbooks/a.md::look"),
        ("tests/test_a.py::test_one", "tests/test_a.py::test_one"),
    ],
)
def test_other_tests_are_dealt_out_singly(nodeid: str, scope: str) -> None:
    """Only what belongs to a drill is kept together."""
    assert gameday.pytest_workers.scope_of(nodeid) == scope
