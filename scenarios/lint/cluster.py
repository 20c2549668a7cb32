"""Rules: kubectl and helm, used so that the cluster does something else than is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, runs
from scenarios.reading import Runbook

_ORDINAL = re.compile(r"(?:statefulsets?|sts)(?:\.apps)?/(?P<name>[\w.-]+)-(?P<number>\d+)")
_NAMED = re.compile(r"\b(?:statefulsets?|sts)(?:/|\s+)(?P<name>[\w.-]+)")
_SELECTOR = re.compile(r'"selector"\s*:\s*\{\s*"(?P<key>[\w./-]+)"\s*:\s*"(?P<value>[\w.-]+)"')
_OFTEN = re.compile(r"\b(?P<often>hourly|daily|nightly|weekly|monthly|every (?:hour|day|night|week|month))\b", re.IGNORECASE)
_OVERRIDES = re.compile(r"HPA\b.*\boverrid|autoscaler\b.*\boverrid", re.IGNORECASE)
_SUBJECTS = (
    (re.compile(r"\b(?:connection|client)s?\s*(?:pool|limit)\w*|max_connections", re.IGNORECASE), ("conn", "pool")),
    (re.compile(r"\bmemory\b", re.IGNORECASE), ("mem", "heap", "resources", "cache")),
    (re.compile(r"\bcpu\b", re.IGNORECASE), ("cpu", "resources")),
    (re.compile(r"\breplicas?\b", re.IGNORECASE), ("replica", "autoscaling", "count")),
)


@rule("statefulset-ordinal", severity="error", title="The name of a pod where that of a StatefulSet belongs")
def statefulset_ordinal(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`statefulset/db-0` asks for a StatefulSet called db-0. There is none: db-0 is the first pod of the StatefulSet db. kubectl answers `Error from server (NotFound): statefulsets.apps "db-0" not found`, every time, so none of these steps can be carried out. It is an error where the document itself names the StatefulSet without the number, and a warning where it doesn't.

    Bad: `kubectl exec statefulset/db-0 -- psql -c "SELECT 1"`
    Good: `kubectl exec db-0 -- psql -c "SELECT 1"` (this pod) or `kubectl exec statefulset/db -- psql -c "SELECT 1"` (any of its pods)
    """
    named: dict[str, int] = {}
    for run in all_runs(runbook):
        for known in _NAMED.finditer(" ".join(run.simple.values)):
            named.setdefault(known["name"], run.line)
    for run in all_runs(runbook):
        for word in run.simple.arguments if run.simple.program in ("kubectl", "oc") else ():
            found = _ORDINAL.fullmatch(word.text)
            if found is None:
                continue
            name, line = found["name"], named.get(found["name"])
            told = f"; line {line} calls the StatefulSet {name}" if line else ""
            message = f"{name}-{found['number']} is the name of a pod, not of a StatefulSet: kubectl answers NotFound{told}"
            related = (Related(runbook.path, line, f"the StatefulSet is called {name}"),) if line else ()
            yield statefulset_ordinal.finding(runbook, word, message, run.text, related, None if line else "warning")


