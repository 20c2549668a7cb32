"""The way in: finds scenario files, and loads one with everything it names. Every problem is told at its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenarios.checks import fault_problems, find_procedure, name_problems, updates_problems
from scenarios.documented import Stated, link_problems
from scenarios.errors import InvalidInput, Problem
from scenarios.model import AlertRule, Scenario, Stack, Target, TargetFile
from scenarios.places import CATALOGUE, DATA, TARGETS, locate
from scenarios.rules import load_rules
from scenarios.runbook import Procedure
from scenarios.schema import scenario_schema
from scenarios.settings import merge_settings
from scenarios.stacks import load_stack, read_stack, stack_names, stack_path
from scenarios.suggestions import hint
from scenarios.timeline import timeline_problems
from scenarios.validation import read_model
from scenarios.yaml_source import Source

__all__ = [
    "DATA", "LoadedScenario", "catalogue", "find_scenarios", "load_figures", "load_rules", "load_scenario", "load_stack", "load_targets", "scenario_schema",
]  # fmt: skip

_SUFFIXES = (".yaml", ".yml")
_OTHER_FOLDERS = {"stacks", "alerts", "runbooks"}
_OTHER_FILES = ("targets.yaml", "documents.yaml", ".rules.yml", ".rules.yaml")


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario with all that it names, checked against each other: what a drill needs to know."""

    name: str
    path: Path
    scenario: Scenario
    stack: Stack
    stack_name: str
    targets: dict[str, Target]  # those that the scenario names, in its order
    rules: tuple[AlertRule, ...]
    procedure: Procedure  # its placeholders are filled
    settings: dict[str, Any]
    change: Procedure | None = None  # that of the planned work, its placeholders filled

    @property
    def in_catalogue(self) -> bool:
        """Whether its name alone finds it again."""
        return self.path.resolve().parent == CATALOGUE


def catalogue() -> list[str]:
    """The names of the scenarios that come with the project."""
    return sorted(path.stem for path in CATALOGUE.glob("*.yaml"))


def find_scenarios(paths_or_names: Sequence[str]) -> list[Path]:
    """Scenario files by name in the catalogue, by path, or all those in a folder. Raises InvalidInput for what is none."""
    found: list[Path] = []
    problems: list[Problem] = []
    for given in paths_or_names:
        path = Path(given)
        if path.is_dir():
            below = [
                each
                for each in sorted(path.rglob("*"), key=lambda each: (each.parent, each.stem))
                if _is_scenario(each.relative_to(path))
            ]
            if not below:
                problems.append(Problem(path, 0, 0, "there is no scenario file (*.yaml) in this folder"))
            found += below
        elif path.is_file():
            found.append(path)
        elif given in catalogue():
            found.append(CATALOGUE / f"{given}.yaml")
        else:
            what = "file" if path.suffix in _SUFFIXES else "scenario"
            problems.append(Problem(path, 0, 0, f"there is no such {what}{hint(path.stem, catalogue())}"))
    if problems:
        raise InvalidInput(problems)
    once: dict[Path, Path] = {}
    for path in found:
        once.setdefault(path.resolve(), path)
    return list(once.values())


def _is_scenario(path: Path) -> bool:
    """Of the files in a folder, those that are not clearly something else; whoever misspelt a key wants to hear of it."""
    hidden = any(part.startswith(".") for part in path.parts)
    return (
        path.suffix in _SUFFIXES and not hidden and not _OTHER_FOLDERS & set(path.parts) and not path.name.endswith(_OTHER_FILES)
    )


def load_scenario(path: Path, *, overrides: Mapping[str, str] | None = None) -> LoadedScenario:
    """Load a scenario file and all that it names. `overrides` are `--set` values, read as YAML scalars.

    Raises InvalidInput with every problem found.
    """
    source, scenario = read_model(path, Scenario)
    stack, stack_name = _stack(source, scenario.stack)
    rules = _rules(stack, stack_path(scenario.stack, path))
    known_targets = load_targets()
    procedure, procedure_problems = find_procedure(source, scenario.response)
    change, change_problems = find_procedure(source, scenario.change, "change") if scenario.change else (None, [])
    settings, setting_problems = merge_settings(stack, source, scenario.settings, overrides or {})
    problems = [
        *fault_problems(source, scenario, stack),
        *updates_problems(source, scenario, stack),
        *timeline_problems(source, scenario),
        *name_problems(source, scenario.detection.alerts, ("detection", "alerts"), "alert", {rule.alert for rule in rules}),
        *name_problems(source, scenario.targets, ("targets",), "target", known_targets),
        *_not_in_force(source, scenario, known_targets),
        *_expected_misses(source, scenario),
        *procedure_problems,
        *change_problems,
        *setting_problems,
    ]
    if problems or procedure is None:
        raise InvalidInput(
            sorted(problems, key=lambda problem: (problem.path != path, str(problem.path), problem.line, problem.column))
        )
    targets = {name: known_targets[name] for name in scenario.targets}
    return LoadedScenario(path.stem, path, scenario, stack, stack_name, targets, rules, procedure, settings, change)


def _not_in_force(source: Source, scenario: Scenario, known: Mapping[str, Target]) -> Iterator[Problem]:
    for index, name in enumerate(scenario.targets):
        target = known.get(name)
        if target is not None and target.in_force is not None:
            yield source.problem(f"'{name}' is not in force: '{target.in_force}' is ({target.why})", ("targets", index))


def _expected_misses(source: Source, scenario: Scenario) -> Iterator[Problem]:
    if scenario.expect is None:
        return
    for name in scenario.expect.miss.keys() - set(scenario.targets):
        message = f"'{name}' is not among the scenario's targets{hint(name, scenario.targets)}"
        yield source.problem(message, ("expect", "miss", name), key=True)
    for kind, reasons in (("miss", scenario.expect.miss), ("broken", scenario.expect.broken)):
        for name, why in reasons.items():
            if not why.strip():
                yield source.problem(f"{name}: write down why this is known beforehand", ("expect", kind, name))


def _stack(source: Source, reference: str) -> tuple[Stack, str]:
    found = stack_path(reference, source.path)
    if found is None:
        raise InvalidInput([source.problem(f"unknown stack '{reference}'{hint(reference, stack_names())}", ("stack",))])
    return read_stack(found), found.stem


def _rules(stack: Stack, beside: Path | None) -> tuple[AlertRule, ...]:
    return tuple(rule for reference in stack.monitoring.rules for rule in load_rules(locate(reference, beside)))


def load_targets(path: Path = TARGETS) -> dict[str, Target]:
    """All documented limits by name. Raises InvalidInput."""
    return dict(load_figures(path).targets)


def load_figures(path: Path = TARGETS) -> TargetFile:
    """All documented figures. Raises InvalidInput, also where one that is not in force names none that is."""
    return _figures(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=4)  # every scenario asks for them, and the file is the largest of all that it needs
def _figures(path: Path, _written_ns: int) -> TargetFile:
    source, file = read_model(path, TargetFile)
    sections: dict[str, Mapping[str, Stated]] = {
        "targets": file.targets,
        "due": file.due,
        "indicators": file.indicators,
        "alerts": file.alerts,
    }
    if problems := list(link_problems(source, sections)):
        raise InvalidInput(problems)
    return file
