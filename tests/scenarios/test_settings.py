from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.files import load, load_says


def test_a_scenario_changes_the_stacks_defaults_and_the_caller_both(tmp_path: Path) -> None:
    """Stack, then scenario, then --set; what nobody changes keeps its default."""
    text = "settings:\n  risk.stale_after_s: 10\n  postgres.synchronous_commit: remote_write\n"
    settings = load(tmp_path, text, **{"postgres.synchronous_commit": "remote_apply", "risk.max_position": "5"}).settings
    assert settings["risk.stale_after_s"] == 10
    assert settings["postgres.synchronous_commit"] == "remote_apply"
    assert settings["risk.max_position"] == 5
    assert settings["postgres.max_connections"] == 100


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("postgres.synchronous_commit", "on", "on"), ("postgres.synchronous_standby", "true", True), ("risk.stale_after_s", "2.5", 2.5),
        ("feed.ticks_per_s", "20", 20), ("postgres.database", "12", "12"),
    ],
)  # fmt: skip
def test_an_override_is_of_its_settings_kind(tmp_path: Path, key: str, text: str, value: object) -> None:
    """Nobody quotes on a command line: where a text is due, 12 is a text."""
    found = load(tmp_path, "", **{key: text}).settings[key]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("risk.max_positions", "5", "1:1: unknown setting 'risk.max_positions'; did you mean 'risk.max_position'?"),
        ("risk.max_position", "lots", "1:19: risk.max_position: expected a whole number such as 10000000, found 'lots'"),
        ("risk.max_position", "1.5", "1:19: risk.max_position: expected a whole number such as 10000000, found 1.5"),
        ("risk.stale_after_s", "-1", "1:20: risk.stale_after_s: must not be negative, found -1"),
        ("risk.stale_after_s", "30s", "1:20: risk.stale_after_s: expected a number such as 60.0, found '30s'"),
        ("postgres.synchronous_standby", "1", "1:30: postgres.synchronous_standby: expected true or false such as false, found 1"),
        ("postgres.synchronous_commit", "remote_aply", "1:29: postgres.synchronous_commit: unknown value 'remote_aply'; did you mean 'remote_apply'?"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_told_as_if_set_were_a_file(tmp_path: Path, key: str, text: str, message: str) -> None:
    """The place is the option and the column in it."""
    assert load_says(tmp_path, "", **{key: text}) == [f"--set:{message}"]


def test_a_wrong_setting_of_a_scenario_is_told_at_its_place(tmp_path: Path) -> None:
    """The key when it is unknown, the value when that is wrong."""
    text = "settings:\n  postgres.max_conections: 5\n  postgres.synchronous_commit: true\n  feed.ticks_per_s: fast\n"
    assert load_says(tmp_path, text) == [
        "test.yaml:2:3: unknown setting 'postgres.max_conections'; did you mean 'postgres.max_connections'?",
        "test.yaml:3:32: postgres.synchronous_commit: expected a text such as 'on', found true",
        "test.yaml:4:21: feed.ticks_per_s: expected a number such as 16.0, found 'fast'",
    ]
