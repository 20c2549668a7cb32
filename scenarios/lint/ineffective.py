"""Rules: commands that do nothing, or cannot do what they are written for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, runs
from scenarios.reading import Runbook, Word

_COMPUTED = re.compile(r"(?P<digits>\d*)\$\{(?P<name>\w+)(?P<cut>##?|%%?)(?P<pattern>[^}]*)\}")
_PORT = re.compile(r":(?P<port>\d*\$\{\w+(?:##?|%%?)[^}]*\})(?:/|\"|'|$)")
_IN_LIST = re.compile(r"\bfor\s+(?P<name>\w+)\s+in\s+(?P<words>[^;\n]*?)\s*(?:;|\n)\s*do\b")
_TAKES_NO_INPUT = frozenset([
    "echo", "printf", "ls", "df", "free", "ps", "date", "kill", "pkill", "rm", "cp", "mv", "mkdir", "touch", "chmod", "chown", "cd",
    "systemctl", "service", "sleep", "true", "false", "pwd", "whoami", "hostname", "uptime", "dropdb", "createdb", "which",
])  # fmt: skip
_ASKED = {"-", "-i", "-I", "--interactive"}  # it reads its input after all: `yes | rm -i *.log`
_ROOT_PLACES = ("/etc/", "/var/", "/usr/", "/proc/", "/sys/", "/root/", "/opt/", "/lib/", "/boot/")
_DRY = ("--dry-run", "--check", "--simulate", "--what-if", "--noop")
_MENDS = re.compile(r"\b(?:repair|fix|apply|restore|migrat|rotate|deploy|clean)\w*", re.IGNORECASE)
_PREVIEWS = re.compile(r"\b(?:dry[- ]run|preview|check|verify|validate|simulate|test|plan|first|would)\b", re.IGNORECASE)
_SCRIPT = re.compile(r"[\w-]+\.(?:sh|py|pl|rb)")


@rule("computed-port", severity="error", title="A computed port that is no port")
def computed_port(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A port is put together from a piece of a name. What is left of the name after cutting is a word, not a number, so the address is none: every request fails, for healthy services as for dead ones, and the check says nothing about either.

    Bad: `for s in data-ingestor risk-manager; do curl http://localhost:808${s#*-}/healthz; done`
    Good: `for s in data-ingestor:8081 risk-manager:8084; do curl -f "http://localhost:${s#*:}/healthz"; done`
    """
    for run in all_runs(runbook):
        for word in run.simple.arguments:
            found = _PORT.search(word.text)
            computed = _COMPUTED.search(found["port"]) if found is not None else None
            loop = _loop(run, computed["name"]) if computed is not None else []
            if found is None or computed is None or not loop:
                continue
            ports = [f"{computed['digits']}{_cut(each, computed['cut'], computed['pattern'])}" for each in loop]
            wrong = [f"{name} -> {port}" for name, port in zip(loop, ports, strict=True) if not port.isdigit()]
            if wrong:
                message = f"{found['port']} is no port number for {len(wrong)} of the {len(loop)} names: {wrong[0]}"
                yield computed_port.finding(runbook, word, message, "\n".join([run.text, *wrong]))


