"""Plans of the catalogue's scenarios, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scenarios.loader import find_scenarios, load_scenario
from sim.assumptions import load_assumptions
from sim.plan import Plan, make_plan


def plan_of(
    name: str,
    *,
    seed: int = 7,
    people: str = "rota",
    settings: dict[str, str] | None = None,
    figures: Mapping[str, float] | None = None,
    **changes: float,
) -> Plan:
    """The plan of a scenario by name or file; changes are figures with `__` for the dot and `_` for hyphens."""
    changed = {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    path = Path(name) if name.endswith(".yaml") else find_scenarios([name])[0]
    loaded = load_scenario(path, overrides=settings or {})
    return make_plan(loaded, load_assumptions().of(people).changed({**changed, **(figures or {})}), seed=seed)
