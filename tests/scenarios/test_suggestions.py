from __future__ import annotations

import pytest

from scenarios.suggestions import hint, nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("heal_after", "heal-after"),
        ("HEAL-AFTER", "heal-after"),
        ("healafter", "heal-after"),
        ("a", "at"),
        ("heal", "heal-after"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_name_forgives_slips(name: str, found: str | None) -> None:
    """Hyphens, case and letters; what is like nothing has no nearest name."""
    assert nearest(name, ["at", "heal-after", "process"]) == found


def test_a_hint_names_the_nearest_or_all() -> None:
    """Without a near one it lists what there is, and not for ever."""
    assert hint("proces", ["at", "process"]) == "; did you mean 'process'?"
    assert hint("zzz", ["process", "at"]) == "; known: at, process"
    assert hint("zzz", [f"n{number:02}" for number in range(20)]).endswith("n10, n11 and 8 more")
    assert hint("zzz", []) == "; there are none"
