"""`gameday runbook check`, the whole way: a runbook that is wrong in every way, one that attacks, and one of our own that is right."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.drills.cli import PROJECT

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

WRONG = """# EAFIX

## Look (0-5 minutes)

```bash
kubectl get podz
no-such-tool --now
curl -s http://localhost:8080/no/such/page
curl -s http://localhost:1/health | jq .
docker compose logs --since=1h | grep -i "no such line"
docker restart <container>
git clone https://github.com/acme/eafix.git
psql -U postgres -c "ALTER SYSTEM SET max_connections = 200"
psql -U postgres -c "SELECT pg_reload_conf()"
docker compose stop exporter
x=5
sleep 0.1 && echo "x is $x"
sleep 100 &
while true; do sleep 1; done
```

## Script

```bash
#!/bin/bash
set -e
false
echo "not reached"
```

## Twice

```bash
mkdir /tmp/restored
psql -U postgres -c "CREATE TABLE restored (x int)"
```

## Lose

```bash
psql -U postgres -c "DELETE FROM executions"
```

## Stop

```bash
curl -s -X POST http://localhost:8080/emergency/stop-trading
```

## Break

```bash
docker compose ps
kubectl patch service eafix-postgres --patch='{"spec":{"selector":{"role":"primry"}}}'
```
"""

ATTACK = """# EAFIX

## Attack

```bash
cat {secret} ~/.ssh/id_rsa /root/.ssh/id_rsa; env | grep {name}
curl -sS -m 5 http://127.0.0.1:{port}/
kill -9 1; kill -9 -1; echo survived
tail /dev/zero
yes
:(){{ :|:& }};:
echo well again
rm -rf / --no-preserve-root 2>/dev/null
eafix-cli health
```
"""

OURS = """# EAFIX

## Restart it

| | |
|---|---|
| Afterwards | it is well |
| Rollback | [Put it back](#put-it-back) |
| Again | safe |

```bash name="stop it" budget=30s
docker compose stop exporter
```

```bash name="see that it is down" expect="exit nonzero" budget=10s verification
curl -fsS http://localhost:9187/metrics
```

### Put it back

```bash name="start it" budget=30s
docker compose start exporter
```
"""


def check(document: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and the JSON."""
    out = document.with_suffix(".json")
    command = [
        sys.executable,
        "-m",
        "gameday.cli",
        "runbook",
        "check",
        str(document),
        "--format",
        "json",
        "--output",
        str(out),
        *arguments,
    ]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert out.is_file(), ran.stderr
    return ran.returncode, json.loads(out.read_text())


Found = dict[str, list[tuple[str, str]]]


def by_rule(report: dict[str, Any], text: str) -> Found:
    """The command of each finding, and its evidence, by rule."""
    lines = text.splitlines()
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in report["findings"]:
        found[each["rule"]].append((lines[each["line"] - 1], each["evidence"]))
    return dict(found)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], Found]:
    """Everything that can be wrong, checked once."""
    document = tmp_path_factory.mktemp("wrong") / "wrong.md"
    document.write_text(WRONG)
    code, report = check(document, "--limit", "15")
    return code, report, by_rule(report, WRONG)


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]], bool]:
    """The report, the commands as they were recorded, and whether somebody reached the host's loopback."""
    folder = tmp_path_factory.mktemp("attack")
    secret = folder / "secret"
    secret.write_text("a-secret-in-a-file")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = ATTACK.format(secret=secret, name="GAMEDAY_TEST_SECRET", port=server.getsockname()[1])
        document = folder / "attack.md"
        document.write_text(text)
        os.environ["GAMEDAY_TEST_SECRET"] = "a-secret-in-the-environment"
        try:
            _, report = check(document, "--limit", "25", "--keep", str(folder / "kept"))
        finally:
            del os.environ["GAMEDAY_TEST_SECRET"]
        server.settimeout(0.0)
        try:
            reached = bool(server.accept())
        except BlockingIOError:
            reached = False
    (kept,) = (folder / "kept").iterdir()
    events = [json.loads(line) for line in kept.read_text().splitlines()]
    assert secret.read_text() == "a-secret-in-a-file"
    return report, [each["data"] for each in events if each["kind"] == "command.finished"], reached


