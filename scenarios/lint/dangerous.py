"""Rules: commands that destroy or expose something, without the guard that would make them safe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, runs
from scenarios.reading import Runbook, embedded

_FLUSH = re.compile(r"\b(?P<verb>FLUSHALL|FLUSHDB)\b", re.IGNORECASE)
_DATA_FOLDERS = re.compile(
    r"/var/lib/(?:redis|postgresql|pgsql|mysql|mongodb|prometheus|grafana|docker|kafka)\b|\bpgdata\b|\$\{?PGDATA\b", re.IGNORECASE
)
_DESTROYS = re.compile(
    r"\bDROP\s+(?:DATABASE|SCHEMA|TABLE|TABLESPACE)\b(?:\s+IF\s+EXISTS)?\s+(?P<dropped>[\w.\"]+)|\bTRUNCATE\s+(?:TABLE\s+)?(?P<emptied>[\w.\"]+)"
    r"|\bDELETE\s+FROM\s+(?P<deleted>[\w.\"]+)\s*(?:;|$)",
    re.IGNORECASE,
)
_SCRATCH = re.compile(
    r"sample|example|recover|restor|scratch|drill|test|staging|sandbox|tmp|temp|copy|clone|demo|dev\b|old\b|_new\b", re.IGNORECASE
)
_SAVES = re.compile(
    r"\bpg_dump(?:all)?\b|\bpg_basebackup\b|\b(?:BG)?SAVE\b|\bbackup\b|\bsnapshot\b|--rdb\b|\brsync\b", re.IGNORECASE
)
_KEEPS = ("deployment", "deploy", "service", "svc", "configmap", "cm", "secret", "statefulset", "sts", "ingress", "ing")
_VOLUMES = (
    "pvc",
    "pvcs",
    "persistentvolumeclaim",
    "persistentvolumeclaims",
    "pv",
    "persistentvolume",
    "persistentvolumes",
    "namespace",
    "namespaces",
    "ns",
)
_SECURITY = re.compile(r"\b(?:security|evidence|forensic|breach|audit|compromise)", re.IGNORECASE)
_SHELLS = ("bash", "sh", "zsh", "python", "python3", "perl")


@rule("flush-all", severity="error", title="All of a Redis is emptied")
def flush_all(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """FLUSHALL removes every key of every database of that Redis, and FLUSHDB every key of one: not only the stale entries of a cache, but sessions, locks, streams and queues, and what consumers had not read yet is lost. With a cold cache every request then falls on the database at once, in the middle of an incident.

    Bad: `redis-cli FLUSHALL`
    Good: `redis-cli --scan --pattern 'cache:quotes:*' | xargs --no-run-if-empty redis-cli UNLINK`
    """
    for command in runbook.commands:
        for typed in embedded(command):
            found = _FLUSH.search(typed.text) if typed.language == "redis" else None
            if found is not None:
                what = "every key of every database" if found["verb"].upper() == "FLUSHALL" else "every key of the database"
                message = f"{found['verb']} removes {what}, streams and queues included; remove what is stale by its pattern"
                yield flush_all.finding(runbook, (typed.line, typed.column), message, command.text)


@rule("data-removed", severity="error", title="Data is removed, and nothing was saved before")
def data_removed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A command drops or empties a database, a table or a folder of data, and no step of the procedure before it saves what is there. When the target is mistyped, or the restore that was to follow fails, nothing is left. Databases whose name says that they are there to be thrown away (recovery, test, staging ...) are left alone.

    Bad: `dropdb orders` / `rm -rf /var/lib/postgresql/16/main`
    Good: `pg_dump -Fc -f orders-before.dump orders && pg_restore --list orders-before.dump > /dev/null && dropdb orders`
    """
    for procedure in runbook.procedures:
        saved = False
        for run in runs(procedure):
            what = _removes(run)
            if what and not saved and not _SCRATCH.search(what):
                yield data_removed.finding(runbook, run, f"{what} is removed, and no step before saves it", run.text)
            saved = saved or _SAVES.search(run.text) is not None
        for command in procedure.commands:
            for typed in embedded(command) if not saved else ():
                found = _DESTROYS.search(typed.text) if typed.language == "sql" and not typed.commented else None
                name = (found["dropped"] or found["emptied"] or found["deleted"]).strip('"') if found is not None else ""
                if name and not _SCRATCH.search(name):
                    yield data_removed.finding(
                        runbook,
                        (typed.line, typed.column),
                        f"{name} is emptied or dropped, and no step before saves it",
                        typed.text,
                    )


