"""`kubectl delete`: pods are put in place anew by their workload; standbys and stored objects go."""

from __future__ import annotations

import contextlib
import sys
from typing import NamedTuple

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube.apply import checked_dry
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import needs_name, select

DELETE = (
    "selector", "wait", "now", "force", "grace-period", "timeout", "ignore-not-found", "all", "all-namespaces", "field-selector",
    "filename", "recursive", "dry-run", "cascade", "output",
)  # fmt: skip
_CLUSTER = "_"
_FORCED = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may "
    "continue to run on the cluster indefinitely."
)


class _Saying(NamedTuple):
    form: str
    suffix: str


def delete(line: Parsed, control: Control) -> int:
    needs_name(line)
    cluster = Cluster(control)
    selected = select(cluster, line)
    if not selected.things and not selected.missing:
        print("No resources found")
    dry = checked_dry(line)
    if line.on("force"):
        print(_FORCED, file=sys.stderr)
    saying = _Saying(line.text("output"), {"client": " (dry run)", "server": " (server dry run)"}.get(dry, ""))
    for thing in selected.things:
        if dry == "none":
            _delete(control, thing)
        _say(thing, saying, forced=line.on("force"))
    if selected.missing and not line.on("ignore-not-found"):
        raise Failure("\n".join(selected.missing))
    return 0


def _say(thing: Thing, saying: _Saying, *, forced: bool) -> None:
    if saying.form == "name":
        print(thing.short)
    else:
        print(f'{thing.kind.short} "{thing.name}" {"force deleted" if forced else "deleted"}{saying.suffix}', flush=True)


def _delete(control: Control, thing: Thing) -> None:
    unit, plural = thing.unit, thing.kind.plural
    if plural == "pods" and unit is not None:
        control.act(unit, "restart", wait=False)
    elif plural == "deployments" and unit is not None and unit.standby_for is not None:
        control.delete(unit)
        _forget(control, thing)
    elif unit is not None or thing.address is not None or plural in ("nodes", "endpoints", "events"):
        raise not_modelled("kubectl", f"deleting {plural}")
    elif plural == "namespaces" and thing.name in ("default", "kube-system", "kube-public"):
        raise Failure(f'Error from server (Forbidden): namespaces "{thing.name}" is forbidden: this namespace may not be deleted')
    elif plural == "ingresses" and thing.stored is None:
        raise not_modelled("kubectl", "deleting the platform's ingress")
    elif thing.stored is None and plural == "pods":
        return  # of a workload that never runs: another one waits in its place
    else:
        if plural == "namespaces":
            _empty(control, thing)
        control.delete_object(thing.kind.kind, thing.namespace or _CLUSTER, thing.name)


def _empty(control: Control, thing: Thing) -> None:
    """What runs in a namespace goes with it: that of the platform itself cannot be taken away here."""
    if any(unit.namespace == thing.name and unit.present and unit.inside for unit in control.state().units):
        raise not_modelled("kubectl", "deleting the namespace of the platform")


def _forget(control: Control, thing: Thing) -> None:
    with contextlib.suppress(Refused):
        control.delete_object(thing.kind.kind, thing.namespace, thing.name)
