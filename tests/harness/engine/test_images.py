"""Which images a containers stack uses."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.engine import images
from harness.engine.client import Engine
from harness.errors import EngineError


class FakeEngine:
    """An engine that has some images, and can get or build some more."""

    def __init__(self, *here: str, refuses: bool = False) -> None:
        self.here, self.pulled, self.built, self.refuses = set(here), [], [], refuses  # type: tuple[set[str], list[str], list[str], bool]

    def has_image(self, name: str) -> bool:
        return name in self.here

    def pull_image(self, name: str) -> None:
        if self.refuses:
            raise EngineError(f"the Docker engine could not pull {name}: no such host.")
        self.pulled.append(name)

    def build_image(self, name: str, *_: Any) -> None:
        self.built.append(name)


def provide(engine: FakeEngine, names: dict[str, str]) -> list[str]:
    """What was told meanwhile."""
    told: list[str] = []
    images.provide(cast("Engine", engine), names, told.append)
    return told


@pytest.mark.parametrize("part", images.DEFAULTS)
def test_the_defaults_are_pinned_by_version(part: str) -> None:
    """A tag with a number in it, never `latest`: a drill of today and one of next month use the same."""
    _, _, tag = images.DEFAULTS[part].rpartition(":")
    assert any(letter.isdigit() for letter in tag)
    assert "/" not in tag


def test_each_image_can_be_chosen() -> None:
    """Those that are not named stay what they are."""
    names = images.image_names({"GAMEDAY_IMAGE_POSTGRES": "mirror/postgres:17", "GAMEDAY_IMAGE_REDIS": ""})
    assert names["postgres"] == "mirror/postgres:17"
    assert names["redis"] == images.DEFAULTS["redis"]
    assert set(names) == {*images.DEFAULTS, "drill"}


def test_what_is_missing_is_pulled_and_our_own_is_built() -> None:
    """What is there is left alone: no registry is asked for it."""
    names = images.image_names({})
    engine = FakeEngine(names["postgres"], names["redis"])
    told = provide(engine, names)
    assert set(engine.pulled) == {names[part] for part in ("toxiproxy", "prometheus", "alertmanager")}
    assert engine.built == [names["drill"]]
    assert "pulling the image ghcr.io/shopify/toxiproxy:2.12.0 ..." in told
    assert len(told) == 4, "whoever waits is told for what"


def test_an_image_that_somebody_named_is_not_built() -> None:
    """Ours is built only under our own name."""
    engine = FakeEngine()
    provide(engine, {"drill": "mine:1"})
    assert (engine.pulled, engine.built) == (["mine:1"], [])


def test_a_missing_image_is_told_with_the_variable_that_names_another() -> None:
    """And with the stack that needs none."""
    with pytest.raises(EngineError, match=r"the image redis:0 \(redis\) .* GAMEDAY_IMAGE_REDIS=.*--stack embedded"):
        provide(FakeEngine(refuses=True), {"redis": "redis:0"})
