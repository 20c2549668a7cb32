"""Every rule about shell and commands finds its bad example, at its line, and leaves its good one alone."""

from __future__ import annotations

import pytest

from scenarios.lint import all_rules
from scenarios.stacks import load_stack
from tests.scenarios.lint.judging import document, found, lines, report

THEMES = (
    "shellcheck", "quoting", "attended", "clock", "variables", "secrets", "unknown", "ineffective", "failures", "clients", "compose",
    "cluster", "dangerous", "recovery", "restoring", "conditions",
)  # fmt: skip
ELSEWHERE = {"unknown-command", "default-credentials"}  # they need more than a block of shell; tested below
PROMOTE = """kubectl patch statefulset db-replica --patch='{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"DB_ROLE","value":"primary"}]}]}}}}'"""
BLUE = """kubectl patch service gateway -p '{"spec":{"selector":{"version":"blue"}}}'"""
BROAD = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"

BAD: list[tuple[str, str, list[int]]] = [
    ("shell-syntax", "if pg_isready; then echo up", [1]),
    ("shellcheck", "LAG=400\nif [ $LAG > 300 ]; then echo late; fi", [2]),
    ("url-cut", "curl http://localhost:9090/api/v1/query_range?query=up&step=60s", [1]),
    ("url-cut", "curl http://localhost/q?a=1&b=$(date +%s)&c=2", [1]),
    ("url-pattern", "curl http://localhost:8083/api/signals?limit=1", [1]),
    ("endless-command", "kubectl logs -f deployment/api\nkubectl get pods", [1]),
    ("endless-command", "top", [1]),
    ("interactive-command", "kubectl edit configmap limits", [1]),
    ("interactive-command", "psql -d orders", [1]),
    ("needless-tty", 'docker exec -it db psql -c "SELECT 1"', [1]),
    ("needless-tty", 'kubectl exec -t db-0 -- psql -c "SELECT 1"', [1]),
    ("tty-in-output", "kubectl exec -it api-0 -- curl http://localhost/heap > heap.prof", [1]),
    ("clock-name-twice", "pg_dump -f db-$(date +%H%M%S).dump\npg_restore -l db-$(date +%H%M%S).dump", [2]),
    ("clock-name-twice", "pg_dump > db-$(date +%F).dump\naws s3 cp db-$(date +%F).dump s3://b/", [2]),
    ("unset-variable", "echo hello\neafix-cli incident report --incident-id=$INCIDENT_ID", [2]),
    ("unbound-placeholder", "docker compose stop <service-name>", [1]),
    ("unbound-placeholder", "aws route53 get-hosted-zone --id Z123456789", [1]),
    ("secret-on-command-line", "kubectl create secret generic api --from-literal=jwt-secret='hunter2'", [1]),
    ("secret-on-command-line", "redis-cli -a hunter2 ping", [1]),
    ("secret-on-command-line", "mysql -phunter2 -e 'SELECT 1'", [1]),
    ("secret-on-command-line", "curl -u admin:hunter2 http://grafana/api", [1]),
    ("secret-on-command-line", "curl -H 'Authorization: Bearer abc123' http://api/", [1]),
    ("secret-on-command-line", "PGPASSWORD=hunter2 psql -c 'SELECT 1'", [1]),
    ("secret-on-command-line", "psql postgresql://eafix:hunter2@db/orders -c 'SELECT 1'", [1]),
    ("computed-port", "for s in data-ingestor risk-manager; do\n  curl http://localhost:808${s#*-}/healthz\ndone", [2]),
    ("loop-over-nothing", "for host in ; do ssh $host uptime; done", [1]),
    ("sudo-redirection", "sudo echo 1 > /proc/sys/vm/drop_caches", [1]),
    ("pipe-ignored", "pgrep stuck-worker | kill", [1]),
    ("only-rehearsed", "# Repair positions\npython fix_positions.py --dry-run", [2]),
    ("script-without-folder", "./scripts/activate.sh\nrestore.sh --latest", [2]),
    ("pipe-hides-failure", "curl -s http://localhost:8080/healthz | jq .status || echo Failed", [1]),
    ("cd-unchecked", "git clone https://git.example/r.git recovery\ncd recovery\ndocker compose down -v", [2]),
    ("check-stops-early", "# health-check.sh\nset -e\ncurl -f http://api/health\nredis-cli ping", [3]),
    ("success-claimed", "#!/bin/bash\nrestore.sh --latest\necho 'Recovery completed'", [3]),
    ("commit-of-nothing", "git commit -m 'Update procedures'", [1]),
    ("root-without-sudo", "sudo ufw deny out 443\nsystemctl stop redis\nsystemctl start redis", [2]),
    ("logs-of-one-pod", "kubectl logs deployment/api --since=1h | grep -i error", [1]),
    ("logs-of-one-pod", "kubectl logs -n production statefulset/db --tail=100", [1]),
    ("restored-dump-unread", "mv latest.rdb /var/lib/redis/dump.rdb", [1]),
    ("restore-before-stopped", "kubectl scale deployment api --replicas=0\npg_restore -d orders nightly.dump", [2]),
    ("curl-hides-failure", "curl -X POST http://localhost:8080/emergency/stop-trading", [1]),
    ("curl-hides-failure", "curl http://localhost:8080/healthz", [1]),
    ("psql-without-target", "psql -h localhost -d orders -c 'SELECT 1'\npsql -c 'SELECT 2'\npsql -XAtc 'SELECT 3'", [2, 3]),
    ("psql-goes-on", "psql -d orders -f migration.sql", [1]),
    ("restart-keeps-environment", "# Update environment variables\ndocker compose restart risk-manager", [2]),
    ("compose-file-missing", "docker compose -f deploy/compose.yml ps\ndocker compose logs", [2]),
    ("statefulset-ordinal", "kubectl logs statefulset/db\nkubectl exec statefulset/db-0 -- psql -c 'SELECT 1'", [2]),
    ("wait-before-exists", "kubectl apply -f green/\nkubectl wait --for=condition=ready pod -l version=green", [2]),
    ("traffic-before-ready", f"{BLUE}\nkubectl scale deployment gateway-blue --replicas=3", [1]),
    ("scale-under-hpa", "kubectl scale deployment api --replicas=20\n# Note: HPA will override manual scaling", [1]),
    ("made-again", "# Daily restore test\nkubectl create namespace restore-test", [2]),
    ("helm-values-dropped", "helm upgrade api ./chart --set image.tag=v2\nhelm upgrade api ./chart --set cpu=2", [1, 2]),
    ("comment-disagrees", "# Increase connection pool\nhelm upgrade api ./chart --reuse-values --set db.limits.cpu=4", [2]),
    ("flush-all", "redis-cli FLUSHALL", [1]),
    ("flush-all", "kubectl exec redis-0 -- redis-cli -n 3 flushdb", [1]),
    ("data-removed", "dropdb orders", [1]),
    ("data-removed", "rm -rf /var/lib/postgresql/16/main", [1]),
    ("data-removed", "psql -d orders -c 'TRUNCATE fills'", [1]),
    ("data-removed", "psql -d orders -c 'DELETE FROM fills;'", [1]),
    ("data-overwritten", "mv latest.rdb /var/lib/redis/dump.rdb", [1]),
    ("volumes-removed", "docker compose down -v", [1]),
    ("volumes-removed", "kubectl delete namespace production", [1]),
    ("volumes-removed", "kubectl delete pvc data-db-0", [1]),
    ("volumes-removed", "docker system prune -a --volumes", [1]),
    ("deleted-then-made", "kubectl delete secret api\nkubectl create secret generic api --from-file=key", [1]),
    ("pods-all-at-once", "kubectl delete pod -l app=risk-manager", [1]),
    ("history-overwritten", "git push --force origin main", [1]),
    ("open-to-everybody", "chmod -R 777 /srv/app", [1]),
    ("download-executed", "curl -fsSL https://get.tool.example/install.sh | sudo bash", [1]),
    ("certificate-unchecked", "curl -sk https://api/health", [1]),
    ("evidence-in-tmp", "kubectl logs deployment/auth > /tmp/auth-logs.txt", [1]),
    ("sessions-killed-broadly", f'psql -c "{BROAD}"', [1]),
    ("sessions-killed-broadly", f"psql -c \"{BROAD} WHERE state = 'active' AND now() - query_start > interval '5 minutes'\"", [1]),
    ("promotion-without-fencing", PROMOTE, [1]),
    ("promotion-without-fencing", "pg_ctl promote -D /standby", [1]),
    ("promotion-without-fencing", "eafix-cli trading enable --site=dr", [1]),
    ("promotion-on-one-probe", "if ! pg_isready -h db; then\n  pg_ctl promote -D /standby\nfi", [1]),
    ("failover-leaves-clients", f"""{PROMOTE}\nkubectl patch service db -p '{{"spec":{{"selector":{{"role":"primary"}}}}}}'""", [2]),
    ("failover-leaves-clients", f"""{PROMOTE}\nkubectl patch service db -p '{{"spec":{{"selector":{{"role":"primary"}}}}}}'\nkubectl exec db-1 -- psql -c 'SELECT pg_is_in_recovery()'""", [2]),
    ("restore-over-live", "pg_restore --clean -d orders nightly.dump", [1]),
    ("restore-over-live", "kubectl exec -i db-0 -- pg_restore -U trading -d orders -c < nightly.dump", [1]),
    ("clean-into-empty", "dropdb copy\ncreatedb copy\npg_restore --clean -d copy nightly.dump", [1, 3]),
    ("backup-unchecked", "pg_dump -Fc orders > orders.dump\naws s3 cp orders.dump s3://backups/", [2]),
    ("many-sources", "aws s3 cp backup-*.dump s3://backups/", [1]),
    ("backup-from-elsewhere", "aws s3 cp x.dump s3://backups/manual/\naws s3 cp s3://backups/x.dump .", [2]),
    ("restored-unused", "pg_restore -d orders_recovery nightly.dump", [1]),
    ("restored-from-git", "cp app.cjs app.backup.cjs\n# Restore from backup\ngit checkout HEAD~1 -- app.cjs", [3]),
    ("condition-in-comment", "helm upgrade api ./chart\n# If issues: rollback\nhelm rollback api", [3]),
]  # fmt: skip

