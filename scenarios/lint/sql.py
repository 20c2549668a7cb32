"""Rules about SQL: does Postgres parse it, and does the version that runs have what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.postgres import functions, settings, views
from scenarios.lint.postgres.carried import Sql, sql_of
from scenarios.lint.postgres.columns import EXTENSION_FORMER, EXTENSION_VIEWS, Use, relations, uses
from scenarios.lint.postgres.statements import Statement, calls, forbidden_in_transaction, settings_of, transaction_word
from scenarios.lint.rule import rule
from scenarios.reading import Runbook

_HYPHENED = re.compile(r"\b[A-Za-z_]\w*(?:-[A-Za-z_]\w*)+\b")
_NEAR = re.compile(r'at or near "(.+)"')


@rule("sql-syntax", severity="error", title="SQL that Postgres cannot parse")
def sql_syntax(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Postgres' own parser refuses the statement. Whoever pastes it during an incident gets `ERROR: syntax error` instead of an answer, and has to find out under pressure what was meant. A frequent cause is a name with a hyphen that is not in double quotes, or a backslash command in the same `-c` as SQL, which psql does not take apart.

    Bad: `psql -c "SELECT count(*) FROM eafix-orders"`
    Good: `psql -c 'SELECT count(*) FROM "eafix-orders"'`
    """
    for sql in sql_of(runbook):
        if sql.error is not None:
            offset = min(sql.error.offset, max(len(sql.typed.text) - 1, 0))
            yield sql_syntax.finding(
                runbook, sql.place(offset), f"Postgres cannot parse this: {sql.error}{_remedy(sql, offset)}", sql.evidence(offset)
            )


def _remedy(sql: Sql, offset: int) -> str:
    near = _NEAR.search(str(sql.error))
    if near and near[1] == "-":
        name = next((each[0] for each in _HYPHENED.finditer(sql.typed.text) if each.start() <= offset <= each.end()), "")
        return f'; a name with a hyphen must stand in double quotes: "{name}"' if name else ""
    if near and near[1] == "\\" and sql.at_once:
        return "; psql takes SQL or one backslash command in a -c, not both: give each its own -c"
    return ""


