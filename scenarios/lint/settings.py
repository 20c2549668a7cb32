"""Rules about settings of Postgres that a runbook changes: do they take effect, and is what was meant for a while undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.postgres.carried import Sql, sql_of
from scenarios.lint.postgres.settings import CONTEXTS
from scenarios.lint.postgres.statements import Setting, calls, settings_of
from scenarios.lint.rule import rule
from scenarios.reading import Command, Procedure, Runbook

_DATABASE = r"[\w./-]*(?:postgres|pgsql|\bdb\b|database)[\w./-]*"
_RESTARTS = re.compile(
    rf"\bpg_ctl\b[^\n;&|]*\brestart\b|\bpg_ctlcluster\b[^\n;&|]*\brestart\b|\bsystemctl\s+(?:re)?start\b[^\n;&|]*{_DATABASE}|\bservice\s+{_DATABASE}\s+restart"
    rf"|\brestart\b[^\n;&|]*{_DATABASE}|\bdelete\s+pods?\b[^\n;&|]*{_DATABASE}|{_DATABASE}[^\n;&|]*\brestart\b",
    re.IGNORECASE,
)  # fmt: skip
_WHILE = re.compile(r"\btemporar(?:y|ily)\b|\bfor the moment\b|\bduring the incident\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Changed:
    """One ALTER SYSTEM, and where it stands."""

    sql: Sql
    setting: Setting
    offset: int

    @property
    def procedure(self) -> Procedure:
        return self.sql.procedure

    @property
    def after(self) -> tuple[Command, ...]:
        """The command itself and those of the procedure that come after it."""
        return tuple(each for each in self.procedure.commands if each.line >= self.sql.command.line)


def context_of(setting: str, version: int) -> str:
    """The context in which a setting takes effect; empty when Postgres has no such setting."""
    return next(
        (
            context
            for context, names in CONTEXTS.items()
            if any(each.name == setting.lower() and each.is_in(version) for each in names)
        ),
        "",
    )


def _changes(runbook: Runbook) -> Iterator[_Changed]:
    for sql in sql_of(runbook):
        for statement in sql.statements:
            for setting in settings_of(statement):
                if setting.system:
                    yield _Changed(sql, setting, statement.offset)


def _reload(changed: _Changed, runbook: Runbook) -> int:
    """The line of the first pg_reload_conf() after a change, 0 when there is none."""
    for sql in sql_of(runbook):
        if sql.procedure.section == changed.procedure.section and (sql.typed.line, sql.typed.column) >= (
            changed.sql.typed.line,
            changed.sql.typed.column,
        ):
            for statement in sql.statements:
                if any(name == "pg_reload_conf" for name, _, _ in calls(statement)):
                    return sql.typed.line
    return 0


def _restarted(changed: _Changed) -> bool:
    return any(_RESTARTS.search(each.text) for each in changed.after)


@rule("setting-needs-restart", severity="error", title="A setting that needs a restart is only reloaded")
def setting_needs_restart(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Some settings of Postgres take effect only when the server starts: `max_connections`, `shared_buffers`, `wal_level` and some seventy more (pg_settings.context = 'postmaster'). ALTER SYSTEM accepts them, `pg_reload_conf()` answers `t`, and nothing has changed; the responder believes that the limit is raised and looks elsewhere. Restarting the application does not help either. The change then strikes at the next restart of the database, when nobody thinks of it.

    Bad: `psql -c "ALTER SYSTEM SET max_connections = 200;" -c "SELECT pg_reload_conf();"`
    Good: the same ALTER SYSTEM, then `systemctl restart postgresql` in a window in which that is allowed, then `psql -c "SHOW max_connections"`.
    """
    version = context.postgres_version
    for changed in _changes(runbook):
        if context_of(changed.setting.name, version) == "postmaster" and not _restarted(changed):
            line = _reload(changed, runbook)
            done = "is only reloaded" if line else "is never restarted"
            related = (Related(runbook.path, line, "the reload, which does not apply it"),) if line else ()
            message = f"{changed.setting.name} takes effect only when Postgres itself starts, and here it {done}: the running server keeps its old value"
            yield setting_needs_restart.finding(
                runbook, changed.sql.place(changed.offset), message, changed.sql.evidence(changed.offset), related
            )


@rule("setting-not-applied", severity="warning", title="A setting is changed and never applied")
def setting_not_applied(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """ALTER SYSTEM only writes a file. Until `pg_reload_conf()` is called, or the server restarts, the running server keeps the old value: the step succeeds and has no effect.

    Bad: `psql -c "ALTER SYSTEM SET log_min_duration_statement = 1000;"` and nothing more.
    Good: `psql -c "ALTER SYSTEM SET log_min_duration_statement = 1000;" -c "SELECT pg_reload_conf();"`
    """
    for changed in _changes(runbook):
        needs = context_of(changed.setting.name, context.postgres_version)
        if needs not in ("", "postmaster", "internal") and not _restarted(changed) and not _reload(changed, runbook):
            message = f"{changed.setting.name} is written to a file and never reloaded: the running server keeps its old value"
            yield setting_not_applied.finding(
                runbook, changed.sql.place(changed.offset), message, changed.sql.evidence(changed.offset)
            )


@rule("setting-not-undone", severity="warning", title="What was meant for a while is never undone")
def setting_not_undone(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A comment says that a setting is changed temporarily, and the procedure never sets it back. It survives restarts: ALTER SYSTEM is for good. A statement log that was switched on during an incident fills the disk weeks later.

    Bad: `# Enable query logging (temporarily)` above `ALTER SYSTEM SET log_min_duration_statement = 1000`, and nothing after it.
    Good: the last step of the procedure is `ALTER SYSTEM RESET log_min_duration_statement` with `SELECT pg_reload_conf()`.
    """
    resets = {(each.procedure.section.line, each.setting.name) for each in _changes(runbook) if each.setting.reset}
    for changed in _changes(runbook):
        said = next((each.text for each in changed.sql.command.comments if _WHILE.search(each.text)), "")
        if said and (changed.procedure.section.line, changed.setting.name) not in resets:
            message = f'{changed.setting.name} is changed "{said}" and nothing in this procedure sets it back'
            yield setting_not_undone.finding(
                runbook, changed.sql.place(changed.offset), message, changed.sql.evidence(changed.offset)
            )
