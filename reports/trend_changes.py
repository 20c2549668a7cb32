"""What changed between two drills: the code and with it the runbooks, versions, how it was drilled, and the scenario line by line."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.store import Store

_HOW = {
    "stack": "stack",
    "engine": "engine",
    "respond": "responder",
    "variant": "settings given by --set",
    "speed": "speed",
    "seed": "seed",
    "runbook": "runbook",
}


@dataclass(frozen=True, slots=True)
class Changes:
    """`facts`: what, before, after. `scenario` is a unified diff, empty where nothing changed; None where one of the two is not known."""

    before: str
    after: str
    facts: tuple[tuple[str, str, str], ...]
    scenario: str | None


def changes(store: Store, before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Between two rows of `Store.drills`."""
    return Changes(str(before["drill"]), str(after["drill"]), tuple(_facts(before, after)), _scenario(store, before, after))


def _facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if before["code"] != after["code"]:
        yield "commit of scenarios and runbooks", _text(before["code"]), _text(after["code"])
    for key, name in _HOW.items():
        if before[key] != after[key] and not (before[key] != before[key] and after[key] != after[key]):
            yield name, _text(before[key]), _text(after[key])
    versions = json.loads(before["versions"]), json.loads(after["versions"])
    for part in sorted({*versions[0], *versions[1]}):
        if versions[0].get(part) != versions[1].get(part):
            yield f"version of {part}", _text(versions[0].get(part)), _text(versions[1].get(part))


def _scenario(store: Store, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    if before["scenario_digest"] == after["scenario_digest"]:
        return "" if before["scenario_digest"] else None
    texts = [store.scenario(str(each["scenario_digest"])) for each in (before, after)]
    if None in texts:
        return None
    old, new = (json.dumps(json.loads(text or "{}"), indent=2, sort_keys=True, ensure_ascii=False).splitlines() for text in texts)
    return "\n".join(difflib.unified_diff(old, new, str(before["drill"]), str(after["drill"]), n=1, lineterm=""))


def _text(value: object) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
