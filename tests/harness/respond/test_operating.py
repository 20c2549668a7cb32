"""What the programs of a workstation truly do to a live stack, booted once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from tests.harness.respond.operating import Operator, Site, operating

pytestmark = [pytest.mark.real, pytest.mark.slow]
BACKUP = "BACKUP=/backups/eafix-full-$(date +%Y%m%d).tar.gz; "
# A cluster of one namespace, for scripts that ask kubectl whether it is there.
KUBECTL = 'kubectl() { [ "$*" = "get namespace eafix-dr-drill" ]; }; export -f kubectl; '


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with operating() as found:
        yield found


@pytest.fixture(scope="module")
def eafix(site: Site) -> Operator:
    return site.operator("eafix")


@pytest.fixture(scope="module")
def engine(site: Site) -> Operator:
    return site.operator("trading-engine")


@pytest.fixture(scope="module")
def trading(site: Site) -> Operator:
    return site.operator("ai-trading")


# --- EAFIX -----------------------------------------------------------------------------------------------------------


def test_last_nights_backup_is_there_and_can_be_restored(eafix: Operator) -> None:
    """002:446-454: a real archive; restored into a database of its own, which is gone afterwards."""
    assert "eafix_prod.dump" in eafix.does(BACKUP + 'tar -tzf "$BACKUP"')
    assert "into the database eafix_restore_test: " in eafix.does(BACKUP + 'restore-test.sh "$BACKUP" eafix-restore-test')
    assert "eafix_restore_test" not in eafix.does("psql -l")


def test_a_backup_holds_what_the_database_held(eafix: Operator) -> None:
    """A row that is there when it is taken comes back; --verify reads every row of it again."""
    eafix.does("psql -q -c \"INSERT INTO risk_settings VALUES ('of the test', 7)\"")
    assert eafix.does("backup-full.sh --verify").endswith("verified: every row can be read back\n")
    eafix.does("psql -q -c \"DELETE FROM risk_settings WHERE name = 'of the test'\"")
    ran = eafix.does(KUBECTL + "restore-from-backup.sh --target=eafix-dr-drill; calculate-recovery-time.sh")
    assert "into the database eafix_dr_drill for eafix-dr-drill" in ran
    assert 0 < float(ran.splitlines()[-1].removesuffix(" s")) < 30
    assert eafix.does("psql -A -t -d eafix_dr_drill -c \"SELECT value FROM risk_settings WHERE name = 'of the test'\"") == "7\n"


def test_a_damaged_backup_is_found(eafix: Operator) -> None:
    """An archive cut short, and one without a dump, fail; so does one that is not there."""
    eafix.does(BACKUP + 'head -c 1000 "$BACKUP" >~/cut.tar.gz; tar -czf ~/empty.tar.gz Makefile')
    assert eafix.runs("restore-test.sh ~/cut.tar.gz eafix-restore-test").exit_code == 1
    empty = eafix.runs("restore-test.sh ~/empty.tar.gz eafix-restore-test")
    assert "holds no dump of a database" in empty.output
    assert "backups/nope.tar.gz: no such backup" in eafix.runs("restore-test.sh /backups/nope.tar.gz eafix-restore-test").output


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("restore-from-backup.sh --target=nowhere", 1, "there is no namespace nowhere"),
        ("restore-from-backup.sh --latest --site=dr", 3, "gameday's stand-in does not offer it"),
        ("restore-from-backup.sh --latest", 2, "would restore over the live database"),
        ("restore-test.sh /backups/eafix-full-$(date +%Y%m%d).tar.gz eafix-prod", 1, "not a place to restore into for a test"),
        ("./scripts/activate-dr-site.sh", 3, "gameday's stand-in does not offer it"),
        ("backup-full.sh --fast", 2, "unknown argument --fast"),
        ("prometheus-cleanup.sh --retention=long", 2, "must be a duration"),
        ("prometheus-cleanup.sh --retention=30d", 1, "Prometheus does not answer"),
        ("alert-send.sh", 2, "usage: alert-send.sh MESSAGE"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(eafix: Operator, command: str, code: int, said: str) -> None:
    """Nothing is invented, and the live database is never restored over."""
    ran = eafix.runs(KUBECTL + command)
    assert (ran.exit_code, said in ran.output) == (code, True), ran.output


def test_incremental_backups_are_only_taken_by_a_server_that_has_them(eafix: Operator) -> None:
    """Postgres 17 with summarize_wal on; for others it is not offered, which nobody takes for a failure of the runbook."""
    ran = eafix.runs("backup-incremental.sh")
    assert (ran.exit_code, "gameday's stand-in does not offer it" in ran.output) == (3, True)


def test_the_transaction_log_is_really_copied(eafix: Operator) -> None:
    """The segment that is being written lands in /backups/wal; a second time it goes on from there."""
    assert eafix.does("backup-transaction-log.sh").startswith("/backups/wal: transaction log up to ")
    assert eafix.does("backup-transaction-log.sh").endswith(" 0 new segments\n")
    assert eafix.does("stat -c %s /backups/wal/*.partial") == "16777216\n"


def test_alembic_really_migrates_and_may_run_again(eafix: Operator) -> None:
    """002:60: the index is there afterwards, and gone when it is undone."""
    indexes = "psql -A -t -c \"SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_by_time'\""
    eafix.does("alembic upgrade head")
    assert (eafix.does(indexes), eafix.runs("alembic upgrade head").exit_code) == ("1\n", 0)
    assert eafix.does("alembic current").endswith("0002 (head)\n")
    eafix.does("alembic downgrade base")
    assert eafix.does(indexes) == "0\n"


def test_positions_are_really_compared_with_executions(eafix: Operator) -> None:
    """001:200: a dry run tells what differs and changes nothing; --apply mends it."""
    script = "python scripts/data-repair/fix_positions.py"
    assert eafix.does(f"{script} --dry-run").endswith(" 0 differ\n")
    eafix.does("psql -q -c \"INSERT INTO positions VALUES ('XAUUSD', 5, 0)\"")
    for _ in range(2):
        ran = eafix.runs(f"{script} --dry-run")
        assert (ran.exit_code, ran.output.splitlines()[0]) == (1, "XAUUSD: position 5, executions 0, difference +5")
    assert "1 mended" in eafix.does(f"{script} --apply")
    eafix.does(f"{script} --dry-run && psql -q -c \"DELETE FROM positions WHERE symbol = 'XAUUSD'\"")


def test_latency_is_really_measured(eafix: Operator) -> None:
    """001:217: figures of real answers in documented seconds; nobody there is a failure."""
    said = eafix.does("python scripts/performance/latency-test.py --duration=0.5")
    assert " 0 failures in 0.5 s\np50 " in said
    ran = eafix.runs("python scripts/performance/latency-test.py --duration=0.3 --url=http://127.0.0.1:1/")
    assert ran.exit_code == 1
    assert "last failure: " in ran.output


def test_an_alert_really_pages(eafix: Operator) -> None:
    """002:457: there is an incident afterwards, and a pager that is gone is a failure."""
    eafix.does('alert-send.sh "CRITICAL: Backup integrity check failed for 20261121"')
    titles = eafix.does("curl -s http://$EAFIX_PAGER/incidents | jq -r '.incidents[].title'")
    assert "CRITICAL: Backup integrity check failed for 20261121" in titles
    ran = eafix.runs("EAFIX_PAGER=127.0.0.1:1 alert-send.sh hello")
    assert (ran.exit_code, "nobody was paged" in ran.output) == (1, True)


def test_names_are_really_changed(eafix: Operator) -> None:
    """002:506: the documented zone is there, and the record is in it afterwards."""
    change = "aws route53 change-resource-record-sets --hosted-zone-id Z123456789 --change-batch file://dns-failover.json"
    assert '"Status": "INSYNC"' in eafix.does(change)
    records = eafix.does("aws route53 list-resource-record-sets --hosted-zone-id $GAMEDAY_ZONE_ID")
    assert "dr.trading.eafix.example." in records
    assert "NoSuchHostedZone" in eafix.runs(change.replace("Z123456789", "Z000")).output


CERTIFICATES = (
    'kubectl() { echo "$CERTIFICATES"; }; export -f kubectl; CERTIFICATES=%r; export CERTIFICATES; cert-manager-check.sh %s'
)
ISSUED = '{"items": [{"metadata": {"namespace": "a", "name": "b"}, "status": {"notAfter": "%s"}}]}'


@pytest.mark.parametrize(
    ("objects", "flag", "code", "said"),
    [
        ('{"items": []}', "", 0, "the cluster has no certificates"),
        (ISSUED % "2099-01-01T00:00:00Z", "--renew-if-needed", 0, "none is due within 30 days"),
        (ISSUED % "2001-01-01T00:00:00Z", "", 1, "due: a/b"),
        (ISSUED % "2001-01-01T00:00:00Z", "--renew-if-needed", 3, "issuing certificates is not modelled"),
    ],
)
def test_certificates_are_judged_by_their_end(eafix: Operator, objects: str, flag: str, code: int, said: str) -> None:
    """002:596, on what the cluster says of them."""
    ran = eafix.runs(CERTIFICATES % (objects, flag))
    assert (ran.exit_code, said in ran.output) == (code, True), ran.output


# --- Trading Engine --------------------------------------------------------------------------------------------------


def test_the_cloud_starts_when_it_is_asked_and_answers_everybody(site: Site) -> None:
    """Nothing runs before; several that connect while it starts are all answered."""
    operator = site.operator("trading-engine")
    assert not operator.cloud.started
    with ThreadPoolExecutor(3) as people:
        answers = list(people.map(operator.does, ["aws s3 ls"] * 3))
    assert all(answer.endswith(" trading-engine-backups\n") for answer in answers)
    assert operator.cloud.started


def test_the_documented_dump_can_be_downloaded_and_read(engine: Operator) -> None:
    """003:426-433: it is a dump of the stack's own database."""
    engine.does("aws s3 cp s3://trading-engine-backups/backup-20260118.dump .")
    assert "TABLE DATA public orders" in engine.does("pg_restore --list backup-20260118.dump")
    assert "PRE manual/" in engine.does("aws s3 ls s3://trading-engine-backups/")


