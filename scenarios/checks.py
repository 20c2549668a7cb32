"""Whether what a scenario names is there: processes, links, toxics' attributes, alerts, targets, a procedure and its bindings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Literal

from scenarios.errors import InvalidInput, Problem
from scenarios.faults import Fault
from scenarios.faults.backup import BackupFault
from scenarios.faults.base import Strikes
from scenarios.faults.network import LinkDown, LinkFlap, LinkPartition, LinkToxic, SiteCut, SiteLost
from scenarios.faults.outside import DnsWrong, PartyFault
from scenarios.faults.postgres import ReplicationLag
from scenarios.faults.process import ServiceConfiguration
from scenarios.model import Change, Response, Scenario, Stack
from scenarios.places import siblings
from scenarios.runbook import Procedure, read_document
from scenarios.stacks import link_names, processes
from scenarios.suggestions import hint, nearest
from scenarios.toxics import wrong_attributes
from scenarios.yaml_source import Location, Source, describe

_PLAIN_WORD = re.compile(r"[A-Za-z0-9._:/@%+,=-]+")  # what bash takes as it is, in quotes or out of them


def fault_problems(source: Source, scenario: Scenario, stack: Stack) -> Iterator[Problem]:
    """Faults and conditions: what they strike, and their names."""
    named: dict[str, str] = {}
    for group, faults in (("conditions", scenario.conditions), ("faults", scenario.faults)):
        for index, fault in enumerate(faults):
            at = (group, index)
            yield from _struck(source, at, fault, stack)
            if isinstance(fault, BackupFault) and not scenario.settings.get(
                "backup.enabled", stack.settings.get("backup.enabled")
            ):
                yield source.problem(
                    f"{fault.fault}, and no backup is taken in this scenario; add settings: {{backup.enabled: true}}",
                    (*at, "fault"),
                )
            if fault.name is None:
                continue
            if fault.name in named:
                yield source.problem(f"the name '{fault.name}' belongs to {named[fault.name]} already", (*at, "name"))
            named.setdefault(fault.name, f"entry {index + 1} of {group}")


def _struck(source: Source, at: Location, fault: Fault, stack: Stack) -> Iterator[Problem]:
    if isinstance(fault, LinkDown | LinkFlap | LinkPartition | LinkToxic):
        yield from _links(source, at, fault.links, link_names(stack, with_addresses=not isinstance(fault, LinkToxic)))
        if isinstance(fault, LinkToxic):
            for attribute, message in wrong_attributes(fault.toxic, fault.attributes):
                place: Location = (*at, "attributes") if attribute is None else (*at, "attributes", attribute)
                yield source.problem(message, place, key=True)
    elif isinstance(fault, SiteCut | SiteLost):
        yield from _site(source, at, fault, stack)
    elif isinstance(fault, DnsWrong | PartyFault):
        yield from _outside(source, at, fault, stack)
    elif (struck := getattr(fault, "process", None)) is not None and struck not in (known := _known(fault.strikes, stack)):
        yield source.problem(f"unknown {_CALLED[fault.strikes]} '{struck}'{hint(struck, known)}", (*at, "process"))
    elif isinstance(fault, ReplicationLag) and stack.datastores[fault.process].replica_of is None:
        replicas = [name for name, each in stack.datastores.items() if each.replica_of]
        yield source.problem(f"'{fault.process}' is no replica{hint(fault.process, replicas)}", (*at, "process"))
    elif isinstance(fault, ServiceConfiguration):
        settings = {*stack.settings, *stack.services[fault.process].settings}
        if fault.setting not in settings:
            yield source.problem(f"unknown setting '{fault.setting}'{hint(fault.setting, settings)}", (*at, "setting"))


def _site(source: Source, at: Location, fault: SiteCut | SiteLost, stack: Stack) -> Iterator[Problem]:
    """A site of the stack, or parts of it by name."""
    known = () if stack.sites is None else (stack.sites.first, stack.sites.second)
    if fault.site is not None and fault.site not in known:
        what = hint(fault.site, known) if known else "; this stack has no sites"
        yield source.problem(f"unknown site '{fault.site}'{what}", (*at, "site"))
    for index, part in enumerate(fault.parts if isinstance(fault, SiteCut) else ()):
        if not any(fnmatchcase(name, part) for name in processes(stack)):
            yield source.problem(f"unknown service or datastore '{part}'{hint(part, processes(stack))}", (*at, "parts", index))


def _outside(source: Source, at: Location, fault: DnsWrong | PartyFault, stack: Stack) -> Iterator[Problem]:
    """A party of the wrong kind; a name that nobody has, or that somebody else shall answer to."""
    if isinstance(fault, PartyFault):
        there = [name for name, each in stack.services.items() if each.program in fault.programs]
        if fault.process not in there:
            message = f"'{fault.process}' is no {fault.programs[0]} of this stack{hint(fault.process, there)}"
            yield source.problem(message, (*at, "process"))
        return
    addresses = sorted({*stack.services, *stack.addresses})
    if fault.address not in addresses:
        yield source.problem(f"unknown service address '{fault.address}'{hint(fault.address, addresses)}", (*at, "address"))
    if fault.to is not None and fault.to not in stack.services:
        yield source.problem(f"unknown service '{fault.to}'{hint(fault.to, sorted(stack.services))}", (*at, "to"))
    elif fault.to == fault.address:
        yield source.problem(f"to: {fault.to} is who should answer; name another service, or nobody", (*at, "to"))


_CALLED: Mapping[Strikes, str] = {
    "process": "process", "service": "service", "postgres": "instance of Postgres", "redis": "instance of Redis",
}  # fmt: skip


def _known(strikes: Strikes, stack: Stack) -> Sequence[str]:
    """What a fault of this kind may name."""
    if strikes == "process":
        return processes(stack)
    return sorted(
        stack.services if strikes == "service" else (name for name, each in stack.datastores.items() if each.kind == strikes)
    )


def _links(source: Source, at: Location, patterns: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    for index, pattern in enumerate(patterns):
        if not any(fnmatchcase(name, pattern) for name in known):
            yield source.problem(f"no link matches '{pattern}'{_link_hint(pattern, known)}", (*at, "links", index))


def _link_hint(pattern: str, known: Sequence[str]) -> str:
    """The nearest link, each end by itself, so that `* -> reddis` becomes `* -> redis`."""
    source, arrow, to = (part.strip() for part in pattern.partition("->"))
    if not arrow:
        return "; write 'from -> to'"
    ends = [name.split(" -> ") for name in known]
    left = source if "*" in source else nearest(source, {each[0] for each in ends})
    right = to if "*" in to else nearest(to, {each[1] for each in ends})
    corrected = f"{left} -> {right}"
    if left and right and any(fnmatchcase(name, corrected) for name in known):
        return f"; did you mean '{corrected}'?"
    alike = [
        name for name, each in zip(known, ends, strict=True) if left in (None, "*", each[0]) and right in (None, "*", each[1])
    ]
    from_there = [name for name, each in zip(known, ends, strict=True) if each[0] == left]
    return hint(pattern, alike or from_there or known)


def name_problems(source: Source, names: Sequence[str], at: Location, what: str, known: Collection[str]) -> Iterator[Problem]:
    """A list of names, each of which must be known."""
    for index, name in enumerate(names):
        if name not in known:
            yield source.problem(f"unknown {what} '{name}'{hint(name, known)}", (*at, index))


def updates_problems(source: Source, scenario: Scenario, stack: Stack) -> Iterator[Problem]:
    """Status updates need a chat to be posted in."""
    if scenario.response.updates is not None and not any(each.program == "chat" for each in stack.services.values()):
        yield source.problem("the stack has no service that runs the program 'chat'", ("response", "updates"), key=True)


def find_procedure(
    source: Source, carried_out: Response | Change, key: Literal["response", "change"] = "response"
) -> tuple[Procedure | None, list[Problem]]:
    """The procedure of the scenario's response or change with its placeholders filled, or None and what is wrong.

    Those of `then` follow it as if they stood in one section.
    """
    procedure, problems = _section(source, carried_out.procedure, (key, "procedure"))
    for index, reference in enumerate(carried_out.then if isinstance(carried_out, Response) else ()):
        further, more = _section(source, reference, (key, "then", index))
        problems += more
        if procedure is not None and further is not None:
            procedure = replace(procedure, steps=(*procedure.steps, *further.steps))
    if procedure is None or problems:
        return None, problems
    problems += _bindings(source, procedure, carried_out.bindings, (key, "bindings"))
    return procedure.bound(carried_out.bindings), problems


def _section(source: Source, reference: str, at: Location) -> tuple[Procedure | None, list[Problem]]:
    name, mark, anchor = reference.partition("#")
    if not mark or not anchor:
        return None, [source.problem(f"{describe(reference)} names no section; write runbooks/FILE.md#section", at)]
    try:
        document = read_document(name, source.path)
    except InvalidInput as error:
        if error.problems[0].message != "there is no such file":
            return None, error.problems
        near = hint(name, siblings(name, source.path))
        return None, [source.problem(f"there is no runbook {name}{near}", at)]
    if anchor not in document.anchors:
        near = hint(anchor, document.anchors)
        return None, [source.problem(f"{name} has no section '{anchor}'{near}", at)]
    try:
        return document.procedure(anchor), []
    except InvalidInput as error:
        return None, error.problems


def _bindings(source: Source, procedure: Procedure, bindings: Mapping[str, str], at: Location) -> Iterator[Problem]:
    for name in sorted(procedure.placeholders - bindings.keys()):
        step = next(step for step in procedure.steps if name in step.placeholders)
        message = (
            f"the step '{step.name}' of {procedure.reference} needs a value for <{name}>; bind it: bindings: {{{name}: ...}}"
        )
        yield source.problem(message, at)
    for name, value in bindings.items():
        if name not in procedure.placeholders:
            yield source.problem(
                f"{procedure.reference} has no placeholder <{name}>{hint(name, procedure.placeholders)}", (*at, name), key=True
            )
        elif not _PLAIN_WORD.fullmatch(value):
            message = (
                f"{name}: {describe(value)} would not stay one word in a command; use letters, digits and . _ : / @ % + , = -"
            )
            yield source.problem(message, (*at, name))
