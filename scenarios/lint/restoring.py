"""Rules: backups and restores that don't bring back what they should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, runs
from scenarios.reading import Runbook

_SAVES = re.compile(r"\bpg_dump(?:all)?\b|\bpg_basebackup\b|\b(?:BG)?SAVE\b|\bsnapshot\b", re.IGNORECASE)
_SCRATCH = re.compile(r"recover|restor|scratch|drill|test|staging|tmp|temp|copy|clone", re.IGNORECASE)
_LOOKS = re.compile(
    r"\bpg_restore\b.*(?:-l\b|--list\b)|\btest\s+-s\b|\[\s+-s\b|\bsha256sum\b|\bmd5sum\b|\btar\s+-?t|\bgzip\s+-t|\bhead-object\b|\bpg_verifybackup\b|\bwc\s+-c|\bstat\b|\bpipefail\b"
)


@rule("restore-over-live", severity="error", title="A restore over the live database")
def restore_over_live(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`pg_restore --clean` drops every object of the database that it restores into, one by one, and puts the backup's in its place. Nothing keeps the state from before, and the restore is not one transaction: when it breaks off, half is old and half is new. All writes since the backup are lost even when it works, and no step says which they were.

    Bad: `pg_restore --clean -d orders nightly.dump`
    Good: `createdb orders_restored && pg_restore --exit-on-error -d orders_restored nightly.dump`, a look at what it holds, and then the names of the two databases exchanged; or at least `pg_dump` before and `--single-transaction`
    """
    for procedure in runbook.procedures:
        saved = False
        for run in runs(procedure):
            target = run.option("-d", "--dbname") or ""
            if run.program == "pg_restore" and _cleans(run) and not saved and target and not _SCRATCH.search(target):
                whole = "" if run.has("-1", "--single-transaction") else ", and not in one transaction"
                message = f"every object of {target} is dropped and replaced{whole}; no step before keeps what is there"
                yield restore_over_live.finding(runbook, run, message, run.text)
            saved = saved or _SAVES.search(run.text) is not None


