"""Who shall detect, from the scenario file and the command line to the command that runs the drill again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.run import DrillOptions, _rerun, _wish
from scenarios.errors import InvalidInput
from scenarios.loader import LoadedScenario, find_scenarios, load_scenario
from scenarios.model import MonitorWish


def scenario(wish: MonitorWish) -> LoadedScenario:
    """One of the catalogue, as if its file had the key."""
    (path,) = find_scenarios(["service-failure"])
    loaded = load_scenario(path)
    return replace(loaded, scenario=loaded.scenario.model_copy(update={"monitor": wish}))


@pytest.mark.parametrize(
    ("file", "typed", "wish", "shown"),
    [
        ("auto", None, "auto", ""),
        ("auto", "auto", "auto", ""),
        ("auto", "prometheus", "prometheus", " --monitor prometheus"),
        ("embedded", None, "embedded", " --monitor embedded"),
        ("embedded", "prometheus", "prometheus", " --monitor prometheus"),
        ("embedded", "auto", "auto", " --monitor auto"),
    ],
)
def test_the_command_line_has_the_last_word_and_the_rerun_command_says_it(
    file: MonitorWish, typed: MonitorWish | None, wish: str, shown: str
) -> None:
    """What is typed, else what the file says; nothing is added where both leave it to the machine."""
    loaded, options = scenario(file), DrillOptions(seed=7, monitor=typed)
    assert _wish(loaded, options) == wish
    assert _rerun(loaded, options) == f"gameday run service-failure --seed 7 --speed 1{shown}"


def test_a_scenario_file_says_who_detects(tmp_path: Path) -> None:
    """The key `monitor`; anything but the three is told at its line."""
    (path,) = find_scenarios(["service-failure"])
    text = path.read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("detection:", "monitor: embedded\ndetection:"))
    assert load_scenario(mine).scenario.monitor == "embedded"
    mine.write_text(text.replace("detection:", "monitor: graphite\ndetection:"))
    with pytest.raises(
        InvalidInput, match=r"mine\.yaml:\d+:\d+: monitor: unknown value 'graphite'; known: auto, embedded, prometheus"
    ):
        load_scenario(mine)