@rule("loop-over-nothing", severity="error", title="A loop that is never entered")
def loop_over_nothing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The list of a `for` loop is empty, so what stands in the loop is never carried out, and bash reports success.

    Bad: `for host in ; do ssh $host uptime; done`
    Good: `for host in db-1 db-2; do ssh "$host" uptime; done`
    """
    for command in runbook.commands:
        found = _IN_LIST.search(command.text) if command.kind == "shell" else None
        if found is not None and not found["words"].strip():
            row = command.text[: found.start()].count("\n")
            yield loop_over_nothing.finding(
                runbook,
                (command.line + row, command.columns[row]),
                "the list of this loop is empty: nothing in it is carried out",
                command.text,
            )


@rule("sudo-redirection", severity="error", title="sudo does not reach the redirection")
def sudo_redirection(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The output of a command under sudo is sent into a file that only root may write. The shell opens that file before sudo starts, as the operator: "Permission denied", and the command isn't even run.

    Bad: `sudo echo 1 > /proc/sys/vm/drop_caches`
    Good: `echo 1 | sudo tee /proc/sys/vm/drop_caches`
    """
    for run in all_runs(runbook):
        for each in run.simple.redirections:
            target = each.target.value if each.target is not None else None
            if (
                run.simple.program == "sudo"
                and each.operator in (">", ">>", "&>", ">|")
                and target
                and target.startswith(_ROOT_PLACES)
            ):
                yield sudo_redirection.finding(runbook, each, f"{target} is opened by your own shell, not by sudo", run.text)


