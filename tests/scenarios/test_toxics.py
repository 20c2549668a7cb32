from __future__ import annotations

from typing import get_args

import pytest

from scenarios.faults.network import LinkToxic
from scenarios.toxics import ATTRIBUTES, wrong_attributes


def test_every_toxic_of_the_model_has_its_attributes() -> None:
    """A new toxic cannot be forgotten here."""
    assert set(ATTRIBUTES) == set(get_args(LinkToxic.model_fields["toxic"].annotation))


@pytest.mark.parametrize(
    ("toxic", "attributes", "found"),
    [
        ("latency", {"latency": 100, "jitter": 5}, []),
        ("latency", {"jitter": 5}, []),
        ("latency", {"latncy": 100}, [("latncy", "latency has no attribute 'latncy'; did you mean 'latency'?"), (None, "a latency toxic without latency or jitter does nothing")]),
        ("latency", {"rate": 1, "latency": 1}, [("rate", "latency has no attribute 'rate'; known: jitter, latency")]),
        ("latency", {"latency": -1, "jitter": 1}, [("latency", "latency of latency must not be negative, found -1")]),
        ("bandwidth", {}, []),
        ("timeout", {"timeout": 0}, []),
        ("slow_close", {}, [(None, "a slow_close toxic without delay does nothing")]),
        ("slicer", {"average_size": 10, "size_variation": 5}, []),
        ("slicer", {"average_size": 10, "size_variation": 10}, [("size_variation", "size_variation of slicer must be less than its average_size, 10")]),
        ("slicer", {}, [(None, "a slicer toxic without average_size does nothing")]),
    ],
)  # fmt: skip
def test_attributes_that_make_no_sense_are_told(
    toxic: str, attributes: dict[str, int], found: list[tuple[str | None, str]]
) -> None:
    """Unknown, negative, or such that the toxic would do nothing and the drill prove nothing."""
    assert list(wrong_attributes(toxic, attributes)) == found
