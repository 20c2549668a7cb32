"""What a scenario says of its own speed is obeyed, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.spec import DrillSpec
from harness.toxiproxy_server import ToxiproxyServer
from scenarios.loader import load_scenario
from tests.scenarios.files import WHOLE, said, write


def spec_at(folder: Path, speed: float, **keys: float) -> DrillSpec:
    """A drill of the whole example at this speed, with these keys in its file."""
    loaded = load_scenario(
        write(folder, yaml.safe_dump(yaml.safe_load(WHOLE) | {name.replace("_", "-"): value for name, value in keys.items()}))
    )
    return DrillSpec(
        drill="one", loaded=loaded, seed=1, speed=speed, stack="embedded", folder=folder, run=folder, own_network=False, sandbox="ports",
        tools=None, toxiproxy=ToxiproxyServer.__new__(ToxiproxyServer), versions={}, commit="", command="", warnings=("something else",),
    )  # fmt: skip


@pytest.mark.parametrize(("asked", "most", "runs_at"), [(60.0, 6, 6.0), (6.0, 6, 6.0), (1.0, 6, 1.0), (60.0, 1, 1.0)])
def test_a_drill_goes_no_faster_than_its_scenario_permits(asked: float, most: float, runs_at: float, tmp_path: Path) -> None:
    """And whoever asked for more is told."""
    spec = spec_at(tmp_path, asked, at_most_speed=most)
    assert spec.speed == runs_at
    told = [] if asked == runs_at else [f"speed {runs_at:g} instead of {asked:g}: the scenario permits no more (at-most-speed)"]
    assert list(spec.warnings) == ["something else", *told]


def test_a_scenario_that_says_nothing_runs_as_fast_as_is_asked(tmp_path: Path) -> None:
    """No limit, no warning."""
    spec = spec_at(tmp_path, 60.0)
    assert (spec.speed, spec.warnings) == (60.0, ("something else",))


def test_a_speed_below_one_is_refused(tmp_path: Path) -> None:
    """Documented time never runs slower than the wall."""
    assert "at-most-speed" in " ".join(said(lambda: spec_at(tmp_path, 60.0, at_most_speed=0.5)))
