"""What the audit trail tells of an incident, and whether the guards stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.eafix.test_audit import add
from tests.fakes.commands.fake_cluster import Answering, FakeCluster

pytestmark = pytest.mark.real


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> Iterator[Answering]:
    """One that scrapes the gateway, has the documented rule, and sees no failed login."""
    made = Answering()
    cluster.web.answers["GET", "/metrics"] = (200, "failed_login_attempts 0\n")
    made.answers["GET", "/api/v1/alerts"] = (200, {"data": {"alerts": []}})
    rule = {"name": "BruteForceAttack", "query": "rate(failed_login_attempts[5m]) > 10", "state": "inactive"}
    made.answers["GET", "/api/v1/rules"] = (200, {"data": {"groups": [{"rules": [rule]}]}})
    _rate(made, 0.0)
    monkeypatch.setenv("EAFIX_PROMETHEUS", made.address)
    yield made
    made.close()


def _rate(monitoring: Answering, rate: float | None) -> None:
    result = [] if rate is None else [{"metric": {}, "value": [0, str(rate)]}]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    monitoring.answers["GET", "/api/v1/query"] = (200, answer)


def _attack(books: Books) -> None:
    """Twelve guesses at 3400 s, a login at 3450 s, and two orders, of which one was executed."""
    add(books, 3400, "login_failed", count=12)
    add(books, 3450, "login_succeeded", address="203.0.113.5")
    row = "INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome)"
    for order in ("o-1", "o-2"):
        books.sql(f"{row} VALUES (3460, 'order_placed', 'trader-1', '203.0.113.5', 'POST /api/orders', '{order}', 'asked')")
    books.order("o-1")
    books.order("o-3")
    token = "('session-trader-1', 'trader-1', 'x', 3450, 3460, 2)"
    books.sql(f"INSERT INTO api_tokens (name, user_id, token_hash, issued_at_s, last_used_at_s, uses) VALUES {token}")


def test_an_analysis_counts_and_marks_who_was_taken_over(
    cluster: FakeCluster, run: Run, books: Books, monitoring: Answering
) -> None:
    """By user and address; an account that was reset since is not marked again."""
    _attack(books)
    run("eafix-cli incident create --type=security --severity=high --title=Odd")
    lines = run("eafix-cli security analyze --incident-id=INC-1").out.splitlines()
    for line in (
        "failed logins       12: trader-1 from 198.51.100.7 12",
        "logins              1: trader-1 from 203.0.113.5 1",
        "refused tokens      0",
        "orders              2: trader-1 from 203.0.113.5 2",
        "  session-trader-1  of trader-1, 2 uses in all, last 2026-11-21T11:07:40Z, valid",
        "sign                12 failed logins from 198.51.100.7 as trader-1",
        "sign                trader-1 logged in from 203.0.113.5 at 2026-11-21T11:07:30Z after 12 failures",
    ):
        assert line in lines
    assert lines[-1] == "compromised         trader-1: marked"
    assert books.sql("SELECT user_id FROM users WHERE compromised_at_s IS NOT NULL") == [("trader-1",)]
    run("eafix-cli auth reset --compromised-accounts")
    again = run("eafix-cli security analyze --incident-id=INC-1").out.splitlines()
    assert again[-1] == "compromised         trader-1: marked before, or reset since"
    assert books.sql("SELECT user_id FROM users WHERE compromised_at_s IS NOT NULL") == []


def test_an_analysis_that_finds_nothing_says_what_that_means(run: Run, books: Books, monitoring: Answering) -> None:
    """No sign, nobody marked; what happened before the window is not counted."""
    run("eafix-cli incident create --title=Odd")
    books.sql("UPDATE incidents SET opened_at_s = 9000")
    add(books, 3400, "login_failed", count=12)
    lines = run("eafix-cli security analyze --incident-id=INC-1").out.splitlines()
    assert "failed logins       0" in lines
    assert lines[-1] == "sign                none in the audit trail; what is not written there can't be seen"
    assert "affected users      0" in run("eafix-cli security impact-assessment --incident-id=INC-1").out.splitlines()


def test_an_assessment_tells_what_was_done_in_whose_name(
    cluster: FakeCluster, run: Run, books: Books, monitoring: Answering
) -> None:
    """Orders, what of them was executed, what is still open; orders of others are not in it."""
    _attack(books)
    run("eafix-cli incident create --title=Odd")
    cluster.kill("risk-manager")
    lines = run("eafix-cli security impact-assessment --incident-id=INC-1").out.splitlines()
    assert lines[2:] == [
        "affected users      1: trader-1",
        "  trader-1          not locked, 1 valid tokens, 2 orders, 0 admin actions",
        "                    executed: buy 100 EURUSD in 1 orders",
        "data read           not recorded: reading is not in the audit trail",
        "platform at opening all ready; no alert firing",
        "platform now        not ready: risk-manager",
    ]


def test_detection_is_well_only_when_all_of_it_is(cluster: FakeCluster, run: Run, books: Books, monitoring: Answering) -> None:
    """Counted, scraped, ruled, and below the limit; each alone that lacks is exit code 1."""
    add(books, 3000, "login_failed", count=2)
    add(books, 3000, "login_failed", address="192.0.2.1", count=3)
    ended = run("eafix-cli security ids-status")
    assert ended == Ended(
        0,
        "failed logins       5 in the last hour\n  192.0.2.1         3\n  198.51.100.7      2\n"
        "ok    counting: gui-gateway has failed_login_attempts 0\n"
        "ok    scraping: the monitoring has 1 series of failed_login_attempts\n"
        "ok    rule: BruteForceAttack is inactive\n"
        "ok    rate: 0 failed logins a second over 5 minutes, the limit is 10\n",
        "",
    )
    _rate(monitoring, 10.5)
    assert "FAIL  rate: 10.5 failed logins a second" in run("eafix-cli security ids-status").out
    _rate(monitoring, None)
    assert "FAIL  scraping: the monitoring has 0 series" in run("eafix-cli security ids-status").out
    _rate(monitoring, 0)
    monitoring.answers["GET", "/api/v1/rules"] = (200, {"data": {"groups": []}})
    ended = run("eafix-cli security ids-status")
    assert (ended.code, "FAIL  rule: no alert rule looks at failed_login_attempts\n" in ended.out) == (1, True)
    cluster.web.answers["GET", "/metrics"] = (200, "up 1\n")
    assert "FAIL  counting: no such metric" in run("eafix-cli security ids-status").out


def test_a_monitoring_that_is_away_detects_nothing(
    cluster: FakeCluster, run: Run, books: Books, monitoring: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, and what is left of the answer is given."""
    monkeypatch.setenv("EAFIX_PROMETHEUS", "127.0.0.1:1")
    ended = run("eafix-cli security ids-status")
    assert ended.code == 1
    for name in ("scraping", "rule", "rate"):
        assert f"FAIL  {name}: 127.0.0.1:1: connection refused\n" in ended.out
    assert run("eafix-cli incident create --title=Odd").code == 0
    assert books.sql("SELECT found FROM incidents") == [("all ready; alerts unknown: 127.0.0.1:1: connection refused",)]


