"""What has run of a service: its revisions, each a version with its environment, as a deployment of a cluster keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `cause` says who made it; `at_s` is documented time."""

    revision: int
    version: str
    environment: Mapping[str, str]
    defect: str = ""
    cause: str = ""
    at_s: float = 0.0


@dataclass
class Releases:
    """The revisions of one service, oldest first; there is always one."""

    revisions: list[Revision] = field(default_factory=list)

    @classmethod
    def of(cls, version: str) -> Releases:
        return cls([Revision(1, version, {})])

    @property
    def current(self) -> Revision:
        return self.revisions[-1]

    def configure(self, change: Mapping[str, Any], at_s: float) -> Revision:
        """A new revision: `version`, `environment` (merged; null removes), `defect`, `cause`. A new version has no defect unless it is told."""
        now = self.current
        environment = {**now.environment, **(change.get("environment") or {})}
        version = str(change.get("version") or now.version)
        same = version == now.version
        return self._add(
            replace(
                now,
                version=version,
                environment={str(key): str(value) for key, value in environment.items() if value is not None},
                defect=str(change.get("defect", now.defect if same else "") or ""),
                cause=str(change.get("cause") or ""),
            ),
            at_s,
        )

    def undo(self, revision: int | None, at_s: float) -> Revision:
        """Back to a revision, or to the one before; recorded as a new one. Raises HarnessError when there is none."""
        if revision is None:
            found = next((each for each in reversed(self.revisions[:-1]) if not _same(each, self.current)), None)
        else:
            found = next((each for each in self.revisions if each.revision == revision), None)
        if found is None:
            raise HarnessError(f"there is no revision {revision}" if revision is not None else "there is no earlier revision")
        return self._add(replace(found, cause=f"rollback to {found.revision}"), at_s)

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(each) for each in self.revisions]

    def _add(self, made: Revision, at_s: float) -> Revision:
        self.revisions.append(replace(made, revision=self.current.revision + 1, at_s=round(at_s, 6)))
        return self.current


def _same(one: Revision, other: Revision) -> bool:
    return (one.version, dict(one.environment), one.defect) == (other.version, dict(other.environment), other.defect)
