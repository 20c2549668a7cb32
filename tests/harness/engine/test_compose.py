"""The compose file is the stack that a drill needs, and a drill attaches to nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from harness.engine import images
from harness.engine.client import PART, STACK, Engine
from harness.engine.compose import find_project, parts_of_project
from harness.engine.layout import OWNER_PART, PUBLISHED, Part, parts_of
from harness.errors import EngineError
from scenarios.stacks import load_stack

PROJECT = Path(__file__).resolve().parents[3]
FILE = PROJECT / "docker-compose.test.yml"
ENTRY = PROJECT / "harness/engine/entry"
PARTS = parts_of(load_stack("eafix"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]


def test_the_file_has_every_part_and_nothing_more() -> None:
    """As the harness makes them."""
    assert set(SERVICES) == set(PARTS)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_service_is_made_as_the_harness_makes_it(part: Part) -> None:
    """Same image by default, same entry point, same capabilities; only the owner of the network has one of its own."""
    service = SERVICES[part.name]
    variable, default = re.fullmatch(r"\$\{(\w+):-(.+)\}", service["image"]).groups()  # type: ignore[union-attr]
    assert (variable, default) == (images.variable(part.image), images.DEFAULTS[part.image])
    assert service.get("entrypoint") == (list(part.entrypoint) if part.entrypoint else None)
    assert service["command"] == list(part.command)
    assert service.get("environment", {}) == part.environment
    assert (service["cap_drop"], service.get("cap_add", [])) == (["ALL"], list(part.capabilities))
    assert service.get("network_mode") == (None if part.name == OWNER_PART else f"service:{OWNER_PART}")
    assert service["labels"] == {STACK: "eafix", PART: part.name}
    assert service["healthcheck"]["test"]


def test_it_publishes_on_the_loopback_only() -> None:
    """At free ports, so that it takes nobody's."""
    assert SERVICES[OWNER_PART]["ports"] == [f"127.0.0.1::{port}" for port in PUBLISHED]
    assert not any("ports" in service for name, service in SERVICES.items() if name != OWNER_PART)


@pytest.mark.parametrize("name", [name for name in PARTS if name != OWNER_PART])
def test_it_runs_without_a_drill(name: str) -> None:
    """For as long as none is attached each part has settings of its own."""
    kind = "args" if name in ("prometheus", "alertmanager") else "conf"
    assert (ENTRY / f"{name}.{kind}").is_file()


class FakeContainer:
    """What compose tells of a container."""

    def __init__(
        self, project: str, part: str, *, network: str = "container:toxiproxy-id", host: str = "127.0.0.1", **labels: str
    ) -> None:
        self.name, self.id = f"{project}-{part}-1", f"{part}-id"
        self.labels = {"com.docker.compose.project": project, **labels}
        bound = {"8474/tcp": [{"HostIp": host, "HostPort": ""}]} if part == OWNER_PART else None
        self.attrs = {"HostConfig": {"PortBindings": bound, "NetworkMode": network}}


class FakeEngine:
    def __init__(self, *found: FakeContainer) -> None:
        self.found = found

    def containers(self, *labels: str) -> list[FakeContainer]:
        def carries(container: FakeContainer, label: str) -> bool:
            key, _, value = label.partition("=")
            return key in container.labels and value in ("", container.labels[key])

        return [container for container in self.found if all(carries(container, label) for label in labels)]


def stack_of(project: str, *, without: str = "", **options: str) -> list[FakeContainer]:
    names = [name for name in PARTS if name != without]
    return [FakeContainer(project, name, **options, **{STACK: "eafix", PART: name}) for name in names]


def attach(*found: FakeContainer) -> dict[str, Any]:
    return parts_of_project(find_project(cast("Engine", FakeEngine(*found))), PARTS)


def test_the_one_stack_that_was_made_for_drills_is_found() -> None:
    """Beside whatever else runs on the engine."""
    other = FakeContainer("shop", "database")
    assert {part.name for part in attach(*stack_of("drills"), other).values()} == {f"drills-{name}-1" for name in PARTS}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "no compose stack that was made for drills is here. Start one: docker compose -f docker-compose.test.yml up -d"),
        ([FakeContainer("shop", "database")], "no compose stack that was made for drills is here"),
        (
            [*stack_of("a"), *stack_of("b")],
            "several compose stacks were made for drills; choose one: GAMEDAY_COMPOSE_PROJECT=a or b",
        ),
        (
            [*stack_of("a"), FakeContainer("a", "database")],
            "a-database-1 of the compose project a carries no label gameday.stack",
        ),
        (stack_of("a", without="redis"), "the compose stack has no redis"),
        (stack_of("a", host="0.0.0.0"), "a-toxiproxy-1 publishes 8474/tcp beyond this machine's loopback"),
        (stack_of("a", network="bridge"), "a-postgres-primary-1 is not in the network of a-toxiproxy-1"),
    ],
    ids=["nothing", "foreign", "two", "one foreign", "a part is missing", "published", "another network"],
)
def test_a_drill_attaches_to_nothing_else(found: list[FakeContainer], message: str) -> None:
    """No drill ever runs against a system that was not made for drills."""
    with pytest.raises(EngineError) as caught:
        attach(*found)
    assert message in str(caught.value)


def test_a_named_project_must_have_been_made_for_drills_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming one is no way round the label."""
    monkeypatch.setenv("GAMEDAY_COMPOSE_PROJECT", "shop")
    with pytest.raises(EngineError, match="it was not made for drills"):
        attach(*stack_of("drills"), FakeContainer("shop", "database"))
    with pytest.raises(EngineError, match="there is no compose project shop"):
        attach(*stack_of("drills"))