def test_guards_that_do_not_stand_are_told(
    cluster: FakeCluster, run: Run, books: Books, monitoring: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A false token must be refused, nobody compromised, no locked user's token valid, the trail writable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    seen: list[str] = []

    def me(_query: str, _body: Any) -> tuple[int, Any]:
        seen.append("asked")
        return 401, {}

    cluster.web.answers["GET", "/auth/me"] = me
    ended = run("eafix-cli security verify")
    assert (ended.code, len(seen), ended.out.count("ok    ")) == (0, 1, 4)
    books.sql("UPDATE users SET compromised_at_s = 1 WHERE user_id = 'trader-2'")
    books.sql("UPDATE users SET locked_at_s = 1 WHERE user_id = 'svc-reporting'")
    cluster.web.answers["GET", "/auth/me"] = (200, {})
    ended = run("eafix-cli security verify")
    assert (ended.code, ended.out.splitlines()[:3]) == (
        1,
        [
            "FAIL  compromised accounts: to be reset: trader-2",
            "FAIL  tokens of locked users: nightly-export of svc-reporting",
            "FAIL  a false login: gui-gateway answers with HTTP status 200",
        ],
    )
    assert "rate: 0 failed logins" in run("eafix-cli security verify --comprehensive").out
    assert "scan: processes: " in run("eafix-cli security verify --comprehensive").out


def test_updates_that_cannot_be_checked_are_not_well(
    cluster: FakeCluster, run: Run, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The versions that run are told; without anybody who knows newer ones it is not offered, with one that is silent it fails."""
    [(version,)] = books.sql("SELECT split_part(current_setting('server_version'), ' ', 1)")
    ended = run("eafix-cli security updates --check-only")
    assert (ended.code, f"postgres            {version}\n" in ended.out) == (3, True)
    assert ended.err.endswith("(EAFIX_UPDATES names nobody) exists in the real tool, but gameday's stand-in does not offer it\n")
    assert run("eafix-cli security updates").code == 3
    source = Answering()
    monkeypatch.setenv("EAFIX_UPDATES", source.address)
    assert "NOT checked: " in run("eafix-cli security updates --check-only").out
    source.answers["GET", "/updates.json"] = (200, {"postgres": version, "gui-gateway": "1.0.1"})
    lines = run("eafix-cli security updates --check-only").out.splitlines()
    assert f"ok    postgres: {version}, newest {version}" in lines
    assert "FAIL  gui-gateway: 1.0.0, newest 1.0.1" in lines
    assert "FAIL  risk-manager: 1.0.0, newest unknown" in lines
    source.close()
