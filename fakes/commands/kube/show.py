"""`kubectl get`, and what it has in common with `describe` and `events`."""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import columns, jsonpath, kinds
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import Selected, namespace_of, select
from fakes.commands.kube.table import pairs, print_table

GET = (
    "selector", "output", "all-namespaces", "no-headers", "show-labels", "watch", "label-columns", "ignore-not-found", "field-selector",
    "sort-by", "show-kind", "filename", "recursive", "watch-only",
)  # fmt: skip
EVENTS = ("all-namespaces", "for", "no-headers", "types", "output", "watch")
FORMATS = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml"
_NO_RESOURCE = """You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.

error: Required resource not specified.
Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).
See 'kubectl get -h' for help and examples"""
_WATCH_S = 0.2


def get(line: Parsed, control: Control) -> int:
    if not line.words and not line.texts("filename"):
        raise Failure(_NO_RESOURCE)
    form = checked_form(line.text("output"))
    cluster = Cluster(control)
    selected = select(cluster, line)
    _print(cluster, selected, line, form)
    if selected.missing and not line.on("ignore-not-found"):
        raise Failure("\n".join(selected.missing))
    if line.on("watch") or line.on("watch-only"):
        _watch(cluster, line, form)
    return 0


def checked_form(output: str) -> str:
    """The output format that was asked for. Raises Failure."""
    kind = output.partition("=")[0]
    if kind in ("", "wide", "name", "json", "yaml") and "=" not in output:
        return output
    if kind in ("jsonpath", "custom-columns") and "=" in output:
        return output
    if kind in FORMATS.split(","):
        raise not_modelled("kubectl", f"the output format {output}")
    raise Failure(f'error: unable to match a printer suitable for the output format "{output}", allowed formats are: {FORMATS}')


def _print(cluster: Cluster, selected: Selected, line: Parsed, form: str) -> None:
    things = _sorted(selected.things, line.text("sort-by"))
    if form in ("", "wide"):
        if not things and not selected.missing:
            print(nothing(line), file=sys.stderr)
        print_things(cluster, things, line, wide=form == "wide")
    elif form == "name":
        for thing in things:
            print(thing.short)
    elif form.startswith("custom-columns"):
        _print_custom(things, form.partition("=")[2], headless=line.on("no-headers"))
    elif things or not selected.missing:
        print_objects(
            [thing.object for thing in things], form, single=selected.by_name and len(things) + len(selected.missing) == 1
        )


def nothing(line: Parsed) -> str:
    """What is said when nothing was found."""
    space = namespace_of(line)
    everywhere = space is None or not any(
        kind.namespaced for word in line.words[:1] for one in word.split(",") for kind in kinds.of_word(one)
    )
    return "No resources found" if everywhere else f"No resources found in {space} namespace."


def _sorted(things: list[Thing], path: str) -> list[Thing]:
    if not path:
        return things

    def key(thing: Thing) -> tuple[int, Any]:
        values = jsonpath.found(path, thing.object)
        return (0, "") if not values else (1, values[0]) if isinstance(values[0], int | float) else (2, str(values[0]))

    if things and not any(jsonpath.found(path, thing.object) for thing in things):
        raise Failure(
            f'error: couldn\'t find any field with path "{path if path.startswith("{") else "{" + path + "}"}" in the list of objects'
        )
    return sorted(things, key=key)