def test_the_documented_migration_may_run_again(engine: Operator) -> None:
    """003:447: /migrations is at the root of the machine."""
    for _ in range(2):
        engine.does("psql -v ON_ERROR_STOP=1 -q -f /migrations/001_new_schema.sql")
    assert "order_routes" in engine.does('psql -c "\\dt"')


# --- AI Trading System -----------------------------------------------------------------------------------------------


def test_backups_are_really_taken_and_logged(trading: Operator) -> None:
    """004:143-151: both scripts leave a file and a line; the dump is in the object store."""
    last_night = trading.does("tail -50 /var/log/postgres-backup.log; tail -50 /var/log/redis-backup.log")
    assert last_night.count(" OK: ") == 2
    trading.does("./scripts/backup-postgres.sh && ./scripts/backup-redis.sh")
    today = f"{datetime.now().astimezone():%Y-%m-%d}"
    assert f"trading_db_{today}.dump" in trading.does("aws s3 ls s3://ai-trading-backups/postgres/")
    assert trading.does("gunzip -c /var/backups/redis/redis_latest.rdb.gz | head -c 5") == "REDIS"


def test_a_backup_that_fails_says_so_in_its_log(trading: Operator) -> None:
    """004:138: its exit code is not 0."""
    ran = trading.runs("DATABASE_URL=postgresql://127.0.0.1:1/x ./scripts/backup-postgres.sh")
    assert ran.exit_code == 1
    assert "ERROR: pg_dump ended with exit code 1" in trading.does("tail -1 /var/log/postgres-backup.log")


