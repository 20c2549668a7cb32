"""`kubectl set env|image|resources`, and `kubectl edit`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import act, merging
from fakes.commands.kube.change import change_all
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import NO_RESOURCE, needs_name, select
from fakes.commands.processes import attach

ENV = ("env", "list", "overwrite", "containers", "all", "selector", "filename", "recursive", "dry-run", "output")
IMAGE = ("all", "selector", "filename", "recursive", "dry-run", "output")
RESOURCES = ("limits", "requests", "containers", "all", "selector", "filename", "recursive", "dry-run", "output")
EDIT = ("filename", "recursive", "output")
_NONE = "error: one or more resources must be specified as <resource> <name> or <resource>/<name>"
_TEMPLATED = ("deployments", "statefulsets", "daemonsets", "replicasets")
_EDIT_HEAD = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""


def _things(line: Parsed, control: Control, words: list[str], nothing: str = NO_RESOURCE) -> list[Thing]:
    line = line._replace(words=words)
    if not words and not line.texts("filename"):
        raise Failure(nothing)
    needs_name(line)
    things = select(Cluster(control), line).must()
    for thing in things:
        if thing.kind.plural not in _TEMPLATED:
            raise Failure(f"error: {thing.kind.short}/{thing.name} is not supported: no pod template")
    return things


def env(line: Parsed, control: Control) -> int:
    variable = re.compile(r"[A-Za-z_.-][\w.-]*(=|-$)")
    words = [word for word in line.words if not variable.match(word)]
    told = [word for word in line.words if word not in words] + [one for text in line.texts("env") for one in text.split(",")]
    things = _things(line, control, words, _NONE)
    if line.on("list"):
        for thing in things:
            for row in act.containers(thing.object):
                print(f"# {thing.kind.plural} {thing.name}, container {row['name']}")
                print("".join(f"{one['name']}={one.get('value', '')}\n" for one in row.get("env") or []), end="")
        return 0
    if not told:
        raise Failure("error: at least one environment variable must be provided")
    added = dict(word.split("=", 1) for word in told if "=" in word)
    removed = [word[:-1] for word in told if "=" not in word]

    def changed(row: dict[str, Any]) -> dict[str, Any]:
        rows = [one for one in row.get("env") or [] if one["name"] not in removed and one["name"] not in added]
        found = {**row, "env": rows + [{"name": key, "value": value} for key, value in added.items()]}
        return found if found["env"] else {key: value for key, value in found.items() if key != "env"}

    return _in_containers(line, control, things, changed, "env updated")


def image(line: Parsed, control: Control) -> int:
    words = [word for word in line.words if "=" not in word]
    told = dict(word.split("=", 1) for word in line.words if "=" in word)
    things = _things(line, control, words)
    if not told:
        raise Failure("error: at least one image update is required")
    for thing in things:
        names = [row["name"] for row in act.containers(thing.object)]
        for name in told:
            if name not in (*names, "*"):
                raise Failure(f'error: unable to find container named "{name}"')

    def changed(row: dict[str, Any]) -> dict[str, Any]:
        found = told.get(str(row["name"]), told.get("*"))
        return {**row, "image": found} if found else row

    return _in_containers(line, control, things, changed, "image updated")


def resources(line: Parsed, control: Control) -> int:
    if not (line.has("limits") or line.has("requests")):
        raise Failure("error: you must specify an update to requests or limits (in the form of --requests/--limits)")
    told: dict[str, Any] = {}
    for kind in ("limits", "requests"):
        pairs = [one.partition("=") for one in line.text(kind).split(",") if one]
        if any(not value for _, _, value in pairs):
            raise Failure(
                f"error: invalid argument syntax {next(key for key, _, value in pairs if not value)}, expected <resource>=<value>"
            )
        if pairs:
            told[kind] = {key: value for key, _, value in pairs}
    things = _things(line, control, line.words)
    return _in_containers(
        line, control, things, lambda row: merging.merge(row, {"resources": told}), "resource requirements updated"
    )


def _in_containers(line: Parsed, control: Control, things: list[Thing], changed: Any, word: str) -> int:
    chosen = line.text("containers", "*")

    def change(item: dict[str, Any]) -> dict[str, Any]:
        rows = [changed(row) if chosen in ("*", row["name"]) else row for row in act.containers(item)]
        item["spec"]["template"]["spec"]["containers"] = rows
        return item

    return change_all(line, control, things, change, word)


def edit(line: Parsed, control: Control) -> int:
    """Through a temporary file and the operator's editor, as kubectl does it."""
    from fakes.commands.yaml_text import dump, load_all

    if not line.words and not line.texts("filename"):
        raise Failure(NO_RESOURCE)
    cluster = Cluster(control)
    things = select(cluster, line).must()
    if len(things) != 1:
        raise not_modelled("kubectl", "editing several objects at once")
    (thing,) = things
    before = _EDIT_HEAD + dump(thing.object)
    after = _edited(before)
    if after == before:
        print("Edit cancelled, no changes made.", file=sys.stderr)
        return 0
    if not re.sub(r"(?m)^#.*$", "", after).strip():
        print("Edit cancelled, saved file was empty.", file=sys.stderr)
        return 0
    try:
        (wanted,) = load_all(after)
    except ValueError as error:
        raise Failure(f"error: Edit cancelled, no valid changes were saved.\nerror: {error}") from error
    if (
        not isinstance(wanted, dict)
        or (wanted.get("metadata") or {}).get("name") != thing.name
        or wanted.get("kind") != thing.kind.kind
    ):
        raise Failure("error: At least one of apiVersion, kind and name was changed")
    return change_all(line, control, [thing], lambda _item: wanted, "edited")


def _edited(text: str) -> str:
    """What the operator makes of it: the editor of KUBE_EDITOR or EDITOR, else vi, which needs a terminal."""
    editor = os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi"
    with tempfile.NamedTemporaryFile("w", prefix="kubectl-edit-", suffix=".yaml", delete=False) as file:
        file.write(text)
    try:
        command = ["/bin/sh", "-c", f'{editor} "$1"', "sh", file.name]
        if editor == "vi" and not sys.stdin.isatty():
            raise Failure('error: there was a problem with the editor "vi"')
        if attach(command, os.environ, stdin=True):
            raise Failure(f'error: there was a problem with the editor "{editor}"')
        with open(file.name, encoding="utf-8") as changed:
            return changed.read()
    finally:
        os.unlink(file.name)
