"""`gameday runbook lint` and `explain`: exit codes, files, baselines, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gameday.cli import cli
from gameday.grammars import grammar
from scenarios.errors import InvalidInput

BOOK = "# Night\n\n## Clear it\n\n```bash\nredis-cli FLUSHALL\n```\n"
GENTLE = "# Night\n\n## Look\n\n```bash\ncurl http://localhost:8080/healthz\n```\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "night.md"
    path.write_text(BOOK)
    return path


def lint(*arguments: str | Path) -> Result:
    return CliRunner().invoke(
        cli, ["runbook", "lint", "--select", "flush-all", "--select", "curl-hides-failure", *map(str, arguments)]
    )


def test_findings_end_with_1(book: Path) -> None:
    """And are told with their place."""
    result = lint(book)
    assert result.exit_code == 1
    assert "night.md:6:11 error flush-all" in result.output


def test_no_finding_ends_with_0(tmp_path: Path) -> None:
    """A document that is well is said to be."""
    path = tmp_path / "day.md"
    path.write_text("# Day\n\n```bash\ndate\n```\n")
    result = lint(path)
    assert (result.exit_code, "no finding in 1 document" in result.output) == (0, True)


@pytest.mark.parametrize(("severity", "code"), [("error", 0), ("warning", 0), ("info", 1)])
def test_the_threshold_decides_what_counts(tmp_path: Path, severity: str, code: int) -> None:
    """What is below it is told all the same."""
    path = tmp_path / "gentle.md"
    path.write_text(GENTLE)
    result = lint(path, "--severity", severity)
    assert (result.exit_code, "curl-hides-failure" in result.output) == (code, True)


def test_bad_input_is_no_pass(tmp_path: Path) -> None:
    """A path that is not there, a mistyped rule, a baseline that is not there, an update without a file."""
    good = tmp_path / "day.md"
    good.write_text("# Day\n")
    for arguments in (
        [tmp_path / "none.md"],
        [good, "--ignore", "flush-al"],
        [good, "--baseline", tmp_path / "none.json"],
        [good, "--update-baseline"],
    ):
        assert isinstance(lint(*arguments).exception, InvalidInput)


def test_a_baseline_leaves_only_new_findings(book: Path, tmp_path: Path) -> None:
    """Written once, it makes the same findings pass and a new one fail, after lines have moved too."""
    baseline = tmp_path / "baseline.json"
    assert lint(book, "--baseline", baseline, "--update-baseline").exit_code == 0
    assert lint(book, "--baseline", baseline).exit_code == 0
    book.write_text(BOOK.replace("# Night\n", "# Night\n\nA line more.\n"))
    result = lint(book, "--baseline", baseline)
    assert (result.exit_code, "0 new, 1 known" in result.output) == (0, True)
    book.write_text(BOOK.replace("FLUSHALL", "FLUSHALL\nredis-cli FLUSHDB"))
    assert lint(book, "--baseline", baseline).exit_code == 1


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "markdown"])
def test_every_form_can_be_written_to_a_file(book: Path, tmp_path: Path, form: str) -> None:
    """The folder is made; what remains for the terminal is one line."""
    output = tmp_path / "out" / f"findings.{form}"
    result = lint(book, "--format", form, "--output", output)
    assert result.exit_code == 1
    assert "flush-all" in output.read_text()
    assert result.output.count("\n") == 1


def test_json_goes_to_standard_output(book: Path) -> None:
    """Nothing else stands there, so that it can be piped."""
    assert json.loads(lint(book, "--format", "json").output)["counts"]["by_rule"] == {"flush-all": 1}


def test_bindings_fill_placeholders(tmp_path: Path) -> None:
    """With a value for it, a placeholder is no finding."""
    path, bindings = tmp_path / "stop.md", tmp_path / "bindings.yaml"
    path.write_text("# Stop\n\n```bash\ndocker stop <service-name>\n```\n")
    bindings.write_text("bindings:\n  service-name: risk-manager\n")
    arguments = ["runbook", "lint", str(path), "--select", "unbound-placeholder", "--severity", "info"]
    assert CliRunner().invoke(cli, arguments).exit_code == 1
    assert CliRunner().invoke(cli, [*arguments, "--bindings", str(bindings)]).exit_code == 0


def test_explain_prints_a_rule() -> None:
    """What it looks for, both examples, and how to silence it."""
    said = CliRunner().invoke(cli, ["runbook", "explain", "flush-all"]).output
    for words in ("flush-all", "Bad:", "Good:", "gameday: ignore flush-all reason"):
        assert words in said


def test_explain_lists_all_rules() -> None:
    """Without a name."""
    said = CliRunner().invoke(cli, ["runbook", "explain"]).output
    assert "flush-all" in said
    assert "ignore-unused" in said


def test_explain_of_no_rule_is_bad_input() -> None:
    """With the nearest name."""
    error = CliRunner().invoke(cli, ["runbook", "explain", "flushall"]).exception
    assert isinstance(error, InvalidInput)
    assert "did you mean 'flush-all'" in str(error)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl verify backup x", "kubectl -n production restore backup x", "kubectl create backup x", "docker frobnicate", "docker compose -f x.yml begin",
        "docker-compose begin", "helm revert api", "grafana-cli admin import-dashboard --file=x.json", "grafana-cli dashboards list",
    ],
)  # fmt: skip
def test_what_the_real_tool_refuses(command: str) -> None:
    """Verbs that the published tools lack."""
    assert grammar(command.split()) not in (None, "unknown")


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods", "kubectl -n production logs -f deployment/api", "kubectl create secret generic x", "kubectl set env deployment/x A=b",
        "kubectl exec -it db-0 -- verify backup", "kubectl --context prod top nodes", "kubectl cp a b", "docker stats --no-stream", "docker exec db psql",
        "docker restart loki", "docker build -t a:b .", "docker compose -f deploy/x.yml --profile all up -d", "docker-compose -p x ps", "docker --version",
        "helm upgrade api ./chart", "helm -n x history api", "helm test api -n x", "grafana-cli admin reset-admin-password x", "grafana-cli plugins ls", "kubectl",
    ],
)  # fmt: skip
def test_what_the_real_tool_has(command: str) -> None:
    """Verbs behind options and their values too."""
    assert grammar(command.split()) is None


def test_a_tool_that_is_not_known_is_not_judged() -> None:
    """Other people's tools, and those that every team makes for itself."""
    for command in ("eafix-cli frobnicate", "make anything", "vim x"):
        assert grammar(command.split()) == "unknown"
