"""What the model has no idea of: scenarios that it can't carry out, and those of which it can carry out everything but the answer.

An honest "unknown", with its reason and line, is better than a figure that says something about the model only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario
from scenarios.yaml_source import Location, read_source
from sim.parts import Condition


class NotSimulated(InvalidInput):
    """The model can't carry this scenario out: nothing is wrong with its file, and nothing can be said about it."""


def refuse(loaded: LoadedScenario) -> None:
    """Planned work and what only planned work brings about are not modelled. Raises NotSimulated, with the line."""
    scenario = loaded.scenario
    if scenario.change is not None:
        _refuse(loaded, ("change",), "it rehearses planned work (`change`), which the simulation does not model")
    if scenario.detection.must_not_page:
        _refuse(
            loaded,
            ("detection", "must-not-page"),
            "nobody may be paged in it (`must-not-page`), and the model pages for every fault",
        )
    if all(fault.after is not None for fault in scenario.faults):
        _refuse(loaded, ("faults", 0, "after"), "all of its faults wait for a moment (`after`), so that nothing begins")


def _refuse(loaded: LoadedScenario, at: Location, why: str) -> None:
    raise NotSimulated([read_source(loaded.path).problem(f"can't be simulated: {why}", at, key=True)])


def unjudged(loaded: LoadedScenario, conditions: Sequence[Condition]) -> tuple[Problem, ...]:
    """Why a campaign of this scenario can't be judged, each reason at its line; nothing where it can."""
    return tuple(_unjudged(loaded, conditions))


def _unjudged(loaded: LoadedScenario, conditions: Sequence[Condition]) -> Iterator[Problem]:
    felt = [each for each in conditions if each.orders or each.canary]
    if not felt:
        names = ", ".join(each.name for each in conditions)
        what = f"in the model clients feel nothing of {names}, so that recovery and losses are no question"
        yield read_source(loaded.path).problem(what, ("faults", 0, "fault"))
    for each in felt:
        if each.heal_after_s is None and not each.mended:
            what = f"{each.name}: the model knows no step of {loaded.scenario.response.procedure} that mends it, so that it would last for ever"
            yield read_source(loaded.path).problem(what, ("faults", each.number, "fault"))
