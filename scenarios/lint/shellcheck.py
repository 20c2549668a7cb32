"""Rules: what bash itself and ShellCheck say about the blocks of shell in a document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Severity
from scenarios.lint.programs import ask_bash, ask_shellcheck
from scenarios.lint.rule import rule
from scenarios.reading import Command, Runbook, Step

_PROMPT = re.compile(r"\s*[$%] \S")

# What is right for a script and wrong, or noise, for lines that somebody pastes into an interactive shell.
_NOT_FOR_FRAGMENTS = frozenset([
    1090, 1091,  # a sourced file that ShellCheck cannot follow: it is on another machine
    1128, 2148, 2239,  # the first line of a file: a block is no file
    1132,  # & in an address: the rule url-cut says it better
    2034,  # a variable nobody uses: loops that only count, templates
    2046, 2086,  # unquoted expansions: dates, ports and names without blanks are what stands there
    2154,  # a variable that is never set: the rule unset-variable knows the whole document
    2155, 2164,  # exit codes lost: an interactive shell goes on whatever they are; cd-unchecked says where that harms
    2274, 2288,  # a line of === signs, words that end in a comma: a sample of output
    2317, 2329,  # functions and lines nobody reaches: they are called from elsewhere
])  # fmt: skip


@rule("shell-syntax", severity="error", title="Bash cannot read this")
def shell_syntax(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Bash itself (`bash -n`) refuses the block: a quote, bracket or `fi` is missing, or a word stands where none may. Pasted into a terminal, it leaves the operator at a `>` prompt that swallows every command that follows, in the middle of an incident.

    Bad: `if pg_isready; then echo up`
    Good: `if pg_isready; then echo up; fi`
    """
    for procedure in runbook.procedures:
        told: set[int] = set()
        shell = [(one, each) for one in procedure.steps for each in one.commands if _is_shell(one, each)]
        for step, command in shell:
            found = ask_bash(f"{filled(command)}\n") if step.fence.line not in told else []
            for each in found[:1]:
                told.add(step.fence.line)  # one is enough: what follows in the block is read askew
                row = min(each.line - 1, command.end_line - command.line)  # what is missing is missed behind the last line
                place = (command.line + row, command.columns[row])
                yield shell_syntax.finding(runbook, place, f"bash: {each.message}", command.text)


@rule("shellcheck", severity="warning", title="ShellCheck objects")
def shellcheck(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """ShellCheck, the analyser of shell scripts, finds an error or a likely mistake in the block; its number (SC2071, ...) leads to its page at shellcheck.net. What it says about scripts but not about lines pasted into a terminal is left out: a missing first line, quotes around numbers and dates, `cd` without `exit`.

    Bad: `if [ $LAG > 300 ]; then echo late; fi` (SC2071: this writes a file called 300)
    Good: `if [ "$LAG" -gt 300 ]; then echo late; fi`
    """
    for commands, script in _blocks(runbook):
        if ask_bash(script):
            continue  # the rule shell-syntax has said so
        for each in ask_shellcheck(script):
            if each.level in ("error", "warning") and each.code not in _NOT_FOR_FRAGMENTS:
                command = next((one for one in commands if one.line <= each.line <= one.end_line), commands[0])
                row = min(max(0, each.line - command.line), len(command.columns) - 1)
                column = each.column + command.columns[row] - 1
                severity: Severity | None = "error" if each.level == "error" else None
                message = f"SC{each.code}: {each.message}"
                yield shellcheck.finding(
                    runbook, (each.line, column), message, runbook.source.line(each.line).strip(), severity=severity
                )


def _blocks(runbook: Runbook) -> Iterator[tuple[list[Command], str]]:
    """The shell of each fenced block as one script, every line where it is in the file."""
    for procedure in runbook.procedures:
        fences: dict[int, list[Command]] = {}
        for step in procedure.steps:
            fences.setdefault(step.fence.line, []).extend(each for each in step.commands if _is_shell(step, each))
        for commands in fences.values():
            rows: dict[int, str] = {}
            for command in commands:
                rows |= dict(enumerate(filled(command).split("\n"), command.line))
            if rows:
                yield commands, "\n".join(rows.get(number, "") for number in range(1, max(rows) + 1)) + "\n"


def _is_shell(step: Step, command: Command) -> bool:
    """Whether bash is to read it. Where a block has prompts, the lines without one are a sample of output."""
    return command.kind == "shell" and (bool(command.prompt) or not any(_PROMPT.match(each) for each in step.fence.body))


def filled(command: Command) -> str:
    """The text of a command with a plain word of the same length for each placeholder."""
    text = command.text
    for each in command.placeholders:
        if each.kind != "variable" and each.where != "comment":
            text = f"{text[: each.offset]}{'x' * len(each.text)}{text[each.offset + len(each.text) :]}"
    return text