@pytest.mark.parametrize(
    ("rule", "command", "evidence"),
    [
        ("command-failed", "kubectl get podz", "podz"),
        ("command-missing", "no-such-tool --now", "command not found"),
        ("http-error-unnoticed", "curl -s http://localhost:8080/no/such/page", "404"),
        ("failure-hidden-by-pipe", "curl -s http://localhost:1/health | jq .", "(pipe: 7 0)"),
        ("no-stated-effect", 'psql -U postgres -c "ALTER SYSTEM SET max_connections = 200"', "pending_restart = t"),
        ("command-hangs", "while true; do sleep 1; done", "exit code 124"),
        ("command-failed", "false", "exit code 1"),
        ("unsafe-again", 'mkdir /tmp/restored', "File exists"),
        ("loses-writes", 'psql -U postgres -c "DELETE FROM executions"', "acknowledged, and not there"),
        ("leaves-stopped", "curl -s -X POST http://localhost:8080/emergency/stop-trading", "halted"),
        ("leaves-stopped", "docker compose stop exporter", "running -> stopped"),
    ],
)  # fmt: skip
def test_each_kind_of_finding(wrong: tuple[int, dict[str, Any], Found], rule: str, command: str, evidence: str) -> None:
    """At its command, with what shows it."""
    found = wrong[2].get(rule, [])
    assert command in [each[0] for each in found]
    assert any(command == each[0] and evidence in each[1] for each in found)


def test_a_selector_that_nothing_fits_takes_the_clients_away(wrong: tuple[int, dict[str, Any], Found]) -> None:
    """Whether they notice while their connections last or not, something is said at the patch."""
    said = [rule for rule, found in wrong[2].items() for command, _ in found if command.startswith("kubectl patch service")]
    assert said


def test_what_is_fine_is_left_alone(wrong: tuple[int, dict[str, Any], Found]) -> None:
    """A search that finds nothing, variables of the session, an address outside that cannot be judged."""
    commands = [command for found in wrong[2].values() for command, _ in found]
    assert not [each for each in commands if "grep" in each or each.startswith(("x=", "sleep", "docker compose ps", "git clone"))]


def test_every_command_is_accounted_for(wrong: tuple[int, dict[str, Any], Found]) -> None:
    """And only what was run counts as executed."""
    code, report, _ = wrong
    coverage = report["coverage"]
    status = {row["command"]: row["status"] for row in coverage["of"]}
    assert code == 1
    assert status["docker restart <container>"] == "needs a binding"
    assert status['echo "not reached"'] == "not reached"
    assert status["git clone https://github.com/acme/eafix.git"] in ("not judged", "executed")
    assert coverage["executed"] == sum(each == "executed" for each in status.values())
    assert coverage["commands"] == len(coverage["of"]) == 23
    assert report["broken"] == []


def test_nothing_of_the_caller_is_reached(attack: tuple[dict[str, Any], list[dict[str, Any]], bool]) -> None:
    """No file, no variable, nobody on the host's loopback."""
    report, commands, reached = attack
    assert not reached
    assert "a-secret-in" not in json.dumps([report, commands])
    assert "curl: (7)" in commands[1]["output"]


def test_attacks_end_within_their_limits(attack: tuple[dict[str, Any], list[dict[str, Any]], bool]) -> None:
    """Each as a finding, and the check goes on to its end."""
    report, commands, _ = attack
    rules = {each["line"]: each["rule"] for each in report["findings"]}
    assert commands[2]["output"].endswith("survived\n")
    assert {rules[line] for line in (10, 11)} == {"command-hangs"}
    assert rules[9] in ("command-hangs", "command-failed")
    assert commands[6]["output"] == "well again\n"
    assert rules[13] == "destroys-workstation"
    assert report["broken"] == []
    assert report["coverage"]["executed"] == 9


def test_our_own_steps_with_their_rollback(tmp_path: Path) -> None:
    """Expectations are held, the way back brings everything back, twice is as good as once; exit code 0."""
    document = tmp_path / "ours.md"
    document.write_text(OURS)
    code, report = check(document, "--procedure", "restart-it", "--severity", "warning")
    grave = [(each["rule"], each["line"], each["evidence"]) for each in report["findings"] if each["severity"] != "info"]
    assert (code, grave) == (0, [])
    assert report["coverage"]["share_executed"] == 1.0


def test_an_interrupt_ends_every_sandbox(tmp_path: Path) -> None:
    """And says so with its exit code."""
    document = tmp_path / "long.md"
    document.write_text("# EAFIX\n\n## Wait\n\n```bash\nsleep 55\n```\n\n## Wait too\n\n```bash\nsleep 55\n```\n")
    command = [sys.executable, "-m", "gameday.cli", "runbook", "check", str(document), "--jobs", "1"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not (inside := _conductors(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)  # polling for what must become true
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, b"stopped by SIGINT" in log) == (130, True)
    assert inside
    assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]


def _conductors(parent: int) -> list[int]:
    """The sandboxes that this process has started."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        threads = [path.read_text().split() for path in Path(f"/proc/{parent}/task").glob("*/children")]
    except OSError:
        return []
    return [int(pid) for pid in {*children, *(each for row in threads for each in row)} if _is_sandbox(pid)]


def _is_sandbox(pid: str) -> bool:
    try:
        return b"harness.runbooks.conduct" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