GOOD: list[tuple[str, str]] = [
    ("shell-syntax", "if pg_isready; then echo up; fi"),
    ("shell-syntax", "docker compose stop <service-name>"),
    ("shellcheck", 'LAG=400\nif [ "$LAG" -gt 300 ]; then echo late; fi'),
    ("shellcheck", "cd recovery\nfor attempt in $(seq 20); do ls $HOME; done"),
    ("shell-syntax", "$ redis-cli incr x\n(integer) 1"),
    ("shellcheck", "$ toxiproxy-cli list\n======="),
    ("url-cut", "curl 'http://localhost:9090/api/v1/query_range?query=up&step=60s'"),
    ("url-cut", "curl http://localhost/a & \nwait"),
    ("url-cut", "curl http://localhost/a && echo fine"),
    ("url-pattern", "curl 'http://localhost:8083/api/signals?limit=1'"),
    ("url-pattern", "curl http://localhost:808${service#*-}/healthz"),
    ("endless-command", "kubectl logs --since=10m deployment/api\ntop -b -n 1\ndocker stats --no-stream\nping -c 3 db"),
    ("endless-command", "docker compose -f file.yml up -d\nkubectl apply -f file.yml"),
    ("endless-command", "kubectl --context prod apply -f file.yml\nping --help"),
    ("interactive-command", 'psql -XAtc "SELECT 1"\npsql -d orders -c "SELECT 1"\npsql -d orders < fix.sql\nredis-cli ping'),
    ("needless-tty", 'kubectl exec -i db-0 -- psql -c "SELECT 1"\ndocker exec -it db bash\nkubectl exec -it db-0 -- psql -d orders'),
    ("tty-in-output", "kubectl exec api-0 -- curl -sf http://localhost/heap > heap.prof"),
    ("clock-name-twice", 'D=db-$(date +%H%M%S).dump\npg_dump -f "$D"\npg_restore -l "$D"'),
    ("clock-name-twice", 'echo "started: $(date)"\necho "started: $(date)"'),
    ("unset-variable", 'ID=7\neafix-cli incident report --incident-id=$ID\necho $HOME ${PORT:-6379} "${X:?}"'),
    ("unset-variable", '[ -z "$ID" ] && exit\necho $ID $KUBECONFIG'),
    ("unbound-placeholder", "cat < in > out\ntest $A -lt 5\ngrep '[ERROR]' log"),
    ("secret-on-command-line", "kubectl create secret generic api --from-file=jwt-secret=/run/secrets/jwt\nmake login --password-stdin"),
    ("secret-on-command-line", "eafix-cli tokens revoke --pattern=compromised_*\nkubectl get secret api\nhelm upgrade api . --set tokenTtl=5"),
    ("secret-on-command-line", "curl -u admin http://grafana/\npsql postgresql://eafix@db/orders -c 'SELECT 1'\nkubectl exec -it db-0 -a -- ls"),
    ("secret-on-command-line", "psql --no-password orders -c 'SELECT 1'"),
    ("secret-on-command-line", "docker buildx build --secret id=aws,src=/run/aws ."),
    ("computed-port", "for s in data-ingestor:8081 risk-manager:8084; do curl -f http://localhost:${s#*:}/healthz; done"),
    ("loop-over-nothing", "for host in db-1 db-2; do echo $host; done"),
    ("sudo-redirection", "echo 1 | sudo tee /proc/sys/vm/drop_caches\nsudo ls /root > listing.txt"),
    ("pipe-ignored", "pgrep stuck | xargs kill\necho y | rm -i file | cat"),
    ("only-rehearsed", "# Repair positions\npython fix_positions.py --dry-run\npython fix_positions.py"),
    ("only-rehearsed", "# Check what the repair would do\npython fix_positions.py --dry-run"),
    ("only-rehearsed", "# Apply the secret\nkubectl create secret generic a --dry-run=client -o yaml | kubectl apply -f -"),
    ("script-without-folder", "./scripts/activate.sh\n/scripts/restore.sh --latest\npsql -c 'SELECT 1'"),
    ("script-without-folder", "backup.sh"),
    ("pipe-hides-failure", "curl -sf http://localhost/healthz | jq -e .status || echo Failed\nmake check || echo Failed"),
    ("pipe-hides-failure", "set -o pipefail\ncurl -s http://localhost/healthz | jq .status || echo Failed"),
    ("cd-unchecked", "cd recovery && docker compose down\ncd other || exit 1\ndocker compose down"),
    ("cd-unchecked", "cd recovery\nls -l\ngit checkout main\nrm -f /tmp/x"),
    ("check-stops-early", "# health-check.sh\nset -e\ncurl -f http://api/health || failed=1\nredis-cli ping || failed=1"),
    ("check-stops-early", "# deploy.sh\nset -e\ncurl -f http://api/deploy\nredis-cli ping"),
    ("success-claimed", "#!/bin/bash\nset -euo pipefail\nrestore.sh --latest\necho 'Recovery completed'"),
    ("success-claimed", "#!/bin/bash\nif restore.sh --latest; then echo completed; fi\nmake check && echo success"),
    ("success-claimed", "restore.sh --latest\necho 'Recovery completed'"),
    ("commit-of-nothing", "git add docs\ngit commit -m 'Update procedures'"),
    ("commit-of-nothing", "git commit -am 'Update procedures'\ngit commit --amend"),
    ("root-without-sudo", "sudo systemctl stop redis\nsystemctl status redis\ncp a /tmp/b"),
    ("root-without-sudo", "systemctl stop redis"),
    ("logs-of-one-pod", "kubectl logs -l app=api --prefix\nkubectl logs api-7d9f\nkubectl rollout restart deployment/api"),
    ("restored-dump-unread", "redis-cli CONFIG GET appendonly\nmv latest.rdb /var/lib/redis/dump.rdb"),
    ("restore-before-stopped", "kubectl scale deployment api --replicas=0\nkubectl wait --for=delete pod -l app=api\npg_restore -d orders nightly.dump"),
    ("curl-hides-failure", "curl -fsS -X POST http://localhost/stop\ncurl --fail http://localhost/healthz\ncurl -I http://localhost/healthz"),
    ("curl-hides-failure", "curl http://localhost:9090/metrics | grep up"),
    ("psql-without-target", "psql -h localhost -d orders -c 'SELECT 1'\npsql \"$DATABASE_URL\" -c 'SELECT 2'\nkubectl exec db-0 -- psql -c 'SELECT 3'"),
    ("psql-without-target", "psql -c 'SELECT 1'\npsql -c 'SELECT 2'"),
    ("psql-goes-on", "psql -d orders -v ON_ERROR_STOP=1 -1 -f migration.sql\npsql -d orders -c 'SELECT 1'"),
    ("restart-keeps-environment", "# Update environment variables\ndocker compose up -d risk-manager\n# It hangs\ndocker compose restart gui-gateway"),
    ("compose-file-missing", "docker compose ps\ndocker compose logs"),
    ("compose-file-missing", "export COMPOSE_FILE=deploy/compose.yml\ndocker compose -f deploy/compose.yml ps\ndocker compose logs"),
    ("statefulset-ordinal", "kubectl exec db-0 -- psql -c 'SELECT 1'\nkubectl exec statefulset/db -- psql -c 'SELECT 1'"),
    ("wait-before-exists", "kubectl wait --for=condition=ready pod -l version=green\nkubectl apply -f green/"),
    ("traffic-before-ready", f"kubectl scale deployment gateway-blue --replicas=3\nkubectl rollout status deployment/gateway-blue\n{BLUE}"),
    ("traffic-before-ready", f"{BLUE}\nkubectl scale deployment gateway-green --replicas=0"),
    ("scale-under-hpa", "kubectl scale deployment api --replicas=0\nkubectl scale deployment api --replicas=3\n# Note: HPA will override manual scaling"),
    ("scale-under-hpa", "kubectl scale deployment api --replicas=20"),
    ("made-again", "# Daily restore test\nkubectl create namespace restore-test\nkubectl delete namespace restore-test"),
    ("made-again", "kubectl create namespace restore-test"),
    ("helm-values-dropped", "helm upgrade api ./chart --reuse-values --set cpu=2\nhelm upgrade api ./chart -f prod.yaml --set cpu=2\nhelm upgrade api ./chart"),
    ("comment-disagrees", "# Increase memory limits\nhelm upgrade api ./chart --set api.resources.limits.memory=4Gi"),
    ("flush-all", "redis-cli --scan --pattern 'cache:*' | xargs redis-cli UNLINK\necho FLUSHALL is forbidden"),
    ("data-removed", "pg_dump -Fc -f before.dump orders\ndropdb orders\npsql -c 'DELETE FROM fills WHERE id = 7;'"),
    ("data-removed", "dropdb orders_recovery\nrm -rf ./build\nrm notes.txt"),
    ("data-overwritten", "mv /var/lib/redis/dump.rdb /var/lib/redis/dump.rdb.before\nmv latest.rdb /var/lib/redis/dump.rdb"),
    ("volumes-removed", "docker compose down\ndocker compose logs -v\nkubectl create namespace drill\nkubectl delete namespace drill"),
    ("deleted-then-made", "kubectl create secret generic api --from-file=key --dry-run=client -o yaml | kubectl apply -f -\nkubectl delete secret old"),
    ("pods-all-at-once", "kubectl delete pod api-0\nkubectl rollout restart deployment/api"),
    ("history-overwritten", "git push origin main\ngit push --force-with-lease origin topic"),
    ("open-to-everybody", "chmod 750 /srv/app\nchmod +x run.sh"),
    ("download-executed", "curl -fsSLo install.sh https://get.tool.example/install.sh\nbash install.sh\ncurl -s http://api/x | python3 read.py"),
    ("certificate-unchecked", "curl --cacert ca.pem https://api/health\ncurl -sS https://api/health"),
    ("evidence-in-tmp", "kubectl logs deployment/auth > evidence/auth-logs.txt"),
    ("sessions-killed-broadly", f"psql -c \"{BROAD} WHERE state = 'idle in transaction'\"\npsql -c 'SELECT pg_terminate_backend(4711)'"),
    ("sessions-killed-broadly", f"psql -c \"{BROAD} WHERE backend_type = 'client backend' AND state = 'active'\""),
    ("promotion-without-fencing", f"kubectl scale statefulset/db --replicas=0\n{PROMOTE}"),
    ("promotion-without-fencing", "eafix-cli trading start"),
    ("promotion-on-one-probe", "if ! for i in 1 2 3; do pg_isready -h db && break; sleep 2; done; then\n  pg_ctl promote -D /standby\nfi"),
    ("promotion-on-one-probe", "pg_ctl promote -D /standby"),
    ("failover-leaves-clients", f"""{PROMOTE}\nkubectl label pod db-replica-0 role=primary\nkubectl patch service db -p '{{"spec":{{"selector":{{"role":"primary"}}}}}}'"""),
    ("failover-leaves-clients", f"""{PROMOTE}\nkubectl patch service db -p '{{"spec":{{"selector":{{"role":"primary"}}}}}}'\npsql -h db -c 'SELECT pg_is_in_recovery()'"""),
    ("restore-over-live", "pg_dump -Fc -f before.dump orders\npg_restore --clean --single-transaction -d orders nightly.dump"),
    ("restore-over-live", "pg_restore --clean -d orders_recovery nightly.dump\npg_restore -d orders nightly.dump"),
    ("clean-into-empty", "dropdb --if-exists copy\ncreatedb copy\npg_restore --exit-on-error -d copy nightly.dump"),
    ("backup-unchecked", "pg_dump -Fc orders > orders.dump\npg_restore --list orders.dump\naws s3 cp orders.dump s3://backups/"),
    ("backup-unchecked", "pg_dump -Fc orders > orders.dump && aws s3 cp orders.dump s3://backups/"),
    ("many-sources", "aws s3 cp orders.dump s3://backups/\naws s3 cp . s3://b/ --recursive --include '*.dump'"),
    ("backup-from-elsewhere", "aws s3 cp x.dump s3://backups/\naws s3 cp s3://backups/x.dump .\naws s3 cp s3://other/y.dump ."),
    ("restored-unused", "pg_restore -d orders_recovery nightly.dump\npsql -d orders_recovery -c 'SELECT count(*) FROM fills'"),
    ("restored-from-git", "# Take the last good version\ngit checkout HEAD~1 -- app.cjs"),
    ("condition-in-comment", "# If issues: rollback\nhelm rollback api"),
    ("condition-in-comment", "helm upgrade api ./chart\n# If issues: look at the logs\nkubectl logs deployment/api"),
]  # fmt: skip
TITLES = {"evidence-in-tmp": "Security breach", "restored-unused": "Database recovery"}


