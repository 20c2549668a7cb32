"""What pytest collects with `--gameday`: scenario files, each verdict and step a test; and how they are spread over workers."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Generator, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from gameday.pytest_drill import DrillWishes, Run, carry_out, wishes_of
from gameday.pytest_failures import NotJudged, WentWrong, shown_failure
from harness.errors import HarnessError
from reports.cases import CARRIED_OUT, Case, Planned, cases_of, planned_cases
from reports.drills_junit import properties_of
from reports.rehearsal import Rehearsal
from scenarios.errors import InvalidInput
from scenarios.loader import LoadedScenario, load_scenario

_SCENARIOS, _RUNBOOKS = (".yaml", ".yml"), (".md", ".markdown")
_RUNBOOK_FOLDER = "runbooks"
_KEY = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_KEYS = frozenset({"title", "description", "stack", "load", "steady-state", "faults", "detection", "response", "targets"})
_LEAST_KEYS = 4  # of a scenario; so one that misspells a key is collected, and told to be wrong


class Collecting:
    """The hooks of a run with `--gameday`. `run` carries a drill out; tests of the plugin give another one."""

    run: Run | None = None

    def __init__(self, config: pytest.Config) -> None:
        self.wishes = wishes_of(config)

    def pytest_report_header(self) -> str:
        seed = "a new one each" if self.wishes.seed is None else str(self.wishes.seed)
        return f"gameday: speed {self.wishes.speed:g}, seed {seed}, {self.wishes.stack} stack, drills in {self.wishes.out}"

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Scenario files; and Markdown that is named on the command line or lies in a folder `runbooks`, as it is carried out."""
        named = parent.session.isinitpath(file_path)
        if file_path.suffix in _SCENARIOS and (named or _looks_like_a_scenario(file_path)):
            return ScenarioFile.from_parent(parent, path=file_path, collecting=self)
        if file_path.suffix in _RUNBOOKS and (named or _RUNBOOK_FOLDER in _below(parent, file_path)):
            from gameday.pytest_runbook import RunbookFile

            return RunbookFile.from_parent(parent, path=file_path, wishes=self.wishes)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """A case tells of itself in its own words, in every phase of a test."""
        report = yield
        if call.excinfo is not None and (told := shown_failure(call.excinfo)) is not None:
            report.longrepr = told
        return report

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Where xdist would deal tests out singly, what belongs to one drill goes to one worker, which carries it out once."""
        if config.getoption("dist") not in ("load", "worksteal", "loadgroup"):
            return None
        from gameday.pytest_workers import drill_by_drill

        return drill_by_drill(config, log)


def _below(parent: pytest.Collector, path: Path) -> tuple[str, ...]:
    """The folders between the root of the run and the file: what the root itself lies in says nothing."""
    root = parent.config.rootpath
    return path.parent.relative_to(root).parts if path.is_relative_to(root) else path.parent.parts[-1:]


def _looks_like_a_scenario(path: Path) -> bool:
    try:
        keys = set(_KEY.findall(path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False
    return len(keys & _KEYS) >= _LEAST_KEYS


class ScenarioFile(pytest.File):
    """A scenario. Its drill is carried out when the first of its tests is set up, and once."""

    def __init__(self, *, collecting: Collecting, **given: Any) -> None:
        super().__init__(**given)
        self._run, self._wishes = collecting.run, collecting.wishes
        self.told = False  # whether some test has said why the drill itself came to nothing

    @cached_property
    def loaded(self) -> LoadedScenario:
        return load_scenario(self.path, overrides=self._wishes.settings)

    def collect(self) -> Iterator[ScenarioItem]:
        try:
            planned = planned_cases(self.loaded)
        except InvalidInput as error:
            raise self.CollectError(str(error)) from error
        for each in planned:
            yield ScenarioItem.from_parent(self, name=each.title, planned=each)

    @cached_property
    def rehearsal(self) -> Rehearsal:
        """The drill, carried out now if it was not. A harness that breaks is told by it, once."""
        try:
            return _rehearsed(self.loaded, self._wishes, self._run)
        except HarnessError as error:
            return Rehearsal(self.loaded, error=str(error))
        except Exception as error:  # noqa: BLE001 - a crash of the harness, which must not repeat the drill for every test of it
            traceback.print_exc(file=sys.stdout)
            return Rehearsal(self.loaded, error=f"{type(error).__name__}: {error}")

    @cached_property
    def cases(self) -> dict[str, Case]:
        """What each test came to, by its name. What nobody planned and went wrong is told by the test of the drill itself."""
        found = cases_of(self.rehearsal)
        known = {each.title for each in planned_cases(self.loaded)}
        cases = {each.planned.title: each for each in found if each.planned.title in known}
        drill = found[0]
        others = [each for each in found if each.bad and each.planned.title not in known]
        if others and not drill.bad:
            cases[drill.planned.title] = Case(drill.planned, others[0].state, others[0].message, others[0].detail, drill.took_s)
        return cases

    @property
    def drill(self) -> Case:
        return self.cases[f"drill: {CARRIED_OUT}"]


def _rehearsed(loaded: LoadedScenario, wishes: DrillWishes, run: Run | None) -> Rehearsal:
    outcome = carry_out(loaded, wishes, run)
    return Rehearsal(loaded, outcome.folder, outcome.result)


class ScenarioItem(pytest.Item):
    """One verdict, one step, or the drill itself."""

    parent: ScenarioFile

    def __init__(self, *, planned: Planned, **given: Any) -> None:
        super().__init__(**given)
        self.planned = planned

    def setup(self) -> None:
        """Carry the drill out; what could not be judged or was not run ends here, so that it is an error or a skip and no failure."""
        case = self.parent.cases[self.name]
        self._tell_properties()
        if self.parent.drill.state == "error" and not self.parent.told and case.state != "failed":
            self.parent.told = True  # whichever tests were chosen: the first of them says it, and no run of skips passes
            raise NotJudged(self.parent.drill.message, self.parent.drill.detail, self._place)
        if case.state == "error":
            raise NotJudged(case.message, case.detail, self._place)
        if case.state == "skipped":
            pytest.skip(case.message)

    def runtest(self) -> None:
        case = self.parent.cases[self.name]
        if case.state == "failed":
            raise WentWrong(case.message, case.detail, self._place)
        if case.message:
            self.add_report_section("call", "gameday", case.message)

    @property
    def _place(self) -> tuple[Path, int]:
        return self.planned.path, self.planned.line

    def _tell_properties(self) -> None:
        """For pytest's own `--junitxml`: all that is known with the drill, the seed with each test."""
        found = properties_of(self.parent.rehearsal)
        told = found if self.planned.kind == "drill" else {name: found.get(name) for name in ("seed", "drill")}
        self.user_properties += [(name, str(value)) for name, value in told.items() if value is not None]

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.planned.path, self.planned.line - 1, f"{self.path.stem} {self.planned.title}"
