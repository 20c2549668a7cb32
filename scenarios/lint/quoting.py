"""Rules: characters that bash reads as its own where the author meant them as part of a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import all_runs
from scenarios.reading import Runbook, Word

_PATTERN = re.compile(r"[?*]|\[[^]]*\]")
_EXPANSION = re.compile(r"\$\{[^}]*\}")  # in ${name#*-} the star is no pattern of file names
_ADDRESS = re.compile(r"\b(?:https?|wss?|ftp)://", re.IGNORECASE)


@rule("url-cut", severity="error", title="An unquoted & cuts an address in two")
def url_cut(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """An address with `&` in it stands without quotes. Bash ends the command there, sends it into the background and reads the rest as commands of their own: the server is asked without the remaining parameters, and the answer looks plausible or is an error about a parameter that is plainly written down.

    Bad: `curl http://localhost:9090/api/v1/query_range?query=up&step=60s`
    Good: `curl 'http://localhost:9090/api/v1/query_range?query=up&step=60s'`
    """
    for run in all_runs(runbook):
        word = run.simple.arguments[-1] if run.simple.arguments else None
        if word is None or not run.simple.background or not _is_bare_address(word):
            continue
        line = runbook.source.line(word.line)
        end = word.column - 1 + len(word.text)
        rest = line[end:]
        if rest.startswith("&") and rest[1:2].strip() and rest[1] != "&":
            message = f"bash ends the command at the first & and runs it in the background; {_names(rest)} never reach the server"
            yield url_cut.finding(runbook, (word.line, end + 1), message, line.strip())


@rule("url-pattern", severity="info", title="An unquoted address is a file pattern to the shell")
def url_pattern(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """An address with `?`, `*` or `[` stands without quotes, and to a shell that is a pattern of file names. Bash passes it on unchanged as long as no file fits; zsh, the shell of many workstations, refuses the command with "no matches found".

    Bad: `curl http://localhost:8083/api/signals?limit=1`
    Good: `curl 'http://localhost:8083/api/signals?limit=1'`
    """
    for run in all_runs(runbook):
        for word in run.simple.arguments:
            if _is_bare_address(word) and _PATTERN.search(_EXPANSION.sub("", word.text)) and not run.simple.background:
                message = "without quotes this is a pattern of file names: zsh refuses it with 'no matches found'"
                yield url_pattern.finding(runbook, word, message, run.text)


def _is_bare_address(word: Word) -> bool:
    return word.quoting == "none" and _ADDRESS.match(word.text) is not None


def _names(rest: str) -> str:
    names = re.findall(r"&([\w.-]+)=", rest)
    return ", ".join(names) if names else "what follows"
