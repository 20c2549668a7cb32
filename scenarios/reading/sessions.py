"""Programs that take commands in a language of their own, and what a document gives them to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from scenarios.reading.reach import Reach, reach
from scenarios.reading.shell import Script, Simple
from scenarios.reading.sql import begins_sql, leaves, only_comments, split_sql

Language = Literal["sql", "redis", "text"]

CLIENTS: dict[str, Language] = {
    "psql": "sql",
    "mysql": "sql",
    "mariadb": "sql",
    "sqlite3": "sql",
    "redis-cli": "redis",
    "valkey-cli": "redis",
}
_GIVEN = {
    "psql": ("-c", "--command", "-f", "--file", "-l", "--list", "-V", "--version", "-?", "--help"), "mysql": ("-e", "--execute", "--version"),
    "mariadb": ("-e", "--execute", "--version"), "sqlite3": ("-cmd", "-version"),
}  # fmt: skip
# Short options without a value, which may stand together before the one that gives the command: psql -XAtc, mysql -BNe.
_BARE = {"psql": "aAbeEqsStxXnwWz01", "mysql": "BNstvEnACfHLqrUXwji", "mariadb": "BNstvEnACfHLqrUXwji"}
_COMMANDS = {"psql": "c", "mysql": "e", "mariadb": "e"}
_ENDS = {"psql": "cflV"}  # after these nothing is typed
_REDIS_VALUED = {"-h", "-p", "-s", "-a", "-u", "-r", "-i", "-n", "--user", "--pass", "-t", "-X", "-d", "-D"}
_REDIS_MODES = (
    "--scan",
    "--bigkeys",
    "--memkeys",
    "--hotkeys",
    "--latency",
    "--stat",
    "--pipe",
    "--rdb",
    "--eval",
    "--version",
    "--help",
    "--cluster",
)
_REDIS = re.compile(
    r"\s*(?:PING|INFO|GET|SET|DEL|KEYS|SCAN|CONFIG|CLIENT|MONITOR|FLUSHALL|FLUSHDB|DBSIZE|SAVE|BGSAVE|LASTSAVE|BGREWRITEAOF|ROLE|REPLICAOF|SLAVEOF|SLOWLOG|MEMORY|DEBUG"
    r"|XINFO|XLEN|XRANGE|XREAD|XADD|XGROUP|XPENDING|XTRIM|HGETALL|HGET|HSET|LRANGE|LLEN|SMEMBERS|ZRANGE|TTL|EXPIRE|TYPE|EXISTS|SELECT|AUTH|QUIT|EXIT|CLUSTER|LATENCY|SHUTDOWN"
    r"|MGET|MSET|INCR|PUBLISH|SUBSCRIBE|RENAME|UNLINK|FAILOVER|WAIT)\b",
    re.IGNORECASE,
)  # fmt: skip
_ANNOUNCED = re.compile(
    r"\b(?:in|inside|within|then in|at)\s+(?:the\s+)?(psql|mysql|sqlite3|redis-cli|redis)\b(?:\s+\w+){0,3}\s*:?\s*$",
    re.IGNORECASE,
)
_PROMPTS: tuple[tuple[re.Pattern[str], Language], ...] = (
    (re.compile(r"\s*(?:[\w-]+[=(-][#>]|mysql>|sqlite>)\s+(?=\S)"), "sql"),
    (re.compile(r"\s*(?:redis(?:-cli)?|(?:\d{1,3}\.){3}\d{1,3}:\d+|localhost:\d+)(?:\[\d+\])?>\s+(?=\S)"), "redis"),
)


def opens(script: Script) -> tuple[Language, str] | None:
    """The language and the program of the session that a command opens; None when it opens none, or is given its commands at once."""
    for simple in script.commands:
        found = reach(simple)
        language = CLIENTS.get(found.program)
        if language is not None and not _is_given(simple, found) and "substitution" not in simple.within:
            return language, found.program
    return None


def _is_given(simple: Simple, found: Reach) -> bool:
    if simple.joined in ("|", "|&") or any(each.operator in ("<", "<<", "<<-", "<<<") for each in simple.redirections):
        return True
    values = found.values
    if CLIENTS[found.program] == "redis":
        return bool(redis_words(values)) or any(each.startswith(_REDIS_MODES) for each in values)
    program = found.program
    if program == "sqlite3" and sum(not each.startswith("-") for each in values) > 1:
        return True  # the database, and what to do there
    return any(
        each.startswith(_GIVEN.get(program, ())) or clustered(program, each, _ENDS.get(program, "")) is not None
        for each in values
    )


def clustered(program: str, argument: str, options: str = "") -> str | None:
    """What stands behind the option that gives the command, when it ends a row of short options: of `-Atc` nothing, the next argument is it.

    None when the argument is something else. `options` are other letters than that of the command.
    """
    letters = options or _COMMANDS.get(program, "")
    found = re.match(rf"-[{_BARE[program]}]*[{letters}]", argument) if letters and program in _BARE else None
    return argument[found.end() :] if found else None


def redis_words(values: Sequence[str]) -> list[int]:
    """Which of the arguments of redis-cli are the command: the first that is neither an option nor its value, and all behind it."""
    at = 0
    while at < len(values):
        if values[at] in _REDIS_VALUED:
            at += 2
        elif values[at].startswith("-"):
            at += 1
        else:
            return list(range(at, len(values)))
    return []


def session_rows(language: Language, lines: Sequence[str]) -> int:
    """How many of the lines after a client's start are typed into it; trailing empty lines are not counted."""
    if language == "redis":
        rows = next((row for row, line in enumerate(lines) if line.strip() and not _REDIS.fullmatch(_first(line))), len(lines))
    else:
        rows = _sql_rows(lines)
    while rows and not lines[rows - 1].strip():
        rows -= 1
    return rows


