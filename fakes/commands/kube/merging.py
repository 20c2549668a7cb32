"""How a patch changes an object: Kubernetes' strategic merge, the JSON merge of RFC 7386, and the JSON patch of RFC 6902."""

from __future__ import annotations

import copy
import json
from typing import Any

from fakes.commands.entry import Failure

_KEYS = {  # lists that a strategic merge merges by a key, by the name of their field
    "containers": "name", "initContainers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath",
    "imagePullSecrets": "name", "conditions": "type", "secrets": "name",
}  # fmt: skip
_PORTS = ("containerPort", "port")
_DIRECTIVE = "$patch"


def strategic(old: Any, patch: Any, field: str = "") -> Any:
    """`old` with `patch` merged in: maps by key (null removes), lists of named things by name, other lists replaced."""
    if isinstance(patch, dict):
        if patch.get(_DIRECTIVE) == "replace":
            return {key: value for key, value in patch.items() if key != _DIRECTIVE}
        merged = dict(old) if isinstance(old, dict) else {}
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = strategic(merged.get(key), value, key)
        return merged
    if isinstance(patch, list) and isinstance(old, list) and (key := _key(field, patch)):
        return _by_key(old, patch, key)
    return copy.deepcopy(patch)


def _key(field: str, rows: list[Any]) -> str | None:
    if not all(isinstance(row, dict) for row in rows):
        return None
    if field == "ports":
        return next((key for key in _PORTS if all(key in row for row in rows)), None)
    return _KEYS.get(field)


def _by_key(old: list[Any], patch: list[Any], key: str) -> list[Any]:
    rows = list(old)
    for change in patch:
        place = next((place for place, row in enumerate(rows) if row.get(key) == change.get(key)), None)
        if change.get(_DIRECTIVE) == "delete":
            rows = [row for row in rows if row.get(key) != change.get(key)]
        elif place is None:
            rows.append(strategic(None, change))
        else:
            rows[place] = strategic(rows[place], change)
    return rows


def merge(old: Any, patch: Any) -> Any:
    """RFC 7386: maps are merged, null removes, everything else is replaced."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def json_patch(old: Any, operations: list[Any]) -> Any:
    """RFC 6902. Raises Failure in the API server's words when an operation does not apply."""
    root = copy.deepcopy(old)
    for step in operations:
        root = _apply(root, step)
    return root


def _apply(root: Any, step: dict[str, Any]) -> Any:
    verb, path = step.get("op"), str(step.get("path", ""))
    if verb in ("move", "copy"):
        value = _at(root, str(step.get("from", "")))
        root = _apply(root, {"op": "remove", "path": step["from"]}) if verb == "move" else root
        return _apply(root, {"op": "add", "path": path, "value": value})
    if verb == "test":
        if _at(root, path) != step.get("value"):
            raise _refused(f"testing value {path} failed")
        return root
    if verb not in ("add", "remove", "replace"):
        raise _refused(f"Unexpected kind: {verb}")
    parts = _parts(path)
    parent = _at(root, "/" + "/".join(_quoted(part) for part in parts[:-1]) if parts[:-1] else "")
    _change(parent, parts[-1], verb, step, path)
    return root


def _change(parent: Any, last: str, verb: str, step: dict[str, Any], path: str) -> None:
    if isinstance(parent, list):
        place = len(parent) if last == "-" else int(last) if last.isdigit() else -1
        if not 0 <= place <= len(parent) - (verb != "add"):
            raise _refused(f"{verb} operation does not apply: doc is missing path: {path}: missing value")
        parent[place : place + (verb != "add")] = [] if verb == "remove" else [copy.deepcopy(step.get("value"))]
        return
    if verb != "add" and last not in parent:
        why = "Unable to remove nonexistent key" if verb == "remove" else f"{verb} operation does not apply: doc is missing key"
        raise _refused(f"{why}: {last if verb == 'remove' else path}: missing value")
    if verb == "remove":
        del parent[last]
    else:
        parent[last] = copy.deepcopy(step.get("value"))


def _at(root: Any, path: str) -> Any:
    value = root
    for part in _parts(path) if path else []:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise _refused(f"add operation does not apply: doc is missing path: {json.dumps(path)}: missing value") from None
    return value


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _quoted(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _refused(why: str) -> Failure:
    return Failure(f"The request is invalid: the server rejected our request due to an error in our request ({why})")


def removals(before: Any, after: Any, field: str = "") -> Any:
    """A strategic patch that takes away what `before` has and `after` lacks: what a manifest no longer says. {} for nothing."""
    if isinstance(before, dict) and isinstance(after, dict):
        patch = {key: None for key in before if key not in after}
        below = {key: removals(before[key], after[key], key) for key in before if key in after}
        return patch | {key: value for key, value in below.items() if value}
    if isinstance(before, list) and isinstance(after, list) and (key := _key(field, before + after)):
        kept = {row.get(key): row for row in after}
        gone: list[Any] = [{key: row.get(key), _DIRECTIVE: "delete"} for row in before if row.get(key) not in kept]
        rows = [(row.get(key), removals(row, kept[row.get(key)])) for row in before if row.get(key) in kept]
        return gone + [{key: name, **patch} for name, patch in rows if patch]
    return {}