def test_the_documented_recovery_of_the_database_works(trading: Operator) -> None:
    """004:349-354, with a user that may make databases."""
    said = trading.does(
        "export PGUSER=postgres; aws s3 cp --quiet s3://ai-trading-backups/postgres/trading_db_2025-01-20.dump . && "
        "dropdb --if-exists trading_db_recovery && createdb trading_db_recovery && "
        "pg_restore --no-acl --no-owner -d trading_db_recovery trading_db_2025-01-20.dump && "
        "psql -A -t -d trading_db_recovery -c 'SELECT count(*) FROM trading_halt' && dropdb trading_db_recovery"
    )
    assert said.endswith("\n1\n") or said == "1\n"


def test_the_combined_log_has_the_services_lines(site: Site, trading: Operator) -> None:
    """004:323: what a service has written stands in it."""
    line = (site.folder / "logs/gui-gateway.log").read_text().splitlines()[0]
    assert trading.does(
        "for _ in $(seq 50); do grep -qF gui-gateway logs/combined.log && break; sleep 0.1; done; cat logs/combined.log"
    )
    assert line in (trading.station.checkout / "logs/combined.log").read_text()


def test_a_deployment_that_does_not_work_is_counted(trading: Operator) -> None:
    """004:382: here there is neither an API on port 8000 nor a pm2 that knows anything; database and Redis answer."""
    pm2 = 'pm2() { echo \'[{"name": "api", "pm2_env": {"status": "errored"}}]\'; }; export -f pm2; '
    ran = trading.runs(pm2 + "VERIFY_WITHIN_S=0 ./scripts/deployment-verification.sh")
    assert ran.exit_code == 2, ran.output
    api, *others = ran.output.splitlines()
    assert api.startswith("FAILED  API: curl: (7) ")
    assert others == ["ok      database", "ok      Redis", "FAILED  pm2 processes: api not online"]


def test_the_datastores_folder_is_the_real_one(site: Site, trading: Operator) -> None:
    """004:360-368 put the restored file where Redis looks for it."""
    assert "appendonly" in trading.does("ls /var/lib/redis/")
    assert (trading.station.root / "var/lib/redis").resolve() == site.stack.datastores["redis"].data.resolve()