@pytest.mark.parametrize(("rule", "shell", "where"), BAD)
def test_a_bad_example_is_found_at_its_line(rule: str, shell: str, where: list[int]) -> None:
    """The rule finds what it is there for, and nothing else in the block."""
    assert lines(rule, shell, TITLES.get(rule, "Mend it")) == where


@pytest.mark.parametrize(("rule", "shell"), GOOD)
def test_a_good_example_is_left_alone(rule: str, shell: str) -> None:
    """What looks alike and is right is not reported."""
    assert [each.message for each in found(rule, shell, TITLES.get(rule, "Mend it"))] == []


def test_every_rule_of_these_themes_has_both_examples() -> None:
    """No rule goes untested: each has at least one bad example and one good."""
    ours = {each.id for each in all_rules() if each.theme in THEMES} - ELSEWHERE
    assert ours == {rule for rule, _, _ in BAD} == {rule for rule, _ in GOOD}


def test_findings_say_what_shows_them() -> None:
    """Every finding of the bad examples has a message and evidence."""
    for rule, shell, _ in BAD:
        for each in found(rule, shell, TITLES.get(rule, "Mend it")):
            assert each.message, rule
            assert each.evidence, rule


def refuses_verify(words: tuple[str, ...]) -> str | None:
    if words[0] != "kubectl":
        return "unknown"
    return 'error: unknown command "verify" for "kubectl"' if words[1] == "verify" else None