def _first(line: str) -> str:
    return " " + line.split(maxsplit=1)[0]


def _sql_rows(lines: Sequence[str]) -> int:
    row = 0
    while row < len(lines):
        line = lines[row]
        if leaves(line):
            return row + 1
        if not line.strip() or line.lstrip().startswith("--"):
            row += 1
            continue
        if not begins_sql(line):
            break
        first = next(iter(split_sql(lines[row:])), None)
        if first is None:
            row += 1
            continue
        if not first[2] and any(each.lstrip().startswith("#") for each in lines[row + 1 :]):
            return row + 1
        row += first[1] + 1
    return row


def announced(comment: str) -> Language | None:
    """`# In psql:` -> sql: what follows is typed there."""
    found = _ANNOUNCED.search(comment)
    if found is None:
        return None
    return "redis" if found[1].lower().startswith("redis") else "sql"


def typed_rows(language: Language, lines: Sequence[str]) -> int:
    """How many lines follow an announcement, commented or not, that are of that language."""
    rows = 0
    for line in lines:
        bare = uncommented(line)
        fits = begins_sql(bare) and not only_comments(bare) if language == "sql" else bool(_REDIS.match(bare))
        if not (fits or leaves(bare)) and not (rows and language == "sql" and line.strip() and _open(lines[:rows])):
            break
        rows += 1
    return rows


def _open(lines: Sequence[str]) -> bool:
    statements = list(split_sql([uncommented(each) for each in lines]))
    return bool(statements) and not statements[-1][2]


def uncommented(line: str) -> str:
    """The line without the hash before it."""
    bare = line.lstrip()
    return bare[1:].lstrip() if bare.startswith("#") else line


def prompted(line: str) -> tuple[str, Language] | None:
    """The prompt of a database client at the beginning of a line."""
    for pattern, language in _PROMPTS:
        found = pattern.match(line)
        if found:
            return found[0], language
    return None