@rule("wait-before-exists", severity="warning", title="kubectl wait right after the pods were asked for")
def wait_before_exists(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`kubectl wait` with a label fails at once, "error: no matching resources found", while no pod carries that label yet, and waits for the old ones when they still do. Right after `kubectl apply` the pods are not there: whether the step works is a matter of a second.

    Bad: `kubectl apply -f green/` / `kubectl wait --for=condition=ready pod -l version=green`
    Good: `kubectl apply -f green/` / `kubectl rollout status deployment/gateway-green --timeout=300s`
    """
    for procedure in runbook.procedures:
        applied: Run | None = None
        for run in runs(procedure):
            if run.program == "kubectl" and (run.starts("apply") or run.starts("create")):
                applied = run
            elif (
                run.program == "kubectl"
                and run.starts("wait")
                and run.has("-l", "--selector")
                and applied is not None
                and not run.has("--for=delete", "--for=create")
            ):
                message = f"this fails at once when line {applied.line} has not made a pod with that label yet"
                yield wait_before_exists.finding(runbook, run, message, f"{applied.text}\n{run.text}")


@rule("traffic-before-ready", severity="error", title="Traffic is switched to what does not run yet")
def traffic_before_ready(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A Service is pointed at pods that a later step of the same procedure scales up. When they had been scaled to zero, as after a successful blue/green deployment, the Service has no endpoint from the switch until the new pods are ready: the rollback makes a partial outage a complete one.

    Bad: `kubectl patch service gateway -p '{"spec":{"selector":{"version":"blue"}}}'` / `kubectl scale deployment gateway-blue --replicas=3`
    Good: `kubectl scale deployment gateway-blue --replicas=3` / `kubectl rollout status deployment/gateway-blue` / and then the patch
    """
    for procedure in runbook.procedures:
        switched: list[tuple[Run, str]] = []
        for run in runs(procedure):
            if run.program != "kubectl":
                continue
            selector = _SELECTOR.search(run.text) if run.starts("patch") and re.search(r"\b(?:service|svc)\b", run.text) else None
            if selector is not None:
                switched.append((run, selector["value"]))
            if not run.starts("scale") or run.option("--replicas") in (None, "0"):
                continue
            for before, value in switched:
                if any(re.search(rf"(?:^|[-/]){re.escape(value)}$", each) for each in run.values):
                    emptied = next((each for each in all_runs(runbook) if _scales_to_zero(each, run)), None)
                    told = f"; line {emptied.line} scaled it to 0" if emptied is not None else ""
                    related = (
                        Related(runbook.path, run.line, "it is scaled up here"),
                        *((Related(runbook.path, emptied.line, "it was scaled to 0 here"),) if emptied else ()),
                    )
                    message = f"traffic goes to '{value}' before line {run.line} scales it up{told}: until then nothing answers"
                    yield traffic_before_ready.finding(runbook, before, message, f"{before.text}\n{run.text}", related)


@rule("scale-under-hpa", severity="warning", title="A number of replicas that an autoscaler undoes")
def scale_under_hpa(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document says that a HorizontalPodAutoscaler (HPA) sets the number of replicas, and yet scales by hand. The autoscaler puts its own number back, a lower one after its stabilisation window (5 minutes by default): what was scaled up before an event is gone when the load comes. Scaling to 0, which switches the autoscaler off, and back is left alone.

    Bad: `kubectl scale deployment api --replicas=20` under an HPA
    Good: `kubectl patch hpa api -p '{"spec":{"minReplicas":20}}'`
    """
    said = next((number for number, line in enumerate(runbook.source.lines, 1) if _OVERRIDES.search(line)), None)
    if said is None:
        return
    for procedure in runbook.procedures:
        found = [each for each in runs(procedure) if each.program == "kubectl" and each.starts("scale")]
        for run in found:
            if run.option("--replicas") != "0" and not any(_scales_to_zero(each, run) for each in found):
                related = (Related(runbook.path, said, runbook.source.line(said).strip(" #")),)
                message = f"line {said} says that the autoscaler overrides this; set its minReplicas instead"
                yield scale_under_hpa.finding(runbook, run, message, f"{run.text}\n{runbook.source.line(said).strip()}", related)


@rule("made-again", severity="error", title="A regular task that works only once")
def made_again(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A task that is carried out every day, week or month makes a namespace or a database and never removes it. The second time, the command fails with AlreadyExists, and what comes after it works in the leavings of the last run: a restore test then checks an old restore.

    Bad: every day `kubectl create namespace restore-test`
    Good: `kubectl create namespace "restore-test-$(date +%F)"` and, at the end, `kubectl delete namespace ...`
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for run in found:
            words = [each for each in run.values if not each.startswith("-")]
            makes = run.program == "kubectl" and words[:2] in (["create", "namespace"], ["create", "ns"]) and len(words) > 2
            often = (
                _OFTEN.search(f"{' '.join(procedure.section.path)} {run.said} {procedure.purpose} {_first_comments(run)}")
                if makes
                else None
            )
            if often is None or run.has("--dry-run") or "$" in words[2]:
                continue
            if not any(each.program == "kubectl" and each.starts("delete") and words[2] in each.values for each in found):
                message = f"this is done {often['often'].lower()}, and nothing removes {words[2]}: the second run fails with AlreadyExists"
                yield made_again.finding(runbook, run, message, run.text)


@rule("helm-values-dropped", severity="error", title="helm upgrade resets all other values")
def helm_values_dropped(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`helm upgrade --set a=b` with neither --reuse-values nor a values file begins from the chart's defaults: whatever earlier upgrades had set is gone. Raising a memory limit this way also puts the image back to the chart's own tag, in the middle of the incident. It is an error where the document itself sets other values of the same release.

    Bad: `helm upgrade api ./chart --set resources.limits.memory=4Gi`
    Good: `helm upgrade api ./chart --reuse-values --set resources.limits.memory=4Gi`, or with `--values production.yaml`
    """
    calls = [
        each
        for each in all_runs(runbook)
        if each.program == "helm" and each.starts("upgrade") and each.has("--set", "--set-string")
    ]
    for run in calls:
        if run.has("--reuse-values", "--reset-then-reuse-values", "-f", "--values"):
            continue
        release = _release(run)
        mine = set(_keys(run))
        others = [(each, key) for each in calls if _release(each) == release for key in _keys(each) if key not in mine]
        lost = next(((each, key) for each, key in others if "image" in key), others[0] if others else None)
        told = f", such as {lost[1]} of line {lost[0].line}" if lost is not None else ""
        related = (Related(runbook.path, lost[0].line, f"sets {lost[1]}"),) if lost is not None else ()
        message = f"without --reuse-values every other value of the release goes back to the chart's default{told}"
        yield helm_values_dropped.finding(runbook, run, message, run.text, related, None if lost is not None else "warning")


@rule("comment-disagrees", severity="warning", title="The command sets something else than its comment says")
def comment_disagrees(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The comment says what is changed, and the keys that the command sets are about another thing. Under pressure people read the comment and not the key: they believe that the pool of connections has grown, while the database was restarted with another CPU limit.

    Bad: `# Increase connection pool` / `helm upgrade api ./chart --set postgresql.primary.resources.limits.cpu=4000m`
    Good: `# Raise the CPU limit of the database (it restarts)` / the same command
    """
    for run in all_runs(runbook):
        keys = _keys(run) if run.program == "helm" else []
        said = next((each.text for each in run.command.comments if each.place == "above"), run.step.title)
        subjects = [(pattern.search(said), words) for pattern, words in _SUBJECTS]
        named = [(found[0], words) for found, words in subjects if found is not None]
        if keys and named and not any(word in key.lower() for key in keys for _, words in named for word in words):
            message = f"the comment speaks of the {named[0][0].lower()}, and the command sets {', '.join(keys)}"
            yield comment_disagrees.finding(runbook, run, message, f"# {said}\n{run.text}")


@rule("logs-of-one-pod", severity="info", title="The logs of one pod only")
def logs_of_one_pod(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`kubectl logs deployment/api` shows the log of one pod of the deployment, which kubectl chooses ("Found 3 pods, using pod/..."), not of all. The errors, or the traces of an intruder, that stand in the logs of the others are missed. It is a warning where the log is searched or kept as evidence.

    Bad: `kubectl logs deployment/api --since=1h | grep -i error`
    Good: `kubectl logs -l app=api --prefix --tail=-1 --since=1h | grep -i error`, or `--all-pods=true` from kubectl 1.32 on
    """
    for run in all_runs(runbook):
        words = [each for each in run.values if not each.startswith("-")]
        owner = next(
            (
                each
                for each in words
                if re.match(r"(?:deploy(?:ments?)?|statefulsets?|sts|daemonsets?|ds|replicasets?|rs)(?:\.apps)?/", each)
            ),
            None,
        )
        if run.simple.program != "kubectl" or "logs" not in words or owner is None or run.has("--all-pods", "-l", "--selector"):
            continue
        kept = run.simple.pipeline or any(each.operator in (">", ">>") for each in run.simple.redirections)
        message = f"this is the log of one pod of {owner}, whichever kubectl chooses; what the others wrote is missed"
        yield logs_of_one_pod.finding(runbook, run, message, run.text, severity="warning" if kept else None)


def _keys(run: Run) -> list[str]:
    """What `--set` sets."""
    values = run.values
    given = [after for option, after in pairwise(values) if option in ("--set", "--set-string")]
    given += [each.partition("=")[2] for each in values if each.startswith(("--set=", "--set-string="))]
    return [pair.partition("=")[0] for each in given for pair in each.split(",")]


def _release(run: Run) -> str:
    values = run.values
    return values[values.index("upgrade") + 1] if "upgrade" in values[:-1] else ""


def _scales_to_zero(run: Run, other: Run) -> bool:
    """Whether one command scales to 0 what another scales too."""
    same = set(run.values) & {each for each in other.values if not each.startswith("-")} - {
        "scale",
        "deployment",
        "statefulset",
        "deploy",
        "sts",
        "production",
        "staging",
    }
    return run.program == "kubectl" and run.starts("scale") and run.option("--replicas") == "0" and bool(same)


def _first_comments(run: Run) -> str:
    """The comments that a block begins with: they say what all of it is for."""
    head = []
    for line in run.step.fence.body:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        head.append(line.strip("# !"))
    return " ".join(head)
