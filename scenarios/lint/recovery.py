"""Rules: failing over. What makes two primaries out of one, or leaves clients at the dead one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, runs
from scenarios.model import Stack
from scenarios.reading import Runbook

_PROMOTES = re.compile(
    r"\bpg_ctl\b.*\bpromote\b|\bpg_promote\s*\(|\bpg_ctlcluster\b.*\bpromote\b|_ROLE[\"']?\s*,\s*\"value\"\s*:\s*\"(?:primary|master)\"|\bREPLICAOF\s+NO\s+ONE\b|\bSLAVEOF\s+NO\s+ONE\b",
    re.IGNORECASE,
)
_OTHER_SITE = re.compile(r"\bactivate-dr\b|\bactivate[-_]secondary\b|--site[= ]dr\b|--confirm-dr\b", re.IGNORECASE)
_TRADES = re.compile(r"\btrading\s+(?:enable|start)\b|\b(?:start|enable)-trading\b", re.IGNORECASE)
_FENCES = re.compile(
    r"\bpg_ctl\b.*\bstop\b|\bsystemctl\b.*\bstop\b|\bfence|\bstonith\b|--replicas[= ]0\b|\"replicas\"\s*:\s*0|\bcordon\b|\btrading\s+stop\b|\bservices\s+stop\b|stop-trading|emergency-stop"
    r"|\bdocker\b.*\b(?:stop|kill|pause)\b|\bpm2\s+stop\b|\bkubectl\b.*\bdelete\s+(?:pod|statefulset|sts)\b|\bnetwork\s+disconnect\b|\bpkill\b|\bkill\b|\biptables\b|\bpg_hba\b|default_transaction_read_only",
    re.IGNORECASE,
)  # fmt: skip
_PROBES = re.compile(r"\bping\b|\bpg_isready\b|\bhealth", re.IGNORECASE)
_AGAIN = re.compile(r"\bfor\b|\bwhile\b|\buntil\b|--retries\b|--attempts\b|--count\b|\bseq\b")
_ASKS_ROLE = re.compile(r"\bpg_is_in_recovery\b|\btransaction_read_only\b|\btarget_session_attrs=(?:read-write|primary)\b")
_SELECTOR = re.compile(r"\"selector\"\s*:\s*\{\s*\"(?P<key>[\w./-]+)\"\s*:\s*\"(?P<value>[\w.-]+)\"")
_RESTARTS = re.compile(r"\brollout\s+restart\b|\bcompose\b.*\b(?:restart|up)\b|\bpm2\s+(?:restart|reload)\b")


@rule("promotion-without-fencing", severity="error", title="A new primary while the old one may live")
def promotion_without_fencing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A standby becomes primary, or another site takes over, and no step before stops the old one or cuts it off. A primary that doesn't answer is often only slow, or cut off from whoever asks: when it comes back, two of them take writes (split brain), each has orders that the other lacks, and no restart puts them together again. With two sites that trade, every order may be placed twice.

    Bad: `pg_ctl promote -D /standby` as the first step
    Good: `kubectl scale statefulset/postgres --replicas=0` and a look that it is gone, and then the promotion
    """
    for procedure in runbook.procedures:
        fenced, told = False, False
        for run in runs(procedure):
            promotes = _PROMOTES.search(run.text) is not None
            takes_over = _OTHER_SITE.search(run.text) is not None or (_TRADES.search(run.text) is not None and "site" in run.text)
            if (promotes or takes_over) and not fenced and not told:
                told = True
                what = "the old primary" if promotes else "the failed site"
                harm = "both take writes" if promotes else "both trade"
                yield promotion_without_fencing.finding(
                    runbook, run, f"no step before this stops {what} or cuts it off: if it comes back, {harm}", run.text
                )
            fenced = fenced or _FENCES.search(run.text) is not None