def test_what_the_tool_refuses_is_found() -> None:
    """The grammar that the face gives decides; a tool that it does not know is left alone."""
    shell = "kubectl verify backup x\nkubectl get pods\nsudo kubectl verify backup x\nsometool verify"
    assert lines("unknown-command", shell, grammar=refuses_verify) == [1, 3]


def test_without_a_grammar_no_command_is_unknown() -> None:
    """Nothing is guessed."""
    assert lines("unknown-command", "kubectl verify backup x") == []


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("Grafana: http://localhost:3000 (admin/admin)", 1),
        ("Grafana: http://localhost:3000, change the default admin/admin", 0),
        ("See /srv/admin/admin for the pages", 0),
    ],
)
def test_default_credentials_in_prose(line: str, count: int) -> None:
    """A user with its default password beside an address; neither advice to change it nor a folder."""
    assert len(report(document(f"# Access\n\n- {line}\n"), "default-credentials").findings) == count


def test_a_bound_placeholder_is_none() -> None:
    """A value in the bindings file is enough, for variables and for placeholders."""
    from scenarios.reading import Bindings

    bindings = Bindings({"service-name": "risk-manager", "ID": "7"})
    shell = "docker compose stop <service-name>\neafix-cli incident report --id=$ID"
    assert lines("unbound-placeholder", shell, bindings=bindings) == []
    assert lines("unset-variable", shell, bindings=bindings) == []


