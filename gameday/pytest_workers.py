"""How pytest-xdist spreads game days: what belongs to one drill goes to one worker, every other test wherever there is room."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadGroupScheduling, LoadScopeScheduling

_CARRIED_OUT = (".yaml", ".yml", ".md", ".markdown")


def scope_of(nodeid: str) -> str:
    """`catalogue/redis-outage.yaml` for each of its tests; `runbooks/x.md::section` for each of its steps; else the test itself."""
    file, _, rest = nodeid.partition("::")
    return nodeid.rpartition("::")[0] if rest and file.endswith(_CARRIED_OUT) else nodeid


class _DrillByDrill(LoadScopeScheduling):  # type: ignore[misc]  # xdist comes without types
    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


class _DrillByDrillAndGroups(LoadGroupScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        scope = scope_of(nodeid)
        return scope if scope != nodeid else str(super()._split_scope(nodeid))


def drill_by_drill(config: Any, log: Any) -> Any:
    """xdist's scheduler by scope with these scopes; with `--dist loadgroup` other tests keep their groups."""
    return (_DrillByDrillAndGroups if config.getoption("dist") == "loadgroup" else _DrillByDrill)(config, log)