def print_things(cluster: Cluster, things: list[Thing], line: Parsed, *, wide: bool) -> None:
    """A table for each kind, in the order in which they come."""
    several = line.on("show-kind") or len({thing.kind for thing in things}) > 1
    extra = [name for text in line.texts("label-columns") for name in text.split(",")]
    everywhere = line.on("all-namespaces")
    for number, (kind, rows) in enumerate(itertools.groupby(things, key=lambda thing: thing.kind)):
        spaced = everywhere and kind.namespaced
        heads = [
            *(["NAMESPACE"] if spaced else []),
            *columns.heads(kind.plural, wide=wide),
            *(name.rpartition("/")[2].upper() for name in extra),
        ]
        table = [] if line.on("no-headers") else [heads + (["LABELS"] if line.on("show-labels") else [])]
        for thing in rows:
            cells = columns.cells(cluster, thing, wide=wide)
            if several:
                cells[0] = f"{kind.short}/{cells[0]}"
            cells = [*([thing.namespace] if spaced else []), *cells, *(thing.labels.get(name, "") for name in extra)]
            table.append(cells + ([pairs(thing.labels) or "<none>"] if line.on("show-labels") else []))
        if number:
            print()
        print_table(table)


def _print_custom(things: list[Thing], spec: str, *, headless: bool) -> None:
    parts = [part.partition(":") for part in spec.split(",")]
    if any(not path for _, _, path in parts):
        bad = next(name for name, _, path in parts if not path)
        raise Failure(f"error: unexpected custom-columns spec: {bad}, expected <header>:<json-path-expr>")
    table = [] if headless else [[name for name, _, _ in parts]]
    for thing in things:
        found = [jsonpath.found(path, thing.object) for _, _, path in parts]
        table.append(
            [",".join(value if isinstance(value, str) else json.dumps(value) for value in values) or "<none>" for values in found]
        )
    print_table(table)


def print_objects(items: list[dict[str, Any]], form: str, *, single: bool) -> None:
    """As JSON, YAML or by JSONPath: the object itself when it was asked for by its name, else a list."""
    root: Any = items[0] if single else {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    if form == "json":
        print(json.dumps(root, indent=4))
    elif form == "yaml":
        from fakes.commands.yaml_text import dump

        print(dump(root), end="")
    else:
        print(jsonpath.render(form.partition("=")[2], root), end="")


def _watch(cluster: Cluster, line: Parsed, form: str) -> None:
    """Print what changes, until somebody ends it."""
    if form not in ("", "wide", "name"):
        raise not_modelled("kubectl", f"get --watch --output={form}")
    before = {thing.short + thing.namespace: thing.object for thing in select(cluster, line).things}
    line.values["no-headers"] = ["true"]
    while True:
        sys.stdout.flush()
        time.sleep(_WATCH_S)
        cluster = cluster.again()
        now = select(cluster, line).things
        changed = [thing for thing in now if before.get(thing.short + thing.namespace) != thing.object]
        before = {thing.short + thing.namespace: thing.object for thing in now}
        if form == "name":
            print("".join(f"{thing.short}\n" for thing in changed), end="")
        elif changed:
            print_things(cluster, changed, line, wide=form == "wide")


def events(line: Parsed, control: Control) -> int:
    """`kubectl events`: the oldest first."""
    cluster = Cluster(control)
    rows = cluster.of(kinds.named("events"), namespace_of(line))
    wanted, types = line.text("for"), [one for text in line.texts("types") for one in text.split(",")]
    if wanted and not re.fullmatch(r"[\w.-]+/[\w.-]+", wanted):
        raise Failure("error: --for must be in resource/name form")
    name = wanted.partition("/")[2]
    rows = [
        row
        for row in rows
        if (not name or str(row.object["involvedObject"]["name"]) in name) and (not types or row.object["type"] in types)
    ]
    if line.has("output") or line.on("watch"):
        raise not_modelled("kubectl", "events --output and --watch")
    if not rows:
        space = namespace_of(line)
        print("No events found." if space is None else f"No events found in {space} namespace.", file=sys.stderr)
        return 0
    spaced = line.on("all-namespaces")
    table = [] if line.on("no-headers") else [[*(["NAMESPACE"] if spaced else []), *columns.EVENT_HEADS]]
    print_table(table + [([row.namespace] if spaced else []) + columns.cells(cluster, row, wide=False) for row in rows])
    return 0