@rule("sql-missing-name", severity="error", title="SQL names what this version of Postgres lacks")
def sql_missing_name(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A column of a system view, a view, a function or a setting that the running version of Postgres does not have: it was renamed, removed, or comes only with a later version. The statement parses and then fails with `column ... does not exist`. Runbooks outlive database upgrades, and diagnostic queries are run for the first time during the incident.

    Bad (Postgres 13 and later): `SELECT * FROM pg_stat_statements ORDER BY total_time DESC LIMIT 10;`
    Good: `SELECT * FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 10;`
    """
    version = context.postgres_version
    for sql in sql_of(runbook):
        for statement in sql.statements:
            for offset, message in _missing(statement, version):
                at = statement.offset if offset < 0 else offset
                yield sql_missing_name.finding(runbook, sql.place(at), message, sql.evidence(at))


def _missing(statement: Statement, version: int) -> Iterator[tuple[int, str]]:
    for use in uses(statement):
        message = _missing_column(use, version)
        if message:
            yield use.offset, message
    for name, offset in relations(statement):
        since = views.ADDED_VIEWS.get(name, 0)
        if version < since:
            yield offset, f"the view {name} comes with Postgres {since}; this is {version}"
    for name, offset, _ in calls(statement):
        message = _missing_function(name, version)
        if message:
            yield offset, message
    for setting in settings_of(statement):
        message = _missing_setting(setting.name, version)
        if message:
            yield -1, message


def _missing_column(use: Use, version: int) -> str:
    if use.column in views.SYSTEM_COLUMNS:
        return ""
    known = [each for view in use.views for each in views.VIEWS.get(view, ())]
    there = {each.name for each in known if each.is_in(version)} | {
        name for view in use.views for name in EXTENSION_VIEWS.get(view, ())
    }
    if use.column in there:
        return ""
    for view in use.views:
        if (view, use.column) in EXTENSION_FORMER:
            return f"{view} has no column {use.column}: {EXTENSION_FORMER[view, use.column]}"
        former = views.FORMER.get((view, use.column))
        if former and version >= float(former[0]):
            return f"{view} has no column {use.column} since Postgres {former[0]}: it is {former[1]} now, and this is Postgres {version}"
    later = next((each for each in known if each.name == use.column and each.since > version), None)
    if later:
        return f"the column {use.column} comes with Postgres {later.since}; this is {version}"
    gone = next((each for each in known if each.name == use.column), None)
    if gone:
        return f"the column {use.column} is gone since Postgres {gone.gone}; this is {version}"
    near = get_close_matches(use.column, sorted(there), n=1)
    return f"{' and '.join(use.views)} {'have' if len(use.views) > 1 else 'has'} no column {use.column}" + (
        f"; did you mean {near[0]}?" if near else ""
    )


def _missing_function(name: str, version: int) -> str:
    former = functions.FORMER.get(name)
    if former and version >= former[0]:
        return f"the function {name} is gone since Postgres {former[0]}: it is {former[1]} now, and this is Postgres {version}"
    since = functions.SINCE.get(name, 0)
    if version < since:
        return f"the function {name} comes with Postgres {since}; this is {version}"
    if name.startswith("pg_") and name not in functions.ALL and name not in functions.FORMER:
        near = get_close_matches(name, sorted(functions.ALL), n=1, cutoff=0.85)
        return f"Postgres has no function {name}; did you mean {near[0]}?" if near else ""
    return ""


def _missing_setting(name: str, version: int) -> str:
    if "." in name:
        return ""  # an extension's
    wanted = name.lower()
    known = [each for context in settings.CONTEXTS.values() for each in context]
    there = {each.name for each in known if each.is_in(version)}
    if wanted in {each.lower() for each in there} or wanted in (
        "transaction_isolation",
        "session_authorization",
        "role",
        "seed",
        "timezone",
    ):
        return ""
    former = settings.FORMER.get(wanted)
    if former and version >= float(former[0]):
        return f"the setting {name} is gone since Postgres {former[0]}; instead: {former[1]}"
    later = next((each for each in known if each.name == wanted), None)
    if later:
        return f"Postgres {version} has no setting {name}: " + (
            f"it comes with {later.since}" if later.since > version else f"it is gone since {later.gone}"
        )
    near = get_close_matches(wanted, sorted(there), n=1)
    return f"Postgres has no setting {name}" + (f"; did you mean {near[0]}?" if near else "")


@rule("sql-transaction", severity="error", title="A statement that must not stand in a transaction does")
def sql_transaction(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """VACUUM, ALTER SYSTEM, CREATE DATABASE, REINDEX CONCURRENTLY and the like refuse to run inside a transaction block. Several statements in one `psql -c` are one transaction, and so is everything under `psql -1`: the whole command then fails, also the part that would have worked.

    Bad: `psql -c "SET maintenance_work_mem = '1GB'; VACUUM ANALYZE;"`
    Good: `psql -c "SET maintenance_work_mem = '1GB'" -c "VACUUM ANALYZE"`
    """
    open_by: dict[int, bool] = {}
    for sql in sql_of(runbook):
        key = id(sql.command)
        for statement in sql.statements:
            word = transaction_word(statement)
            if word:
                open_by[key] = word == "begin"
            name = forbidden_in_transaction(statement)
            if not name:
                continue
            why = _why_transaction(sql, begun=open_by.get(key, False))
            if why:
                yield sql_transaction.finding(
                    runbook,
                    sql.place(statement.offset),
                    f"{name} cannot run inside a transaction, and here it does: {why}",
                    sql.evidence(statement.offset),
                )


def _why_transaction(sql: Sql, *, begun: bool) -> str:
    if begun:
        return "BEGIN stands before it"
    if sql.in_one:
        return "psql -1 makes one transaction of everything"
    if sql.at_once and len(sql.statements) > 1:
        return f"the {len(sql.statements)} statements of this -c are sent as one transaction"
    return ""