@rule("data-overwritten", severity="error", title="The data of a datastore is overwritten")
def data_overwritten(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A file is put over the one that a datastore keeps its data in, and nothing keeps that one. When the backup turns out to be damaged, too old or of another version, the state from before, damaged but perhaps mendable, is gone as well.

    Bad: `mv redis_latest.rdb /var/lib/redis/dump.rdb`
    Good: `mv /var/lib/redis/dump.rdb /var/lib/redis/dump.rdb.before` first, and then the same
    """
    for procedure in runbook.procedures:
        kept: set[str] = set()
        for run in runs(procedure):
            words = [each for each in run.values if not each.startswith("-")]
            if run.program not in ("cp", "mv", "rsync", "install") or len(words) < 2:
                continue
            source, target = words[-2], words[-1]
            kept.add(source)
            over = _DATA_FOLDERS.search(target) is not None and re.search(r"\.(?:rdb|aof|db|sqlite)$", target)
            if over and target not in kept and not run.has("-n", "--no-clobber", "-b", "--backup"):
                yield data_overwritten.finding(
                    runbook, run, f"{target} is overwritten, and no step before keeps a copy of it", run.text
                )


@rule("volumes-removed", severity="error", title="Volumes are removed with what is on them")
def volumes_removed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The command removes volumes or a whole namespace, and with them every database on them, at once and for good: `docker compose down -v`, `docker system prune --volumes`, `kubectl delete pvc`, `kubectl delete namespace`. Nobody is asked. A namespace that the same procedure has made is left alone.

    Bad: `docker compose down -v` before `docker compose up -d`
    Good: `docker compose down` keeps the volumes; where they must go, a backup that was read back comes first
    """
    for procedure in runbook.procedures:
        made: set[str] = set()
        for run in runs(procedure):
            words = [each for each in run.values if not each.startswith("-")]
            if run.program == "kubectl" and words[:1] == ["create"]:
                made |= set(words[2:])
            message = _loses_volumes(run, words, made)
            if message:
                yield volumes_removed.finding(runbook, run, message, run.text)


@rule("deleted-then-made", severity="warning", title="Something is deleted before its successor is there")
def deleted_then_made(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """An object of the cluster is deleted and then made anew by a second command. In between it is missing, and pods that start in that time fail; when the second command fails (a typing error, a placeholder that nobody filled in) it stays missing, and the old content is gone.

    Bad: `kubectl delete secret api` / `kubectl create secret generic api --from-file=key`
    Good: `kubectl create secret generic api --from-file=key --dry-run=client -o yaml | kubectl apply -f -`
    """
    for procedure in runbook.procedures:
        deleted: dict[tuple[str, str], Run] = {}
        for run in runs(procedure):
            words = [each for each in run.values if not each.startswith("-")]
            if run.program != "kubectl" or len(words) < 3 or words[1] not in _KEEPS:
                continue
            if words[0] == "delete":
                deleted[words[1], words[2]] = run
            elif words[0] == "create":
                name = words[3] if words[1] == "secret" and len(words) > 3 else words[2]
                before = deleted.pop((words[1], name), None)
                if before is not None:
                    related = (Related(runbook.path, run.line, "it is made again here"),)
                    message = f"from here until line {run.line} has worked there is no {words[1]} {name}: pods that start meanwhile fail"
                    yield deleted_then_made.finding(runbook, before, message, f"{before.text}\n{run.text}", related)


@rule("pods-all-at-once", severity="warning", title="All pods of a service are deleted at once")
def pods_all_at_once(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`kubectl delete pod` with a label deletes every pod that carries it, all replicas together. Until the first new one is ready the service is down altogether; a rolling restart replaces them one by one.

    Bad: `kubectl delete pod -l app=risk-manager`
    Good: `kubectl rollout restart deployment/risk-manager`
    """
    for run in all_runs(runbook):
        words = [each for each in run.values if not each.startswith("-")]
        if (
            run.program == "kubectl"
            and words[:1] == ["delete"]
            and words[1:2] in (["pod"], ["pods"], ["po"])
            and run.has("-l", "--selector", "--all")
        ):
            yield pods_all_at_once.finding(
                runbook, run, "this deletes all replicas together: the service is down until a new one is ready", run.text
            )


@rule("history-overwritten", severity="error", title="A forced push overwrites history")
def history_overwritten(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`git push --force` replaces the branch on the server by the local one, whatever others have pushed meanwhile: their commits are gone from it, the hotfix of a colleague among them.

    Bad: `git push --force origin main`
    Good: `git revert HEAD && git push origin main`, or at least `--force-with-lease`
    """
    for run in all_runs(runbook):
        if (
            run.program == "git"
            and run.starts("push")
            and (run.has("--force") or any(re.fullmatch(r"-[a-z]*f[a-z]*", each) for each in run.values))
        ):
            yield history_overwritten.finding(runbook, run, "what others have pushed meanwhile is overwritten", run.text)


@rule("open-to-everybody", severity="warning", title="Files that everybody may change")
def open_to_everybody(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`chmod 777` lets every user and every process of the machine change the files, also run them changed. It hides the real reason of a "permission denied", mostly a wrong owner, and it stays after the incident.

    Bad: `chmod -R 777 /var/lib/app`
    Good: `chown -R app: /var/lib/app`
    """
    for run in all_runs(runbook):
        if run.program == "chmod" and any(
            re.fullmatch(r"[0-7]?(?:777|666)|a\+rwx|(?:a|o|ugo)\+[rx]*w[rx]*", each) for each in run.values
        ):
            yield open_to_everybody.finding(runbook, run, "every user and process of the machine may change this", run.text)


@rule("download-executed", severity="error", title="A download is executed unseen")
def download_executed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """What comes from the network is piped straight into a shell. Nobody has read it; when the connection breaks, the shell carries out the first half; and whoever controls that address, or an intruder who is the incident, runs commands on the machine.

    Bad: `curl https://example.org/install.sh | sudo bash`
    Good: `curl -fsSLo install.sh https://...`, compare its checksum with the one in the runbook, and then `bash install.sh`
    """
    for run in all_runs(runbook):
        if run.simple.joined not in ("|", "|&") or run.program not in _SHELLS or run.command.script is None:
            continue
        first = next(each for each in run.command.script.commands if each.pipeline == run.simple.pipeline)
        if first.program in ("curl", "wget") and not [each for each in run.values if not each.startswith("-")]:
            yield download_executed.finding(
                runbook, run, f"what {first.program} gets is carried out by {run.program} unseen", run.command.text
            )


@rule("certificate-unchecked", severity="warning", title="The server's certificate is not checked")
def certificate_unchecked(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The option switches the check of the server's certificate off: the command then talks to, and sends its secrets to, whoever answers. In an incident an expired certificate may be the very thing to find.

    Bad: `curl -k https://api/health`
    Good: `curl --cacert /etc/ssl/internal-ca.pem https://api/health`
    """
    for run in all_runs(runbook):
        short = run.program == "curl" and any(
            re.fullmatch(r"-[a-zA-Z]*k[a-zA-Z]*", each) and not each.startswith("-X") for each in run.values
        )
        if short or (
            run.program in ("curl", "wget", "kubectl", "helm", "aws", "git")
            and run.has("--insecure", "--no-check-certificate", "--insecure-skip-tls-verify", "--no-verify-ssl")
        ):
            yield certificate_unchecked.finding(
                runbook, run, "whoever answers is believed: the certificate is not checked", run.text
            )


@rule("evidence-in-tmp", severity="warning", title="Evidence is kept in /tmp")
def evidence_in_tmp(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """In a procedure about a breach, logs and audit trails are saved in /tmp, under a name that anybody can guess. All users of the machine can read that folder, an intruder can put a link there beforehand, and a restart empties it: what was collected is no evidence any more.

    Bad: `kubectl logs deployment/auth > /tmp/auth-logs.txt`
    Good: `umask 077; d=$(mktemp -d ~/incident-XXXXXX); kubectl logs deployment/auth > "$d/auth-logs.txt"; sha256sum "$d"/* > "$d/SHA256SUMS"`
    """
    for procedure in runbook.procedures:
        about = " ".join(procedure.section.path)
        for run in runs(procedure) if _SECURITY.search(about) else ():
            for each in run.simple.redirections:
                target = each.target.value if each.target is not None else None
                if each.operator in (">", ">>", "&>") and target and target.startswith("/tmp/"):  # noqa: S108 - that is what it looks for
                    yield evidence_in_tmp.finding(
                        runbook, each, f"{target} can be read by all users, and is gone after a restart", run.text
                    )


@rule("sessions-killed-broadly", severity="error", title="Sessions are killed too broadly")
def sessions_killed_broadly(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """pg_terminate_backend is called for more sessions than those in the way. Without a condition it ends all of them, the operator's own included. With a condition on state and age alone it also ends the replication to the standby (a walsender is active from its start), running backups and VACUUMs, whose age is no fault: recovery then takes longer, and the standby falls behind. That is a warning.

    Bad: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND now() - query_start > interval '5 minutes'`
    Good: the same with `AND backend_type = 'client backend' AND usename = 'trading' AND pid <> pg_backend_pid()`, after a look at the list
    """
    for command in runbook.commands:
        for typed in embedded(command):
            if (
                typed.language != "sql"
                or not re.search(r"\bpg_terminate_backend\s*\(", typed.text, re.IGNORECASE)
                or not re.search(r"\bpg_stat_activity\b", typed.text, re.IGNORECASE)
            ):
                continue
            where = re.split(r"\bWHERE\b", typed.text, maxsplit=1, flags=re.IGNORECASE)[1:]
            if not where:
                yield sessions_killed_broadly.finding(
                    runbook, (typed.line, typed.column), "without WHERE this ends every session, your own included", typed.text
                )
            elif not re.search(
                r"backend_type|usename|application_name|datname|client_addr|\bpid\s*(?:=|in\b)|idle|wait_event|blocking_pids",
                where[0],
                re.IGNORECASE,
            ):
                message = "this also ends replication (walsenders are active from their start), backups and VACUUM: name backend_type, usename or application_name"
                yield sessions_killed_broadly.finding(
                    runbook, (typed.line, typed.column), message, typed.text, severity="warning"
                )


def _removes(run: Run) -> str:
    """What of lasting data a command removes; empty when it removes none."""
    words = [each for each in run.values if not each.startswith("-")]
    if run.program == "dropdb" and words:
        return words[-1]
    if run.program == "rm" and any(re.fullmatch(r"-[a-zA-Z]*[rR][a-zA-Z]*|--recursive", each) for each in run.values):
        return next(
            (
                each
                for each in words
                if _DATA_FOLDERS.search(each) or each in ("/", "/*", "~", "*") or re.fullmatch(r"\$\{?\w+\}?/\*?", each)
            ),
            "",
        )
    if run.program == "aws" and run.starts("s3", "rb") and run.has("--force"):
        return words[-1]
    return ""


def _loses_volumes(run: Run, words: Sequence[str], made: set[str]) -> str:
    if run.program == "docker" and "compose" in words and "down" in words and run.has("-v", "--volumes"):
        return "-v removes the volumes of the project, and every database on them"
    if run.program == "docker" and (run.starts("volume", "prune") or run.starts("volume", "rm")):
        return "this removes volumes with what is on them"
    if run.program == "docker" and run.starts("system", "prune") and (run.has("--volumes") or run.has("-a", "--all", "-af")):
        return "this removes everything that doesn't run at this moment, also what an incident has stopped"
    if (
        run.program == "kubectl"
        and words[:1] == ["delete"]
        and words[1:2]
        and words[1] in _VOLUMES
        and not set(words[2:]) & made
        and not run.has("--dry-run")
    ):
        return f"deleting {words[1]} {' '.join(words[2:3])} removes the data with it".replace("  ", " ")
    return ""
