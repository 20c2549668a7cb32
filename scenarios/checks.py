"""Whether what a scenario names is there: processes, links, toxics' attributes, alerts, targets, a procedure and its bindings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from scenarios.errors import InvalidInput, Problem
from scenarios.faults import Fault
from scenarios.faults.base import Strikes
from scenarios.faults.network import LinkDown, LinkFlap, LinkPartition, LinkToxic, SiteCut
from scenarios.faults.outside import DnsWrong, PartyFault
from scenarios.faults.postgres import ReplicationLag
from scenarios.faults.process import ServiceConfiguration
from scenarios.model import Scenario, Stack
from scenarios.places import siblings
from scenarios.runbook import Procedure, read_document
from scenarios.stacks import link_names, processes
from scenarios.suggestions import hint, nearest
from scenarios.toxics import wrong_attributes
from scenarios.yaml_source import Location, Source, describe

_PLAIN_WORD = re.compile(r"[A-Za-z0-9._:/@%+,=-]+")  # what bash takes as it is, in quotes or out of them
_PROCEDURE: Location = ("response", "procedure")


def fault_problems(source: Source, scenario: Scenario, stack: Stack) -> Iterator[Problem]:
    """Faults and conditions: what they strike, and their names."""
    named: dict[str, str] = {}
    for group, faults in (("conditions", scenario.conditions), ("faults", scenario.faults)):
        for index, fault in enumerate(faults):
            at = (group, index)
            yield from _struck(source, at, fault, stack)
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
    elif isinstance(fault, SiteCut):
        for index, part in enumerate(fault.parts):
            if not any(fnmatchcase(name, part) for name in processes(stack)):
                yield source.problem(
                    f"unknown service or datastore '{part}'{hint(part, processes(stack))}", (*at, "parts", index)
                )
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


def find_procedure(source: Source, scenario: Scenario) -> tuple[Procedure | None, list[Problem]]:
    """The procedure of the scenario's response with its placeholders filled, or None and what is wrong."""
    reference = scenario.response.procedure
    name, mark, anchor = reference.partition("#")
    if not mark or not anchor:
        return None, [source.problem(f"{describe(reference)} names no section; write runbooks/FILE.md#section", _PROCEDURE)]
    try:
        document = read_document(name, source.path)
    except InvalidInput as error:
        if error.problems[0].message != "there is no such file":
            return None, error.problems
        near = hint(name, siblings(name, source.path))
        return None, [source.problem(f"there is no runbook {name}{near}", _PROCEDURE)]
    if anchor not in document.anchors:
        near = hint(anchor, document.anchors)
        return None, [source.problem(f"{name} has no section '{anchor}'{near}", _PROCEDURE)]
    try:
        procedure = document.procedure(anchor)
    except InvalidInput as error:
        return None, error.problems
    problems = list(_bindings(source, procedure, scenario.response.bindings))
    return procedure.bound(scenario.response.bindings), problems


def _bindings(source: Source, procedure: Procedure, bindings: Mapping[str, str]) -> Iterator[Problem]:
    at: Location = ("response", "bindings")
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
