"""`kubectl scale`, `patch`, `annotate` and `label`, and how an object is changed at once."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import act, merging
from fakes.commands.kube.apply import checked_dry, say
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import NO_RESOURCE, needs_name, select

SCALE = ("replicas", "current-replicas", "timeout", "selector", "filename", "recursive", "all", "dry-run", "output")
PATCH = ("patch", "patch-file", "type", "filename", "recursive", "dry-run", "output")
LABEL = ("all", "all-namespaces", "overwrite", "selector", "field-selector", "filename", "recursive", "dry-run", "output", "list")
_TYPES = ("json", "merge", "strategic")
_SCALED = ("deployments", "statefulsets", "replicasets")
Change = Callable[[dict[str, Any]], dict[str, Any]]


def change_all(line: Parsed, control: Control, things: list[Thing], change: Change, word: str) -> int:
    """Change each of them, and say so: `x patched`, or that it was so already. Raises Failure."""
    cluster = Cluster(control)
    for thing in things:
        wanted = change(copy.deepcopy(thing.object))
        if checked_dry(line) == "none":
            same = not act.become(cluster, thing, wanted)
        else:
            act.check(wanted)
            same = wanted == thing.object
        no_change = " (no change)" if same and word == "patched" else ""
        if word == "patched" or not same:
            say(line, thing.kind.short, thing.name, wanted, word + no_change)
    return 0


def scale(line: Parsed, control: Control) -> int:
    if not line.has("replicas"):
        raise Failure('error: required flag(s) "replicas" not set')
    replicas = line.number("replicas", 0)
    if replicas < 0:
        raise Failure("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    needs_name(line)
    cluster = Cluster(control)
    selected = select(cluster, line)
    things = selected.must()
    if not things:
        raise Failure("error: no objects passed to scale")
    for thing in things:
        if thing.kind.plural not in _SCALED:
            raise Failure(f"error: cannot scale a {thing.kind.short}")
        wanted = int((thing.object.get("spec") or {}).get("replicas", 1))
        if line.has("current-replicas") and line.number("current-replicas", 0) != wanted:
            raise Failure(f"error: Expected replicas to be {line.number('current-replicas', 0)}, was {wanted}")
        if checked_dry(line) == "none":
            act.become(cluster, thing, merging.merge(thing.object, {"spec": {"replicas": replicas}}))
        say(line, thing.kind.short, thing.name, thing.object, "scaled")
    return 0


def patch(line: Parsed, control: Control) -> int:
    if line.has("patch") == line.has("patch-file") or not (line.text("patch") or line.text("patch-file")):
        raise Failure("error: must specify --patch or --patch-file containing the contents of the patch")
    form = line.text("type", "strategic")
    if form not in _TYPES:
        raise Failure(f'error: --type must be one of [{" ".join(_TYPES)}], not "{form}"')
    if not line.words and not line.texts("filename"):
        raise Failure(NO_RESOURCE)
    told = _read_patch(line, form)
    cluster = Cluster(control)
    things = select(cluster, line).must()
    if form == "strategic" and any(thing.kind.group == "cert-manager.io" for thing in things):
        raise Failure(
            "Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types "
            "include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        )
    make = {"json": merging.json_patch, "merge": merging.merge, "strategic": merging.strategic}[form]
    return change_all(line, control, things, lambda item: make(item, told), "patched")


def _read_patch(line: Parsed, form: str) -> Any:
    text = line.text("patch")
    if line.has("patch-file"):
        try:
            with open(line.text("patch-file"), encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise Failure(
                f"error: unable to read patch file: open {line.text('patch-file')}: {(error.strerror or '').lower()}"
            ) from error
    try:
        told: Any = json.loads(text)
    except ValueError as error:
        told = _as_yaml(text, error)
    if not isinstance(told, list if form == "json" else dict):
        kind = "array" if isinstance(told, list) else "object" if isinstance(told, dict) else "value"
        raise Failure(f'error: unable to parse "{text}": json: cannot unmarshal {kind} into Go value of a {form} patch')
    return told


def _as_yaml(text: str, error: ValueError) -> Any:
    from fakes.commands.yaml_text import load_all

    try:
        return load_all(text)[0]
    except (ValueError, IndexError):
        raise Failure(f'error: unable to parse "{text}": {error}') from error


def annotate(line: Parsed, control: Control) -> int:
    return _marked(line, control, "annotations", "annotated")


def label(line: Parsed, control: Control) -> int:
    return _marked(line, control, "labels", "labeled")


def _marked(line: Parsed, control: Control, field: str, word: str) -> int:
    words = [text for text in line.words if "=" not in text and not text.endswith("-")]
    marks = [text for text in line.words if text not in words]
    line = line._replace(words=words)
    if not words and not line.texts("filename"):
        raise Failure("error: one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if not marks and not line.on("list"):
        raise Failure(f"error: at least one {field.removesuffix('s')} update is required")
    needs_name(line)
    things = select(Cluster(control), line).must()
    if line.on("list"):
        for thing in things:
            found = thing.labels if field == "labels" else thing.annotations
            print("".join(f"{key}={value}\n" for key, value in sorted(found.items())), end="")
        return 0
    added = dict(text.split("=", 1) for text in marks if "=" in text)
    removed = [text[:-1] for text in marks if "=" not in text]
    _check_overwrite(line, things, field, added)
    told = {"metadata": {field: {**added, **dict.fromkeys(removed)}}}
    cluster = Cluster(control)
    for thing in things:
        wanted = merging.merge(thing.object, told)
        same = wanted == thing.object
        if not same and checked_dry(line) == "none":
            _mark(cluster, thing, wanted, field)
        gone = field == "labels" and removed and not added
        say(
            line,
            thing.kind.short,
            thing.name,
            wanted,
            ("unlabeled" if gone else word) if not same or field == "annotations" else "not labeled",
        )
    return 0


def _check_overwrite(line: Parsed, things: list[Thing], field: str, added: dict[str, str]) -> None:
    """Raises Failure where a key has another value already."""
    for thing in things:
        found = thing.labels if field == "labels" else thing.annotations
        for key, value in added.items():
            if found.get(key, value) != value and not line.on("overwrite"):
                raise Failure(
                    f"error: --overwrite is false but found the following declared annotation(s): '{key}' already has a value ({found[key]})"
                    if field == "annotations" else f"error: '{key}' already has a value ({found[key]}), and --overwrite is false"
                )  # fmt: skip


def _mark(cluster: Cluster, thing: Thing, wanted: dict[str, Any], field: str) -> None:
    """Labels of what runs are what addresses select by; those the stack itself gives cannot be changed here."""
    if thing.unit is not None and field == "labels":
        own = {
            key
            for key in ("app", "role", "version", "statefulset", *thing.unit.labels)
            if thing.labels.get(key) != wanted["metadata"]["labels"].get(key)
        }
        if own:
            raise not_modelled("kubectl", f"changing the label {', '.join(sorted(own))} of what runs")
    act.become(cluster, thing, wanted)
