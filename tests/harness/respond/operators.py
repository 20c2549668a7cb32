"""A small stack, a workstation for it, and a pager that holds what a test puts into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.respond.workstation import Endpoints, Workstation, build_workstation
from scenarios.model import Stack

STACK = Stack.model_validate(
    {
        "title": "two services",
        "services": {
            "gui-gateway": {
                "program": "gui-gateway",
                "port": 8080,
                "compose": "gui-gateway",
                "depends-on": ["risk-manager", "broker", "pg"],
            },
            "risk-manager": {
                "program": "risk-manager",
                "port": 8084,
                "compose": "risk-manager",
                "deployment": "eafix-risk-manager",
            },
            "broker": {"program": "broker", "port": 9500, "inside": False},
        },
        "datastores": {
            "pg": {"kind": "postgres", "port": 15432, "compose": "postgres"},
            "redis": {"kind": "redis", "port": 16379, "compose": "redis"},
        },
        "addresses": {
            "postgres": {"port": 5432, "selector": {"role": "primary"}},
            "redis": {"port": 6379, "selector": {"app": "redis"}},
        },
        "links": [],
        "monitoring": {"rules": [], "scrape": []},
    }
)


def workstation(
    folder: Path, *, ports: dict[int, int] | None = None, programs: dict[str, Path] | None = None, stack: Stack = STACK
) -> Workstation:
    endpoints = Endpoints("127.0.0.1:6443", "127.0.0.1:9090", "eafix_prod", "eafix", ports or {})
    return build_workstation(folder / "station", stack, endpoints, programs=programs or {})


@dataclass(frozen=True)
class Page:
    """An incident, as far as a responder looks at it."""

    id: str
    title: str


@dataclass
class FakePager:
    """Shows its pages as triggered until they are acknowledged, or resolved behind the responder's back."""

    pages: list[Page] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    resolved: set[str] = field(default_factory=set)
    broken: bool = False

    async def triggered(self) -> list[Page]:
        if self.broken:
            raise HarnessError("the pager does not answer")
        gone = {*self.acknowledged, *self.resolved}
        return [page for page in self.pages if page.id not in gone]

    async def acknowledge(self, incident_id: str, /) -> None:
        if self.broken or incident_id in self.resolved:
            raise HarnessError("Incident Already Resolved")
        self.acknowledged.append(incident_id)
