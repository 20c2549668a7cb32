"""Settings that a runbook changes."""

from __future__ import annotations

import pytest

from scenarios.lint.settings import setting_needs_restart, setting_not_applied, setting_not_undone
from tests.scenarios.lint.shelf import found, shared, shell

CHANGE = 'psql -c "ALTER SYSTEM SET max_connections = 200;"\n'
RELOAD = 'psql -c "SELECT pg_reload_conf();"\n'


def test_a_reload_where_a_restart_is_needed() -> None:
    """The finding names the setting, and the reload that does not help; restarting the application does not either."""
    (finding,) = found(setting_needs_restart, shell(CHANGE + RELOAD + "pm2 restart all"))
    assert "only reloaded" in finding.message
    assert [each.line for each in finding.related] == [5]


@pytest.mark.parametrize(
    "restart",
    [
        "systemctl restart postgresql", "sudo systemctl restart postgresql@15-main", "pg_ctl -D data restart", "docker compose restart postgres",
        "kubectl rollout restart statefulset/eafix-postgres", "pg_ctlcluster 15 main restart",
    ],
)  # fmt: skip
def test_a_restart_afterwards(restart: str) -> None:
    """Whatever restarts the database after the change applies it."""
    assert found(setting_needs_restart, shell(CHANGE + restart)) == []
    assert len(found(setting_needs_restart, shell(restart + "\n" + CHANGE))) == 1


def test_the_version_decides() -> None:
    """autovacuum_max_workers needs a restart up to Postgres 17, and a reload from 18 on."""
    text = shell('psql -c "ALTER SYSTEM SET autovacuum_max_workers = 6"\n' + RELOAD)
    assert len(found(setting_needs_restart, text, postgres_version=17)) == 1
    assert found(setting_needs_restart, text, postgres_version=18) == []


def test_written_and_never_applied() -> None:
    """ALTER SYSTEM without a reload has no effect; with one, in the same command or later, it has."""
    change = 'psql -c "ALTER SYSTEM SET work_mem = 100"'
    assert len(found(setting_not_applied, shell(change))) == 1
    assert found(setting_not_applied, shell(f"{change}\n{RELOAD}")) == []
    assert found(setting_not_applied, shell(f'{change} -c "SELECT pg_reload_conf()"')) == []
    assert found(setting_not_applied, shell('psql -c "SET work_mem = 100"')) == []


def test_temporary_and_never_undone() -> None:
    """What a comment calls temporary is set back in the same procedure."""
    change = '# Log queries (temporarily)\npsql -c "ALTER SYSTEM SET log_min_duration_statement = 1000;"\n' + RELOAD
    (finding,) = found(setting_not_undone, shell(change))
    assert "log_min_duration_statement" in finding.message
    assert found(setting_not_undone, shell(change + 'psql -c "ALTER SYSTEM RESET log_min_duration_statement"')) == []


def test_the_five_documents() -> None:
    """max_connections is only reloaded; the query log is switched on and stays on."""
    assert shared(setting_needs_restart) == [("004", 57)]
    assert shared(setting_not_applied) == []
    assert shared(setting_not_undone) == [("004", 267)]
