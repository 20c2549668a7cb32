"""Which scenarios a run is made of, and what is told of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gameday.cli import cli
from gameday.running import RunWishes, choose
from scenarios.errors import InvalidInput
from scenarios.loader import catalogue
from tests.reports.test_listing import RESULT, keep


def chosen(**wishes: Any) -> list[str]:
    return [each.name for each in choose(RunWishes(wishes.pop("names", ()), **wishes))]


def test_all_is_the_whole_catalogue() -> None:
    """Each once, also when it is named beside."""
    assert chosen(all=True) == catalogue()
    assert sorted(chosen(names=["redis-outage"], all=True)) == catalogue()


def test_tags_and_names_narrow_it() -> None:
    """Any of the tags, any of the patterns, both together."""
    databases = chosen(all=True, tags=["database"])
    assert "primary-database-failure" in databases
    assert "redis-outage" not in databases
    assert set(chosen(all=True, tags=["database", "redis"])) > set(databases)
    assert chosen(all=True, only=["redis-out*"]) == ["redis-outage"]
    assert chosen(all=True, tags=["database"], only=["primary-*"]) == ["primary-database-failure"]


@pytest.mark.parametrize("wishes", [{"tags": ["databse"]}, {"only": ["primary-databse-failure"]}])
def test_a_mistyped_choice_is_no_empty_run(wishes: dict[str, Any]) -> None:
    """It would pass without having tested anything."""
    with pytest.raises(InvalidInput, match="chooses no scenario; did you mean"):
        chosen(all=True, **wishes)


def test_choices_that_exclude_each_other_are_told() -> None:
    """Not run as nothing at all."""
    with pytest.raises(InvalidInput, match="no scenario has all of what"):
        chosen(all=True, tags=["redis"], only=["primary-*"])


def test_an_order_of_a_seed_is_always_the_same() -> None:
    """And not the alphabet's."""
    first = chosen(all=True, shuffle=7)
    assert first == chosen(all=True, shuffle=7)
    assert first != chosen(all=True, shuffle=8)
    assert sorted(first) == catalogue()


def test_what_passed_last_is_left_out_on_demand(tmp_path: Path) -> None:
    """The newest drill of each decides: failed, aborted, unknown or never run is run."""

    def kept(day: int, scenario: str, verdict: str, status: str = "completed") -> None:
        result = json.dumps({**RESULT, "scenario": scenario, "verdict": verdict, "status": status})
        keep(tmp_path, f"202611{day:02}T100000Z-{scenario}-abc{day:03}", result=result)

    names = ["service-failure", "redis-outage", "primary-database-failure", "orders-failing", "bad-release"]
    kept(1, "service-failure", "fail")
    kept(2, "service-failure", "pass")
    kept(1, "redis-outage", "pass")
    kept(2, "redis-outage", "fail")
    kept(1, "primary-database-failure", "unknown", "aborted")
    kept(1, "orders-failing", "pass", "aborted")
    assert chosen(names=names, since_last_failure=True, out=tmp_path) == names[1:]
    (tmp_path / "all").mkdir()
    for number, name in enumerate(names, start=1):
        result = json.dumps({**RESULT, "scenario": name, "verdict": "pass"})
        keep(tmp_path / "all", f"202611{number:02}T100000Z-{name}-abc{number:03}", result=result)
    ended = CliRunner().invoke(cli, ["run", *names, "--since-last-failure", "--out", str(tmp_path / "all")])
    assert (ended.exit_code, ended.output) == (0, "nothing to run: every scenario that was chosen passed when it was last run\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing argument 'SCENARIO...'; --all runs the whole catalogue."),
        (["--all", "--stack", "compose", "--jobs", "2"], "--jobs: a compose stack is one; its drills run one after another."),
    ],
)
def test_bad_usage_is_told(arguments: list[str], told: str) -> None:
    """With exit code 2."""
    ended = CliRunner().invoke(cli, ["run", *arguments])
    assert (ended.exit_code, told in ended.output) == (2, True)