def test_a_variable_is_told_once_with_all_its_uses() -> None:
    """Thirteen uses of one variable are one finding, and the others are related to it."""
    (only,) = found("unset-variable", "psql $DB -c 'SELECT 1'\npsql $DB -c 'SELECT 2'\npsql $DB -c 'SELECT 3'")
    assert [each.line for each in only.related] == [5, 6]


def test_with_a_known_stack_the_services_left_behind_are_named() -> None:
    """A failover that restarts one client of the database leaves the others at the old address."""
    shell = f"{PROMOTE}\nkubectl rollout restart deployment/eafix-risk-manager"
    (only,) = found("failover-leaves-clients", shell, stack=load_stack("eafix"))
    assert "execution-engine, gui-gateway" in only.message
    assert "risk-manager" not in only.message


@pytest.mark.parametrize(
    ("rule", "shell", "severity"),
    [
        ("endless-command", "top\ndf -h", "warning"),
        ("endless-command", "df -h\ntop", "info"),
        ("curl-hides-failure", "curl -X POST http://api/stop", "warning"),
        ("curl-hides-failure", "curl http://api/healthz", "info"),
        ("unbound-placeholder", "kubectl logs <pod>", "info"),
        ("unbound-placeholder", "helm upgrade a . --set image.tag=v1.x.x", "warning"),
        ("clock-name-twice", "touch a-$(date +%F)\ncat a-$(date +%F)", "warning"),
        ("clock-name-twice", "touch a-$(date +%s)\ncat a-$(date +%s)", "error"),
        ("statefulset-ordinal", "kubectl exec statefulset/db-0 -- ls", "warning"),
        ("helm-values-dropped", "helm upgrade api . --set cpu=2", "warning"),
        ("needless-tty", "kubectl exec -it db-0 -- psql -c 'SELECT 1'", "info"),
        ("interactive-command", "psql -d orders\nSELECT 1;", "info"),
    ],
)  # fmt: skip
def test_how_grave_it_is_depends_on_what_is_known(rule: str, shell: str, severity: str) -> None:
    """The same slip is graver where it does more harm, or where the document itself proves it."""
    assert [each.severity for each in found(rule, shell)] == [severity]