@rule("clean-into-empty", severity="warning", title="What isn't there yet is dropped")
def clean_into_empty(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A database is dropped, made anew, and restored with --clean. On the first run `dropdb` fails, because there is none, and every DROP of the restore fails, because the database is empty: pg_restore ends with exit code 1 and "errors ignored on restore", and among hundreds of such lines nobody sees the one error that matters.

    Bad: `dropdb copy` / `createdb copy` / `pg_restore --clean -d copy nightly.dump`
    Good: `dropdb --if-exists copy` / `createdb copy` / `pg_restore --exit-on-error -d copy nightly.dump`
    """
    for procedure in runbook.procedures:
        made: dict[str, Run] = {}
        found = list(runs(procedure))
        for run in found:
            words = [each for each in run.values if not each.startswith("-")]
            if run.program == "createdb" and words:
                made[words[-1]] = run
            elif (
                run.program == "dropdb"
                and words
                and not run.has("--if-exists")
                and any(each.program == "createdb" and words[-1] in each.values for each in found)
            ):
                yield clean_into_empty.finding(
                    runbook, run, f"on the first run there is no {words[-1]}, and this fails: add --if-exists", run.text
                )
            elif (
                run.program == "pg_restore"
                and _cleans(run)
                and not run.has("--if-exists")
                and run.option("-d", "--dbname") in made
            ):
                target = run.option("-d", "--dbname")
                message = f"{target} was made at line {made[target or ''].line} and is empty: every DROP of --clean fails, and the exit code is 1"
                yield clean_into_empty.finding(runbook, run, message, run.text)


@rule("backup-unchecked", severity="warning", title="A backup goes away unseen")
def backup_unchecked(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A dump is written through the shell into a file, and the file is sent to where backups are kept, without a look at it. The shell makes the file before the dump begins: when that fails, an empty or half a file is stored under the name of a backup, and that is found out on the day of the restore.

    Bad: `pg_dump -Fc orders > orders.dump` / `aws s3 cp orders.dump s3://backups/`
    Good: `pg_dump -Fc -f orders.dump orders && pg_restore --list orders.dump > /dev/null && aws s3 cp orders.dump s3://backups/`
    """
    for procedure in runbook.procedures:
        dump: Run | None = None
        for run in runs(procedure):
            if _LOOKS.search(run.text) or run.simple.joined == "&&":
                dump = None
            elif run.program in ("pg_dump", "pg_dumpall", "mysqldump") and any(
                each.operator in (">", ">|") for each in run.simple.redirections
            ):
                dump = run
            elif (
                dump is not None
                and run.program in ("aws", "gsutil", "scp", "rsync", "rclone", "az")
                and not run.starts("s3", "ls")
            ):
                message = f"the dump of line {dump.line} is sent away without a look at it: if {dump.program} failed, this stores an empty file as a backup"
                yield backup_unchecked.finding(runbook, run, message, f"{dump.text}\n{run.text}")
                dump = None


@rule("many-sources", severity="warning", title="A pattern where the tool takes one file")
def many_sources(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`aws s3 cp` takes one source. The shell replaces a pattern by all files that fit: with two of them, which is so from the second backup on, the command ends with "Unknown options" and uploads nothing.

    Bad: `aws s3 cp backup-*.dump s3://backups/`
    Good: `aws s3 cp "$DUMP" s3://backups/`, or `aws s3 cp . s3://backups/ --recursive --exclude '*' --include 'backup-*.dump'`
    """
    for run in all_runs(runbook):
        if run.program == "aws" and run.starts("s3") and run.values[1:2] in (("cp",), ("mv",)):
            for word in run.reach.arguments[2:]:
                if word.quoting == "none" and "*" in word.text and "://" not in word.text:
                    yield many_sources.finding(
                        runbook,
                        word,
                        f"with two files that fit {word.text} this fails with 'Unknown options': it takes one source",
                        run.text,
                    )


@rule("backup-from-elsewhere", severity="warning", title="A backup is fetched from where none is put")
def backup_from_elsewhere(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document puts backups at one place of a bucket and fetches them from another of the same bucket. Unless something that isn't mentioned copies them, the restore finds no such key, or an older file that somebody once left there.

    Bad: `aws s3 cp x.dump s3://backups/manual/` and, for the restore, `aws s3 cp s3://backups/x.dump .`
    Good: the same folder in both
    """
    puts = [(run, found) for run in all_runs(runbook) for found in [_bucket(run, upload=True)] if found is not None]
    for run in all_runs(runbook):
        got = _bucket(run, upload=False)
        same = [(put, place) for put, place in puts if got is not None and place[0] == got[0]]
        if got is None or not same or any(place[1] == got[1] for _, place in same):
            continue
        put, place = same[0]
        related = (Related(runbook.path, put.line, f"backups are put into s3://{place[0]}/{place[1]}"),)
        message = f"this fetches from s3://{got[0]}/{got[1]}, but line {put.line} puts backups into s3://{place[0]}/{place[1]}"
        yield backup_from_elsewhere.finding(runbook, run, message, f"{put.text}\n{run.text}", related)


@rule("restored-unused", severity="warning", title="A restore that nobody uses")
def restored_unused(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The backup is restored into a database of its own, and there the procedure ends: no step looks at what it holds, renames it, or points the application at it. The operator has a good copy and an outage that goes on.

    Bad: `pg_restore -d orders_recovery nightly.dump` as the last step
    Good: then `psql -d orders_recovery -c "SELECT max(created_at) FROM fills"`, and a step that brings the application to it
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for at, run in enumerate(found):
            target = run.option("-d", "--dbname") if run.program == "pg_restore" else None
            about = re.search(r"\b(?:recovery|restore)\b", " ".join(procedure.section.path), re.IGNORECASE)
            test = re.search(r"\b(?:test|drill|verif|exercise|dry)", " ".join(procedure.section.path), re.IGNORECASE)
            if target is None or not _SCRATCH.search(target) or not about or test or "$" in target:
                continue
            if not any(target in each.text for each in found[at + 1 :]) and not any(
                target in each.text for each in all_runs(runbook) if each.procedure is not procedure
            ):
                yield restored_unused.finding(
                    runbook,
                    run,
                    f"nothing uses {target} after this: no step looks at it or leads the application to it",
                    run.text,
                )


@rule("restored-dump-unread", severity="warning", title="A Redis that reads another file than the one restored")
def restored_dump_unread(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """dump.rdb is put back, and nothing looks whether the append-only file is on. With `appendonly yes` Redis reads that one when it starts and ignores dump.rdb: the restore changes nothing, and the next save overwrites the file that was put there.

    Bad: `mv latest.rdb /var/lib/redis/dump.rdb` / `systemctl start redis`
    Good: `redis-cli CONFIG GET appendonly` first; where it is on, start with `--appendonly no`, and turn it on again with CONFIG SET
    """
    if re.search(r"\bappendonly\b|\bappend-only\b|\bAOF\b", runbook.text, re.IGNORECASE):
        return
    for procedure in runbook.procedures:
        for run in runs(procedure):
            words = [each for each in run.values if not each.startswith("-")]
            if (
                run.program in ("cp", "mv")
                and len(words) > 1
                and re.search(r"/dump\.rdb$", words[-1])
                and not words[-2].endswith("/dump.rdb")
            ):
                message = "where the append-only file is on, Redis reads that one and ignores this; nothing here looks"
                yield restored_dump_unread.finding(runbook, run, message, run.text)


@rule("restore-before-stopped", severity="warning", title="A restore while the application is still stopping")
def restore_before_stopped(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The application is scaled to 0 and the restore begins at once. `kubectl scale` only notes the wish: the pods get up to 30 seconds to end, and go on writing meanwhile, into tables that are being dropped and filled. Rows of both states are mixed, or the restore waits for their locks.

    Bad: `kubectl scale deployment api --replicas=0` / `pg_restore -d orders nightly.dump`
    Good: between them `kubectl wait --for=delete pod -l app=api --timeout=120s`
    """
    for procedure in runbook.procedures:
        scaled: Run | None = None
        for run in runs(procedure):
            if run.program == "kubectl" and run.starts("scale") and run.option("--replicas") == "0":
                scaled = run
            elif run.program == "kubectl" and (run.starts("wait") or run.starts("rollout") or run.starts("get")):
                scaled = None
            elif scaled is not None and (run.program == "pg_restore" or (run.program == "psql" and run.has("-f", "--file"))):
                message = f"line {scaled.line} only asks for the pods to end; nothing waits until they have, and they write on meanwhile"
                yield restore_before_stopped.finding(runbook, run, message, f"{scaled.text}\n{run.text}")
                scaled = None


@rule("restored-from-git", severity="warning", title="The backup that was made is not the one restored")
def restored_from_git(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The comment says that a backup is restored, and the procedure has just made one, but the command takes the file from the last commit but one. That is another content: changes that were never committed are lost, and when the last commit was about something else, it is the same broken file again.

    Bad: `cp app.cjs app.backup.cjs` / `# Restore from backup` / `git checkout HEAD~1 -- app.cjs`
    Good: `git log -3 -- app.cjs` and then `git checkout <last good commit> -- app.cjs`, called what it is
    """
    for procedure in runbook.procedures:
        copies = [each for each in runs(procedure) if each.program == "cp" and re.search(r"backup|\.bak\b|\.orig\b", each.text)]
        for run in runs(procedure):
            if (
                run.program == "git"
                and run.starts("checkout")
                and "--" in run.values
                and re.search(r"\brestore\b.*\bbackup\b", run.said, re.IGNORECASE)
            ):
                made = next((each for each in copies if each.line < run.line), None)
                told = f"; the copy of line {made.line} is not used" if made is not None else ""
                yield restored_from_git.finding(
                    runbook,
                    run,
                    f"this takes the file from an earlier commit, which is no backup{told}",
                    f"{run.said}\n{run.text}",
                )


def _cleans(run: Run) -> bool:
    return run.has("-c", "--clean") or any(
        re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", each) and each[1] not in "UdhpjFnt" for each in run.values
    )


def _bucket(run: Run, *, upload: bool) -> tuple[str, str] | None:
    """The bucket and folder that a copy goes to, or comes from."""
    words = [each for each in run.values if not each.startswith("-")]
    if run.program != "aws" or words[:1] != ["s3"] or words[1:2] not in (["cp"], ["mv"], ["sync"]) or len(words) < 4:
        return None
    near, far = (words[3], words[2]) if upload else (words[2], words[3])
    found = re.fullmatch(r"s3://([^/]+)/(.*?)([^/]*)", near)
    return (found[1], found[2]) if found is not None and not far.startswith("s3://") else None
