"""What a request may say of a toxic."""

from __future__ import annotations

import pytest

from fakes.toxiproxy.errors import ApiError
from fakes.toxiproxy.toxics import ATTRIBUTES, read_changes, read_toxic


def described(kind: str, **attributes: object) -> dict[str, object]:
    return {"type": kind, "attributes": attributes}


@pytest.mark.parametrize("kind", sorted(set(ATTRIBUTES) - {"slicer"}))
def test_nothing_but_the_type_need_be_said(kind: str) -> None:
    """All attributes are 0 then, and 0 is always possible."""
    assert set(read_toxic({"type": kind}).attributes.values()) <= {0}


def test_both_ends_of_a_range_are_possible() -> None:
    """One beyond either is not."""
    for kind, attributes in ATTRIBUTES.items():
        for attribute in attributes:
            others = {"average_size": 2**62, "size_variation": 0} if kind == "slicer" else {}
            for value in (attribute.least, attribute.most - (attribute.name == "size_variation")):
                assert read_toxic(described(kind, **{**others, attribute.name: value})).attributes[attribute.name] == value
            for value in (attribute.least - 1, attribute.most + 1):
                with pytest.raises(ApiError, match=f"{attribute.name} of {kind} must be from"):
                    read_toxic(described(kind, **{**others, attribute.name: value}))


@pytest.mark.parametrize(
    ("stream", "direction"), [("upstream", "upstream"), ("UPSTREAM", "upstream"), ("Downstream", "downstream")]
)
def test_a_stream_is_read_in_any_case_and_shown_as_written(stream: str, direction: str) -> None:
    """The name that a toxic gets by default is made of what was written, too."""
    toxic = read_toxic({"type": "latency", "stream": stream})
    assert (toxic.direction, toxic.stream, toxic.name) == (direction, stream, f"latency_{stream}")


def test_changes_leave_the_toxic_alone_until_all_are_read() -> None:
    """A request with one good and one bad value changes nothing."""
    toxic = read_toxic(described("latency", latency=5))
    with pytest.raises(ApiError):
        read_changes(toxic, {"attributes": {"latency": 6, "jitter": -1}})
    assert toxic.attributes == {"latency": 5, "jitter": 0}
    assert read_changes(toxic, {"attributes": {"jitter": 1}, "toxicity": 0.5}) == ({"latency": 5, "jitter": 1}, 0.5)


def test_a_slicer_cannot_be_changed_into_an_impossible_one() -> None:
    """What it has and what it gets must fit together."""
    toxic = read_toxic(described("slicer", average_size=10, size_variation=5))
    with pytest.raises(ApiError, match="size_variation of slicer must be less than its average_size"):
        read_changes(toxic, {"attributes": {"average_size": 5}})
