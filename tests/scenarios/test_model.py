from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fields import format_duration, parse_duration
from scenarios.model import HumanDelay, Load, Scenario, SteadyState


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("1.5s", 1.5), ("1d", 86400)]
)
def test_durations_are_read_with_their_units(text: str, seconds: float) -> None:
    """A duration is a number with a unit, or several of them."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("value", [5, 2.5, "5", "five minutes", "-5s", "", True, None, [], "5 m"])
def test_a_duration_without_a_unit_is_refused(value: object) -> None:
    """Its unit would be a guess."""
    with pytest.raises(ValueError, match=r"is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m"):
        parse_duration(value)


@settings(deadline=None)
@given(st.floats(0.0001, 1e6))
def test_a_written_duration_reads_the_same(seconds: float) -> None:
    """To a tenth of a millisecond."""
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-4)


def test_durations_are_written_as_people_write_them() -> None:
    """The largest units first."""
    assert [format_duration(seconds) for seconds in (0, 0.5, 1, 60, 61.5, 5400)] == ["0s", "500ms", "1s", "1m", "1m1.5s", "1h30m"]


def test_a_model_dumped_as_json_can_be_read_again() -> None:
    """A history keeps the scenario, and `judge` reads it from there."""
    scenario = Scenario.model_validate(
        {
            "title": "A", "description": "B", "faults": [{"fault": "link.down", "links": ["a -> b"], "at": "90s", "heal-after": "1.5s"}],
            "detection": {"alerts": ["x"]}, "response": {"procedure": "x#y"}, "targets": ["t"], "load": {"orders-per-s": 3},
        }
    )  # fmt: skip
    dumped = scenario.model_dump(mode="json", by_alias=True)
    assert dumped["faults"][0] | {"links": ()} == {
        "name": None, "at": "1m30s", "heal-after": "1.5s", "fault": "link.down", "links": (), "until": None, "after": None,
    }  # fmt: skip
    assert (dumped["load"]["orders-per-s"], dumped["load"]["canary-every"]) == (3, "500ms")
    assert Scenario.model_validate(dumped) == scenario


def test_in_python_durations_are_seconds() -> None:
    """Only JSON has them as texts."""
    assert SteadyState().model_dump()["settle_s"] == 60.0
    assert SteadyState().settle_s == 60.0


def test_rates_keep_their_unit_in_the_file() -> None:
    """Only durations drop the `_s` of their name: `orders-per-s` is no duration."""
    assert Load.model_validate({"orders-per-s": 3}).orders_per_s == 3
    assert {"hold", "settle"} < SteadyState().model_dump(by_alias=True).keys()


def test_python_code_may_use_the_names_of_the_fields() -> None:
    """Tests and tools build models without thinking in hyphens."""
    assert HumanDelay.model_validate({"median_s": "1s", "p95_s": "2s"}).p95_s == 2
