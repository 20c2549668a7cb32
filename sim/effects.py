"""What faults do to clients and monitors, and what the commands of a runbook do about it: structure, no figures.

A fault leaves a *condition*: clients' orders or canaries fail while it lasts, and certain verbs end it. A command of a runbook
is recognised by its words and stands for verbs (`restart risk-manager`). Both are simpler than the live stack:
docs/simulation.md says where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from scenarios.faults import Fault
from scenarios.model import Stack

Feels = Literal["path", "never"]  # path: whoever needs the part that is struck
Verb = Literal[
    "restart", "stop", "start", "promote", "no-standby", "readdress", "restore", "copy", "ship-log", "roll-back", "switch-feed", "settings",
    "provision", "verify", "look", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of fault does: is the part out for its clients, does `up` notice, and which verbs end it."""

    out: bool
    seen_by_up: bool = False
    hangs: bool = False  # whoever asks waits for his time-out
    stale: bool = False  # prices grow old: orders are refused only once they are too old
    ended_by: tuple[Verb, ...] = ()


_RESTARTED: tuple[Verb, ...] = ("restart", "start", "provision")
_DATA: tuple[Verb, ...] = ("restore", "provision")
KINDS: Mapping[str, Kind] = {
    "process.kill": Kind(True, True, ended_by=_RESTARTED),
    "process.pause": Kind(True, True, hangs=True, ended_by=_RESTARTED),
    "process.crash-loop": Kind(True, True, ended_by=("roll-back",)),
    "process.slow-start": Kind(True, True, ended_by=("roll-back",)),
    "process.memory-leak": Kind(False, ended_by=_RESTARTED),
    "process.cpu-hog": Kind(True, hangs=True, ended_by=_RESTARTED),
    "process.file-descriptors": Kind(True, True, hangs=True, ended_by=_RESTARTED),
    "service.version": Kind(True, ended_by=("roll-back",)),
    "service.configuration": Kind(True, ended_by=("roll-back", "settings")),
    "link.down": Kind(True, True, ended_by=("provision",)),
    "link.toxic": Kind(True, True, hangs=True, ended_by=("provision",)),
    "link.partition": Kind(True, True, hangs=True, ended_by=("provision",)),
    "link.flap": Kind(True, True, ended_by=("provision",)),
    "site.cut": Kind(True, True, hangs=True, ended_by=("provision",)),
    "site.lost": Kind(True, True, ended_by=("provision",)),
    "feed.stopped": Kind(True, stale=True, ended_by=("switch-feed",)),
    "feed.stale": Kind(True, stale=True, ended_by=("switch-feed",)),
    "provider.refuses": Kind(True, stale=True, ended_by=("switch-feed",)),
    "provider.quota": Kind(True, stale=True, ended_by=("switch-feed", "settings")),
    "feed.out-of-order": Kind(False), "feed.duplicated": Kind(False), "feed.spikes": Kind(False),
    "broker.rejects": Kind(True), "broker.disconnects": Kind(True, ended_by=("settings",)), "broker.slow": Kind(True, hangs=True),
    "broker.double-fills": Kind(False),
    "postgres.heap-corruption": Kind(True, ended_by=_DATA),
    "postgres.index-corruption": Kind(True, ended_by=(*_DATA, "settings")),
    "postgres.dropped-table": Kind(True, ended_by=_DATA),
    "postgres.wrong-update": Kind(False, ended_by=_DATA),
    "postgres.connections-used-up": Kind(True, ended_by=("settings", *_RESTARTED)),
    "postgres.lock-pile-up": Kind(True, hangs=True, ended_by=("settings", *_RESTARTED)),
    "postgres.disk-full": Kind(True, ended_by=("settings",)),
    "postgres.slow-queries": Kind(True, hangs=True, ended_by=("settings",)),
    "postgres.archive-failing": Kind(False), "postgres.replication-lag": Kind(False),
    "redis.flushall": Kind(False), "redis.eviction": Kind(False), "redis.stale-cache": Kind(False), "redis.aof-truncated": Kind(False),
    "redis.memory-full": Kind(True, ended_by=("settings", *_RESTARTED)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a command does. `subjects` are parts of the stack; none: all of them."""

    verb: Verb
    subjects: tuple[str, ...] = ()
    if_down: bool = False  # only where the part does not answer
    off_site: bool = False  # of a restore: from the backups off site


_IGNORED = re.compile(r"^\s*#.*$", re.MULTILINE)
_GUARDED = re.compile(r"\|\|")
_PATTERNS: tuple[tuple[Verb, str], ...] = (
    ("promote", r"kubectl patch statefulset \S+.*POSTGRES_ROLE.*primary|pg_promote|pg_ctl\s.*promote"),
    ("readdress", r"kubectl patch service (?P<name>\S+).*selector"),
    ("no-standby", r"synchronous_standby_names\s*=\s*''"),
    ("copy", r"restore-from-backup\.sh\s.*--replica"),
    ("look", r"restore-from-backup\.sh\s.*--list"),
    ("restore", r"restore-from-backup\.sh\s"),
    ("provision", r"activate-dr-site|terraform apply|create-infrastructure|provision-|rebuild-|helm install|kind create|eksctl create"),
    ("ship-log", r"backup-transaction-log\.sh"),
    ("roll-back", r"kubectl rollout undo (?:deployment/)?(?P<name>\S+)|helm rollback"),
    ("stop", r"eafix-cli services stop --all|docker compose (?:stop|down)\s*$"),
    ("start", r"eafix-cli services start --all|docker compose up -d\s*$"),
    (
        "restart",
        (r"(?:kubectl rollout restart (?:deployment/)?|docker compose (?:re)?start |pm2 restart (?:\S+ --only )?|systemctl (?:re)?start "
        r"|kubectl delete pod )(?P<name>[\w./-]+)"),
    ),
    ("switch-feed", r"data-feed switch"),
    ("settings", r"pg_terminate_backend|config set|ALTER SYSTEM|REINDEX|broker reconnect|kubectl set env|route53 change-resource-record-sets|DROP INDEX|CREATE INDEX|DROP TRIGGER|-X POST \S+/reset|rm -"),
    ("verify", r"database verify|make smoke|curl .*health|eafix-cli test"),
)  # fmt: skip
_COMPILED = tuple((verb, re.compile(pattern, re.MULTILINE)) for verb, pattern in _PATTERNS)
_JOINED = re.compile(r"\\\n\s*")


def actions_of(command: str, stack: Stack, *, verification: bool) -> tuple[Action, ...]:
    """What a step's command does, in its order; a verification only looks."""
    text = _IGNORED.sub("", _JOINED.sub(" ", command))
    if verification:
        return (Action("verify"),)
    found = sorted(_found(text, stack), key=lambda each: each[0])
    return tuple(action for _, action in found) or (Action("look" if _only_looks(text) else "other"),)


def _found(text: str, stack: Stack) -> Iterator[tuple[int, Action]]:
    taken: list[tuple[int, int]] = []
    for verb, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            name = next((value for value in match.groupdict().values() if value), None)
            subjects = _parts(name, stack) if name else ()
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            guarded = verb == "restart" and bool(_GUARDED.search(text[: match.start()] if "{" in text else line))
            yield (
                match.start(),
                Action(verb, subjects, guarded, off_site="off-site" in match.string[match.start() :].split("\n")[0]),
            )


def _only_looks(text: str) -> bool:
    words = (
        "status",
        "logs",
        "history",
        "describe",
        "get ",
        "top ",
        "ps",
        "list",
        "show",
        "psql",
        "ping",
        "info",
        "check",
        "test",
    )
    return any(word in text for word in words)


def _parts(name: str, stack: Stack) -> tuple[str, ...]:
    """The parts of the stack that a command calls so; the name itself where it is none, so that it strikes nothing."""
    bare = name.rpartition("/")[2].strip("'\"")
    services = (
        each for each, service in stack.services.items()
        if bare in {each, service.deployment, service.compose, service.pm2, *service.aliases}
    )  # fmt: skip
    stores = (
        each for each, store in stack.datastores.items() if bare in {each, store.statefulset, store.compose, store.systemd}
    )  # fmt: skip
    addresses = (each for each, address in stack.addresses.items() if bare in {each, address.kubernetes})
    return tuple(dict.fromkeys([*services, *stores, *addresses])) or (bare,)


def strikes(fault: Fault) -> tuple[str, ...]:
    """The parts or links (`a -> b`) that a fault of a scenario file strikes; patterns are left as they are."""
    for field in ("links", "parts"):
        if (several := getattr(fault, field, None)) is not None:
            return tuple(several)
    one = getattr(fault, "process", None)
    return () if one is None else (str(one),)


def harmless(fault: Fault, order_within_ms: float) -> bool:
    """A toxic that slows less than the steady state tolerates, or only shapes the stream; a version that only grows; a disk with room."""
    if fault.fault == "postgres.disk-full":
        return fault.free_mb > 0
    if fault.fault == "link.toxic":
        if fault.toxic in {"slicer", "slow_close", "bandwidth"}:
            return True
        return fault.toxic == "latency" and fault.attributes.get("latency", 0) * 2 < order_within_ms
    return fault.fault == "service.version" and fault.defect == "leak"