@rule("pipe-ignored", severity="warning", title="Piped into a command that reads nothing")
def pipe_ignored(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The output of one command is piped into another that never reads its standard input. What was to be handed over is thrown away; mostly `xargs` is missing.

    Bad: `pgrep stuck-worker | kill`
    Good: `pgrep stuck-worker | xargs --no-run-if-empty kill`
    """
    for run in all_runs(runbook):
        if (
            run.simple.joined in ("|", "|&")
            and run.program in _TAKES_NO_INPUT
            and "xargs" not in run.reach.through
            and not _ASKED & set(run.values)
        ):
            yield pipe_ignored.finding(
                runbook, run, f"{run.program} reads nothing from a pipe: what comes through it is lost", run.command.text
            )


@rule("only-rehearsed", severity="warning", title="A repair that only shows what it would do")
def only_rehearsed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The step is said to repair, restore or apply something, but its only command is a dry run: it changes nothing, and no later command of the procedure does it for real. Carried out to the letter, the procedure ends with everything as broken as before.

    Bad: `# Repair positions` / `python fix_positions.py --dry-run`
    Good: the same, then `# When the list is right` / `python fix_positions.py`
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for run in found:
            dry = next((each for each in run.values if each.partition("=")[0] in _DRY), None)
            piped = any(
                each.simple.pipeline and each.simple.pipeline == run.simple.pipeline
                for each in found
                if each.command is run.command and each is not run
            )
            if (
                dry is None
                or piped
                or not _MENDS.search(run.said)
                or _PREVIEWS.search(run.said)
                or run.program not in ("python", "python3", "bash", "sh", run.simple.program)
            ):
                continue
            rest = [each for each in run.values if each != dry]
            if not any(
                each is not run and each.program == run.program and list(each.values)[: len(rest)] == rest for each in found
            ):
                yield only_rehearsed.finding(
                    runbook,
                    run,
                    f"{dry} changes nothing, and no command of this procedure does it for real",
                    f"{run.said}\n{run.text}",
                )


@rule("script-without-folder", severity="warning", title="A script that only the PATH can find")
def script_without_folder(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A script is named without its folder, while the document elsewhere gives scripts a folder. Bash looks a bare name up on the PATH only, never in the current folder: unless somebody installed it there, the step ends with "command not found". It is told once for each script.

    Bad: `restore-from-backup.sh --latest`
    Good: `./scripts/restore-from-backup.sh --latest`
    """
    folders = {word.text: run.line for run in all_runs(runbook) for word in _script_words(run) if "/" in word.text}
    seen: set[str] = set()
    for run in all_runs(runbook):
        name = run.simple.name
        if name is None or name.value is None or not _SCRIPT.fullmatch(name.value) or name.value in seen or not folders:
            continue
        seen.add(name.value)
        same = next((each for each in folders if each.rpartition("/")[2] == name.value), None)
        shown = same or next(iter(folders))
        told = (
            f"the same script is {same} at line {folders[same]}"
            if same
            else f"others are given with their folder, such as {shown} at line {folders[shown]}"
        )
        related = (Related(runbook.path, folders[shown], f"with its folder: {shown}"),)
        yield script_without_folder.finding(
            runbook, run, f"{name.value} is found only if it is on the PATH; {told}", run.text, related
        )


@rule("commit-of-nothing", severity="warning", title="A commit to which nothing was added")
def commit_of_nothing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`git commit -m` records what was added before, and no step of the procedure adds anything. It ends with "nothing to commit", or "no changes added to commit" when files were changed, and the change that it was to keep stays on one machine; or it records what somebody else had left there.

    Bad: `git commit -m "Update procedures after incident 7"`
    Good: `git add docs/runbooks && git commit -m "Update procedures after incident 7" && git push`
    """
    for procedure in runbook.procedures:
        added = False
        for run in runs(procedure):
            added = added or (
                run.program == "git"
                and any(
                    run.starts(verb)
                    for verb in ("add", "rm", "mv", "merge", "revert", "cherry-pick", "apply", "checkout", "restore")
                )
            )
            short = any(re.fullmatch(r"-[b-zA-Z]*a[a-zA-Z]*", each) for each in run.values)
            if (
                run.program == "git"
                and run.starts("commit")
                and not added
                and not short
                and not run.has("--all", "--amend", "--allow-empty", "--dry-run")
                and "--" not in run.values
            ):
                yield commit_of_nothing.finding(
                    runbook, run, "no step before adds anything: there is nothing to commit", run.text
                )


@rule("root-without-sudo", severity="info", title="A command for root, without sudo")
def root_without_sudo(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document uses sudo, so its reader is no root; but this command, which only root may carry out, stands without it. It ends with "Access denied" or "Permission denied", or asks for a password that nobody has prepared. It is told once for each block.

    Bad: `sudo ufw deny out 443` and elsewhere `systemctl stop redis`
    Good: `sudo systemctl stop redis`
    """
    if not any(run.simple.program == "sudo" for run in all_runs(runbook)):
        return
    told: set[int] = set()
    for run in all_runs(runbook):
        if run.step.fence.line in told or run.reach.through or run.reach.place != "here":
            continue
        serves = run.program == "systemctl" and any(
            run.starts(verb) for verb in ("start", "stop", "restart", "reload", "enable", "disable", "mask")
        )
        writes = (
            run.program in ("cp", "mv", "rm", "install", "chown", "chmod", "ln")
            and run.values
            and run.values[-1].startswith(_ROOT_PLACES)
        )
        if serves or writes or run.program in ("ufw", "iptables", "apt-get", "useradd", "mount", "reboot", "shutdown"):
            told.add(run.step.fence.line)
            yield root_without_sudo.finding(runbook, run, "only root may do this, and elsewhere the document uses sudo", run.text)


def _script_words(run: Run) -> Iterator[Word]:
    for word in (run.simple.name, *run.simple.arguments[:1]):
        if word is not None and word.value is not None and _SCRIPT.fullmatch(word.value.rpartition("/")[2]):
            yield word


def _loop(run: Run, name: str) -> list[str]:
    """The plain words that a loop around the command goes through."""
    found = next((each for each in _IN_LIST.finditer(run.command.text) if each["name"] == name), None)
    words = found["words"].split() if found is not None else []
    return words if all(re.fullmatch(r"[\w.:/-]+", each) for each in words) else []


def _cut(name: str, cut: str, pattern: str) -> str:
    """What bash leaves of a name: `${name#*-}` and its three sisters, for patterns with at most stars."""
    body = re.escape(pattern).replace(r"\*", ".*" if len(cut) == 2 else ".*?")
    if cut.startswith("#"):
        found = re.match(body, name)
        return name[found.end() :] if found else name
    ends = [at for at in range(len(name) + 1) if re.fullmatch(body, name[at:])]
    return name if not ends else name[: (ends[0] if len(cut) == 2 else ends[-1])]
