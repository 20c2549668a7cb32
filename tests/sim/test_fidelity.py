"""The simulation held against live drills of the four first scenarios, as they were recorded.

`live-drills.jsonl` holds what drills at speed 20 measured, each line a result.json cut down to what is compared, with seed, versions
and the command to run it again. Record them anew when the stack or the responder has changed: `jq -c . drills/*/result.json`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from gameday.cli import cli
from scenarios.errors import InvalidInput
from sim.fidelity import MEASURES, Live, covered, hold, too_few

LIVE = Path(__file__).with_name("live-drills.jsonl")
FIRST = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
_LEAST_DRILLS = 5  # of each scenario


def validate(*arguments: str, drills: Path = LIVE) -> Result:
    return CliRunner().invoke(
        cli, ["simulate", *FIRST, "--validate", str(drills), "--runs", "1000", *arguments], catch_exceptions=False
    )


def told(found: Result) -> str:
    """The line with the coverage."""
    return next(line for line in found.output.splitlines() if "live measures lie in" in line)


def wrong(folder: Path, group: str, name: str, figure: str) -> Path:
    """A calibration with one figure that is not true."""
    path = folder / "wrong.yaml"
    path.write_text(f'assumptions:\n  {group}:\n    {name}: {{{figure}, source: "planted"}}\n')
    return path


def test_the_simulation_foretells_recorded_drills(record_property: Callable[[str, object], None]) -> None:
    """Of the live measures of each of the four at least 75 % lie in the 90 % intervals, none is biased; CI shows the figure."""
    drills = Counter(json.loads(line)["scenario"] for line in LIVE.read_text().splitlines())
    assert all(drills[name] >= _LEAST_DRILLS for name in FIRST), drills
    found = validate()
    assert found.exit_code == 0, found.output
    record_property("shown", told(found))
    inside, seen = map(int, re.findall(r"^(\d+) of (\d+)", told(found))[0])
    assert seen >= 5 * sum(drills.values())
    assert inside / seen >= 0.75, found.output


@pytest.mark.parametrize(
    ("group", "name", "figure", "said"),
    [
        ("procedures", "restart", "median: 90s, p95: 100s", "biased: .*time_to_recover_s of service-failure"),
        ("detection", "page-delivery", "median: 3m, p95: 4m", "too few"),
        ("stack", "replication-lag", "median: 3s, p95: 4s", "biased: recovery_point_s of primary-database-failure"),
    ],
)
def test_a_bias_that_was_planted_is_found(group: str, name: str, figure: str, said: str, tmp_path: Path) -> None:
    """A restart of 90 s, pages that take minutes, a replica seconds behind: exit code 1, and the message says what is wrong."""
    found = validate("--calibration", str(wrong(tmp_path, group, name, figure)))
    assert found.exit_code == 1, found.output
    assert re.search(said, " ".join(found.output.split()))


def test_drills_that_ask_something_else_are_passed_over(tmp_path: Path) -> None:
    """Other settings, people, a drill that broke off: none of them counts, and without any other nothing can be told."""
    row = json.loads(LIVE.read_text().splitlines()[0])
    changed = (
        {"rerun": row["rerun"] + " --set postgres.synchronous_commit=remote_apply"}, {"rerun": row["rerun"] + " --respond human"},
        {"status": "aborted"}, {"stack": "simulated"},
    )  # fmt: skip
    file = tmp_path / "others.jsonl"
    file.write_text("".join(json.dumps({**row, **change}) + "\n" for change in changed))
    found = validate(drills=file)
    assert found.exit_code == 3
    assert "passed over: 2 drills" in found.output


@pytest.mark.parametrize("line", ["[]", "{", '{"scenario": "redis-outage", "status": "completed"}'])
def test_what_is_no_result_is_told_with_its_line(line: str, tmp_path: Path) -> None:
    """File and line, and what would be right."""
    file = tmp_path / "live.jsonl"
    file.write_text(LIVE.read_text().splitlines()[0] + "\n" + line + "\n")
    with pytest.raises(InvalidInput, match=r"live\.jsonl:2.*no result of a drill"):
        validate(drills=file)


def test_drills_with_one_seed_count_once() -> None:
    """They share the draws of their people: five drills of one seed far from the middle are no bias, five of five seeds are."""
    columns = dict.fromkeys(MEASURES.values(), np.linspace(0.0, 100.0, 1001))
    for seeds, biased in (((1, 1, 1, 1, 1), False), ((1, 2, 3, 4, 5), True)):
        live = [Live(seed, {"time_to_acknowledge_s": 120.0}) for seed in seeds]
        found = hold("any", columns, live)
        assert [each.biased for each in found] == [biased]
        assert too_few(covered(found, live), live) is biased
