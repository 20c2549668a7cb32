"""How patches change objects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.commands.entry import Failure
from fakes.commands.kube.merging import json_patch, merge, removals, strategic

ENV = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
VALUES = st.recursive(
    st.integers() | st.text("abc", max_size=3),
    lambda below: st.dictionaries(st.text("abc", max_size=2), below, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=4)


def test_a_strategic_merge_finds_list_items_by_their_name() -> None:
    """Containers and variables; other lists are replaced."""
    old = {"containers": [{"name": "c", "image": "i", "env": ENV, "args": ["x"]}]}
    patch = {"containers": [{"name": "c", "env": [{"name": "B", "value": "3"}], "args": ["y"]}]}
    assert strategic(old, patch) == {
        "containers": [{"name": "c", "image": "i", "env": [ENV[0], {"name": "B", "value": "3"}], "args": ["y"]}]
    }


def test_a_strategic_merge_takes_away_what_it_is_told_to() -> None:
    """Null for a key, $patch: delete for an item."""
    assert strategic({"env": ENV, "x": 1}, {"env": [{"name": "A", "$patch": "delete"}], "x": None}) == {"env": [ENV[1]]}


def test_a_json_merge_replaces_lists() -> None:
    """RFC 7386."""
    assert merge({"env": ENV, "a": {"b": 1, "c": 2}}, {"env": [], "a": {"b": None}}) == {"env": [], "a": {"c": 2}}


def test_a_json_patch_does_its_operations_in_order() -> None:
    """RFC 6902, with escaped slashes and the end of a list."""
    steps: list[Any] = [
        {"op": "test", "path": "/l/0", "value": 1},
        {"op": "add", "path": "/l/-", "value": 3},
        {"op": "remove", "path": "/l/0"},
        {"op": "replace", "path": "/m/a~1b", "value": 5},
        {"op": "move", "from": "/m/c", "path": "/d"},
    ]
    assert json_patch({"l": [1, 2], "m": {"a/b": 4, "c": 6}}, steps) == {"l": [2, 3], "m": {"a/b": 5}, "d": 6}


@pytest.mark.parametrize(
    "step", [{"op": "remove", "path": "/x"}, {"op": "test", "path": "/a", "value": 2}, {"op": "sing", "path": "/a"}]
)
def test_an_operation_that_does_not_apply_is_refused(step: dict[str, Any]) -> None:
    """In the API server's words."""
    with pytest.raises(Failure, match="the server rejected our request"):
        json_patch({"a": 1}, [step])


@given(MAPS, MAPS)
def test_removals_take_away_what_a_manifest_no_longer_says(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What was applied, less the removals, with the new manifest over it, is the new manifest."""
    assert strategic(strategic(before, removals(before, after)), after) == after