@rule("promotion-on-one-probe", severity="warning", title="A failover that one lost packet starts")
def promotion_on_one_probe(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The failover begins as soon as one single probe fails. A lost packet, a slow second, a restart that takes care of itself are enough, and a failover costs more than they do: connections are cut, the last writes may be lost, and there is no way back that is as quick.

    Bad: `if ! pg_isready -h db; then promote; fi`
    Good: `for try in 1 2 3 4 5; do pg_isready -h db && exit; sleep 2; done` and then the promotion
    """
    for procedure in runbook.procedures:
        for run in runs(procedure):
            script = run.command.script
            if script is None or not _PROMOTES.search(run.text) or "if" not in run.simple.within:
                continue
            probes = [
                each
                for each in script.commands
                if "condition" in each.within and _PROBES.search(each.text) and each.line <= run.line
            ]
            if (
                len(probes) == 1
                and not _AGAIN.search(run.command.text.split(probes[0].text)[0])
                and not _AGAIN.search(probes[0].text)
            ):
                message = f"one failed probe, at line {probes[0].line}, is enough to promote; ask several times before"
                yield promotion_on_one_probe.finding(
                    runbook, (probes[0].line, probes[0].column), message, f"{probes[0].text}\n{run.text}"
                )


@rule("failover-leaves-clients", severity="warning", title="After the failover, clients stay at the old address")
def failover_leaves_clients(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """After a promotion the new primary must be reachable under the address that clients use, and all of them must connect anew. Here the Service is told to select pods by a label that no step gives to the promoted pod, so that it finds the old primary or nothing, and no step looks at the address afterwards; or, where the stack is known (`--stack`, whose pods are taken to carry the label of their role), some of the services with a link to the database are missing among those that are restarted, and hold on to connections that lead nowhere.

    Bad: promotion by an environment variable, and then `kubectl patch service db -p '{"spec":{"selector":{"role":"primary"}}}'`
    Good: `kubectl label pod db-replica-0 role=primary --overwrite` before it, and then a restart of every service with a link to the database
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        promotion = next((each for each in found if _PROMOTES.search(each.text)), None)
        if promotion is None:
            continue
        for run in found:
            selector = (
                _SELECTOR.search(run.text)
                if run.program == "kubectl" and run.starts("patch") and run.line > promotion.line
                else None
            )
            if selector is None or context.stack is not None or _looked(found, run):
                continue
            if not _labelled(found, selector["key"], selector["value"]):
                label = f"{selector['key']}={selector['value']}"
                message = f"the Service selects {label}, but no step gives that label to the promoted pod: unless its image does, the old primary is found, or nothing"
                yield failover_leaves_clients.finding(runbook, run, message, f"{promotion.text}\n{run.text}")
        left = _left(context.stack, found) if context.stack is not None else []
        restarts = [each for each in found if _RESTARTS.search(each.text)]
        if left and restarts:
            message = f"these have a link to the database too and are not restarted: {', '.join(left)}"
            evidence = "\n".join(each.text for each in restarts)
            yield failover_leaves_clients.finding(runbook, restarts[0], message, evidence)


def _looked(found: Sequence[Run], switch: Run) -> bool:
    """Whether a step after the switch asks at the address itself if a primary answers there: what the Service found is then seen."""
    return any(each.line > switch.line and each.reach.place == "here" and _ASKS_ROLE.search(each.text) for each in found)


def _labelled(found: Sequence[Run], key: str, value: str) -> bool:
    """Whether a step gives pods this label."""
    label = re.compile(
        rf"\b{re.escape(key)}={re.escape(value)}\b|\"labels\"\s*:\s*\{{[^}}]*\"{re.escape(key)}\"\s*:\s*\"{re.escape(value)}\""
    )
    return any(label.search(each.text) for each in found if "label" in each.text)


def _left(stack: Stack, found: Sequence[Run]) -> list[str]:
    """The services with a link to the primary database that no command names, by their own name or their deployment's."""
    primaries = {each.statefulset for each in stack.datastores.values() if each.kind == "postgres" and each.replica_of is None}
    addresses = {
        name
        for name, each in stack.addresses.items()
        if each.selector.get("app") in primaries and each.selector.get("role") != "replica"
    }
    said = " ".join(each.text for each in found)
    clients = {link.source for link in stack.links if link.to in addresses} & stack.services.keys()
    named = {
        name: {name, stack.services[name].deployment or name} for name in clients if stack.services[name].program != "exporter"
    }
    return sorted(name for name, names in named.items() if not any(each in said for each in names))
