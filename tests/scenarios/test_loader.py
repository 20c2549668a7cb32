from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from scenarios.loader import DATA, catalogue, find_scenarios, load_scenario, load_targets
from tests.scenarios.files import WHOLE, load, load_says, said, write

ALL = sorted(path.stem for path in (DATA / "catalogue").iterdir())
EAFIX = [name for name in ALL if not name.startswith(("ai-", "trading-engine-"))]


def test_a_name_of_the_catalogue_is_enough() -> None:
    """Names, paths and folders, each file once, in the order given."""
    folder = os.path.relpath(DATA / "catalogue")
    found = find_scenarios(["redis-outage", folder, f"{folder}/redis-outage.yaml"])
    assert [path.stem for path in found] == ["redis-outage", *(name for name in ALL if name != "redis-outage")]


def test_a_folder_is_searched_for_scenarios_alone(tmp_path: Path) -> None:
    """Also below it; not stacks, rules, targets and hidden folders."""
    for name in (
        "b.yaml",
        "deep/a.yml",
        "stacks/s.yaml",
        "alerts/x.rules.yml",
        "y.rules.yml",
        "targets.yaml",
        ".git/z.yaml",
        "notes.txt",
    ):
        write(tmp_path, WHOLE, name)
    assert [str(path.relative_to(tmp_path)) for path in find_scenarios([str(tmp_path)])] == ["b.yaml", "deep/a.yml"]
    assert [path.stem for path in find_scenarios([str(DATA)])] == ALL


def test_what_is_no_scenario_is_told_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    known = f"{', '.join(ALL[:12])} and {len(ALL) - 12} more"
    with_nearest = said(lambda: find_scenarios(["primary-database-failur", "gone.yaml", "empty", "zzz"]))
    assert with_nearest == [
        "primary-database-failur: there is no such scenario; did you mean 'primary-database-failure'?",
        f"gone.yaml: there is no such file; known: {known}",
        "empty: there is no scenario file (*.yaml) in this folder",
        f"zzz: there is no such scenario; known: {known}",
    ]


@pytest.mark.parametrize("name", EAFIX)
def test_the_catalogue_loads(name: str) -> None:
    """All scenarios, with their procedures, alerts and targets: each is judged by an end or by what may be lost, and by who answers.

    Nobody answers planned work that must not page, and what the platform gets over by itself.
    """
    [path] = find_scenarios([name])
    loaded = load_scenario(path)
    assert (loaded.name, loaded.in_catalogue) == (name, True)
    measures = {target.measure for target in loaded.targets.values()}
    assert measures & {"time_to_recover_s", "time_to_mitigate_s"}
    assert "time_to_acknowledge_s" in measures or name in ("feed-out-of-order", "redis-flushed", "scheduled-maintenance")
    assert any(step.verification for step in loaded.procedure.steps)
    assert not loaded.procedure.placeholders
    assert catalogue() == ALL


def test_a_loaded_scenario_is_handed_to_another_process() -> None:
    """The drill runs in a sandbox of its own."""
    loaded = load_scenario(DATA / "catalogue" / "redis-outage.yaml")
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_a_file_elsewhere_is_not_in_the_catalogue(tmp_path: Path) -> None:
    """Its path is what finds it again."""
    loaded = load(tmp_path, "")
    assert (loaded.name, loaded.in_catalogue) == ("test", False)


def test_all_that_is_wrong_is_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    """The scenario first, then --set and other files."""
    write(tmp_path, "# Mine\n\n```bash\ntrue\n```\n", "mine.md")
    text = """\
    targets: [zzz-rto]
    faults: [{fault: process.kill, process: redis, heal-after: 1s}, {fault: process.kill, process: reddis}]
    response: {procedure: mine.md#mine}
    settings: {zzz: 5}
    """
    found = load_says(tmp_path, text, yyy="1")
    assert [each.partition(": ")[0] for each in found] == [
        "test.yaml:1:11", "test.yaml:2:48", "test.yaml:2:96", "test.yaml:4:12", "--set:1:1", "mine.md:3:1",
    ]  # fmt: skip


def test_a_missing_scenario_is_told(tmp_path: Path) -> None:
    """A path that vanished between finding and loading."""
    assert said(lambda: load_scenario(tmp_path / "gone.yaml")) == ["gone.yaml: there is no such file"]


def test_targets_have_documented_sources() -> None:
    """Each with document:line and words; those of the recovery table are its eight figures."""
    targets = load_targets()
    assert all(target.source[3] == ":" and " " in target.source for target in targets.values())
    table = {
        name: target.limit
        for name, target in targets.items()
        if target.source.startswith(("002:465", "002:466", "002:467", "002:468")) and target.measure != "time_to_mitigate_s"
    }
    assert table == {
        "service-failure-rto": 300, "service-failure-rpo": 0, "service-failure-lost-writes": 0, "database-corruption-rto": 1800,
        "database-corruption-rpo": 300, "data-centre-outage-rto": 7200, "data-centre-outage-rpo": 900, "infrastructure-loss-rto": 28800,
        "infrastructure-loss-rpo": 3600,
    }  # fmt: skip


def test_another_targets_file_can_be_loaded(tmp_path: Path) -> None:
    """`gameday judge --targets` holds old histories against changed limits."""
    path = write(tmp_path, "targets:\n  rto: {measure: time_to_recover_s, limit: 60, source: mine}\n")
    assert load_targets(path)["rto"].limit == 60
