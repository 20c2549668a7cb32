"""What a command came to: which exit codes, outputs and answers are findings, and which are answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.runbooks.made_up import made, single

NOT_OFFERED = "kubectl: drain exists in the real tool, but gameday's stand-in does not offer it"


@pytest.mark.parametrize(
    ("text", "exit_code", "output", "data", "rules"),
    [
        ("kubectl rollout restart deployment/x", 1, 'Error: deployments.apps "x" not found', {}, ["command-failed"]),
        ("date", 0, "today", {}, []),
        ("calculate-it.sh", 127, "bash: calculate-it.sh: command not found", {}, ["command-missing"]),
        ("./scripts/x.sh", 127, "bash: ./scripts/x.sh: No such file or directory", {}, ["command-missing"]),
        ("helm rollback ats", 1, "Error: release: not found", {}, ["command-failed"]),
        ("./verify.sh", 1, "./verify.sh: line 3: jqq: command not found", {}, ["command-missing"]),
        ("./verify.sh", 1, "./verify.sh: 3: jqq: not found", {}, ["command-missing"]),
        ("kubectl drain node", 3, NOT_OFFERED, {}, []),
        ("psql -c 'SELECT query FROM pg_stat_statements'", 1, 'ERROR:  relation "pg_stat_statements" does not exist', {}, []),
        ("sleep 1000", 124, "", {"ended_by": "time"}, ["command-hangs"]),
        ("tail -f x.log", 130, "", {"ended_by": "stop"}, []),
        ("tail -f x.log", 1, "tail: cannot open 'x.log'", {}, ["command-failed"]),
        ("yes", 137, "y", {"ended_by": "output"}, ["command-hangs"]),
        ("boom", 137, "", {"ended_by": "watchdog", "watchdog": "more than 300 processes"}, ["command-hangs"]),
        ("rm -rf /", 1, "", {"gone": ["home", "bin"]}, ["destroys-workstation"]),
        ("curl https://api.broker.com/x", 6, "curl: (6) Could not resolve host: api.broker.com", {}, []),
        ("curl http://risk-manger:8080/x", 6, "curl: (6) Could not resolve host: risk-manger", {}, ["command-failed"]),
    ],
)  # fmt: skip
def test_how_a_command_ended(text: str, exit_code: int, output: str, data: dict[str, Any], rules: list[str]) -> None:
    """Each end has its rule, or none."""
    assert single(text, exit_code, output, **data) == rules


@pytest.mark.parametrize(
    ("text", "codes", "rules"),
    [
        ("docker compose logs | grep -i error", [0, 1], []),
        ("docker compose logs | grep -i error", [1, 1], []),  # what the logs failed with would be in the output
        ("docker compose logs | grep -E '('", [0, 2], ["command-failed"]),
        ("diff a b", [1], []),
        ("diff a b", [2], ["command-failed"]),
        ("test -f x", [1], []),
        ("yes | head -1", [141, 0], []),
        ("grep x file | wc -l", [1, 0], []),
        ("curl -s http://localhost:1/x | jq .", [7, 0], ["failure-hidden-by-pipe"]),
        ("docker compose logs x | tail -5", [1, 0], ["failure-hidden-by-pipe"]),
        ("timeout 30 kubectl logs -f deployment/x", [124], []),  # followed for so long, as it says
        ("timeout 30 kubectl logs -f deployment/x | grep -c error", [124, 0], []),
        ("timeout 30 kubectl rollout status deployment/x", [124], ["command-failed"]),
        ("timeout 30 kubectl logs -f deployment/x", [1], ["command-failed"]),
        ("for i in 1 2; do curl -s http://x/$i | jq . || echo no; done", [3, 0], ["failure-hidden-by-pipe"]),
    ],
)  # fmt: skip
def test_members_of_a_pipe(text: str, codes: list[int], rules: list[str]) -> None:
    """A search without a match and a writer whose reader has gone are no failures."""
    assert single(text, codes[-1], codes=codes) == rules


REFUSED = [{"said": "-s http://localhost:8080/x", "status": "HTTP/1.1 404 Not Found"}]


def test_an_answer_that_refuses() -> None:
    """Is a finding where the exit code is 0 and the document runs curl itself, with the status as its evidence."""
    check = made("curl -s http://localhost:8080/x").begins().ran(1, answers=REFUSED).ends()
    (finding,) = check.judged().findings
    assert (finding.rule, finding.line) == ("http-error-unnoticed", 6)
    assert "HTTP/1.1 404 Not Found" in finding.evidence
    assert single("./verify.sh", answers=REFUSED) == []
    assert single("curl -fs http://localhost:8080/x", 22, "curl: (22) ...", answers=REFUSED) == ["command-failed"]


def test_a_step_of_our_own_is_held_against_what_it_expects() -> None:
    """Neither exit code 1 nor an output is wrong by itself."""
    step = '```bash name="look" expect="exit nonzero" budget=5s\neafix-cli database ping\n```\n'
    assert made(step).begins().ran(1, 1, "no answer", missed=None).ends().rules() == []
    missed = made(step).begins().ran(1, 0, "ok", missed="exit code 0, expected nonzero").ends()
    assert missed.rules() == ["command-failed"]
    words = (
        made(step.replace("exit nonzero", "output ~ ^ok$")).begins().ran(1, 0, "bad", missed="the output does not match").ends()
    )
    assert words.rules() == ["no-stated-effect"]


def test_a_look_at_what_is_down_in_an_incident_is_an_answer() -> None:
    """While clients are not served; a wrong name is one all the same, and so is a probe afterwards."""

    def rules(output: str, code: int, *, text: str = "curl -fs http://localhost:8084/healthz", late: bool = False) -> list[str]:
        check = made(text).load(0, 10).at("fault.injected", "dead").load(10, 20, good=False).load(20, 80)
        check.now_s = 60.0 if late else 12.0
        return check.begins().ran(1, code, output).ends().rules()

    assert rules("curl: (7) Failed to connect: Connection refused", 7) == []
    assert rules("curl: (7) Failed to connect: Connection refused", 7, late=True) == ["command-failed"]
    assert rules("psql: error: connection to server failed: Connection refused", 2, text="psql -c 'SELECT 1'") == []
    assert rules("Error: unknown flag: --al", 1, text="kubectl get pods --al") == ["command-failed"]
    assert rules("Error: connection refused", 1, text="kubectl rollout restart deployment/x") == ["command-failed"]
    feed = "EURUSD 1.08124, 99.2 s old"
    assert rules(feed, 1, text="eafix-cli data latest --symbol=EURUSD") == []  # 1: not well
    assert rules(feed, 1, text="eafix-cli data latest --symbol=EURUSD", late=True) == ["command-failed"]
    assert rules("eafix-cli: unknown command", 2, text="eafix-cli data newest") == ["command-failed"]
    assert rules("error: metrics not available yet", 1, text="kubectl top pods -l app=x") == []


def test_a_block_is_told_by_what_ended_it() -> None:
    """The last command that ran in a condition gives the exit code; one before it that failed was asked."""
    text = "if ! eafix-cli database ping; then\n  kubectl rollout restart deployment/x\nfi"
    said = 'could not connect\nError from server (NotFound): deployments.apps "x" not found'
    (finding,) = made(text).begins().ran(1, 1, said).ends().judged().findings
    assert finding.message == 'the block ended with exit code 1: Error from server (NotFound): deployments.apps "x" not found'


def test_what_a_container_lacks_is_named() -> None:
    """And not the program that was to start it."""
    said = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "ping": executable file not found in $PATH'
    (finding,) = made("docker exec eafix-redis-1 ping x").begins().ran(1, 127, said).ends().judged().findings
    assert (finding.rule, finding.message) == ("command-missing", "there is no ping")
