"""`kubectl apply`, and `kubectl create` of files."""

from __future__ import annotations

import json
import sys
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.kube import act
from fakes.commands.kube.cluster import Cluster, Thing, matches
from fakes.commands.kube.manifests import Manifest, read
from fakes.commands.kube.merging import removals, strategic

APPLY = ("filename", "recursive", "dry-run", "selector", "output", "wait", "overwrite", "force")
CREATE = ("filename", "recursive", "dry-run", "selector", "output")
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NO_FILES = "error: must specify one of -f and -k"
_NO_ANNOTATION = (
    "Warning: resource {} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl "
    "apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl "
    "apply. The missing annotation will be patched automatically."
)


def apply(line: Parsed, control: Control) -> int:
    manifests = _manifests(line, "apply")
    failed = []
    for manifest in manifests:
        cluster = Cluster(control)  # each sees what the one before it did
        try:
            said = _applied(cluster, manifest, dry=line.text("dry-run", "none"))
        except Failure as failure:
            if failure.code != 1:
                raise
            failed.append(failure.message)
            continue
        say(line, manifest.kind.short, manifest.name, manifest.object, said)
    if failed:
        raise Failure("\n".join(failed))
    return 0


def _manifests(line: Parsed, verb: str) -> list[Manifest]:
    if line.words:
        raise Failure(f"error: Unexpected args: [{' '.join(line.words)}]\nSee 'kubectl {verb} -h' for help and examples")
    if not line.texts("filename"):
        raise Failure(_NO_FILES)
    checked_dry(line)
    found = [row for row in read(line) if matches(line.text("selector"), dict(row.object["metadata"].get("labels") or {}))]
    if not found:
        raise Failure(f"error: no objects passed to {verb}")
    return found


def checked_dry(line: Parsed) -> str:
    """What `--dry-run` says: none, client or server. Raises Failure."""
    dry = line.text("dry-run", "none")
    if dry not in ("none", "client", "server"):
        raise Failure(f'error: Invalid dry-run value ({dry}). Must be "none", "server", or "client".')
    return dry


def say(line: Parsed, short: str, name: str, item: dict[str, Any], what: str) -> None:
    """`deployment.apps/x configured`, or what `-o` asks for."""
    form = line.text("output")
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(line.text("dry-run", "none"), "")
    if not form:
        print(f"{short}/{name} {what}{suffix}", flush=True)
    elif form == "name":
        print(f"{short}/{name}")
    else:
        from fakes.commands.kube.show import checked_form, print_objects

        print_objects([item], checked_form(form), single=True)


def _applied(cluster: Cluster, manifest: Manifest, *, dry: str) -> str:
    """Bring one object about; the word for what that took."""
    found = cluster.get(manifest.kind, manifest.namespace, manifest.name)
    told = _told(manifest)
    if found is None:
        wanted = strategic(manifest.object, {"metadata": {"annotations": {APPLIED: told}}})
        _needs_namespace(cluster, manifest)
        if dry == "none":
            act.put(cluster, wanted)
        else:
            act.check(wanted)
        return "created"
    before = found.annotations.get(APPLIED)
    if before is None and found.made_s and found.unit is None:
        print(_NO_ANNOTATION.format(f"{manifest.kind.plural}/{manifest.name}"), file=sys.stderr)
    wanted = merged(found, manifest.object, before)
    wanted = strategic(wanted, {"metadata": {"annotations": {APPLIED: told}}})
    if wanted == found.object:
        return "unchanged"
    if dry == "none":
        act.become(cluster, found, wanted)
    else:
        act.check(wanted)
    return "configured"


def _told(manifest: Manifest) -> str:
    return json.dumps(manifest.object, sort_keys=True, separators=(",", ":")) + "\n"


def merged(found: Thing, manifest: dict[str, Any], before: str | None) -> dict[str, Any]:
    """The object with the manifest put over it, and without what only the manifest before it said."""
    gone = removals(json.loads(before), manifest) if before else {}
    cleared = strategic(found.object, gone) if gone else found.object
    result: dict[str, Any] = strategic(cleared, {key: value for key, value in manifest.items() if key != "status"})
    return act.encoded(result)


def _needs_namespace(cluster: Cluster, manifest: Manifest) -> None:
    if not manifest.kind.namespaced:
        return
    try:
        cluster.require_namespace(manifest.namespace)
    except Failure as failure:
        text = failure.message.removeprefix("Error from server (NotFound): ")
        raise Failure(f'Error from server (NotFound): error when creating "{manifest.source}": {text}') from None


def create_files(line: Parsed, control: Control) -> int:
    """`kubectl create -f`: what is there already is an error."""
    failed = []
    for manifest in _manifests(line, "create"):
        cluster = Cluster(control)
        if cluster.get(manifest.kind, manifest.namespace, manifest.name):
            failed.append(
                f'Error from server (AlreadyExists): error when creating "{manifest.source}": '
                f'{manifest.kind.qualified} "{manifest.name}" already exists'
            )
            continue
        _needs_namespace(cluster, manifest)
        if checked_dry(line) == "none":
            act.put(cluster, manifest.object)
        say(line, manifest.kind.short, manifest.name, manifest.object, "created")
    if failed:
        raise Failure("\n".join(failed))
    return 0
