"""What `gameday run` leaves for a CI, however the run ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from gameday.ci import Outputs
from gameday.cli import cli
from gameday.exits import FAILED
from reports.gitlab import CODE_QUALITY_FILE, METRICS_FILE
from tests.gameday.drilled import MISSED, nothing_drawn, runner

__all__ = ["nothing_drawn"]
pytestmark = pytest.mark.usefixtures("nothing_drawn")


@pytest.fixture(autouse=True)
def missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Drills that miss a target, in a CI that has a summary."""
    monkeypatch.setattr("gameday.running.run_drill", runner(service_failure_rto=MISSED))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["run", "redis-outage", "--out", str(tmp_path / "drills"), *arguments])


def test_without_a_wish_nothing_is_left(tmp_path: Path) -> None:
    """Nor printed: the options are off by default."""
    ended = run(tmp_path)
    assert ended.exit_code == FAILED
    assert "::" not in ended.output
    assert {path.name for path in tmp_path.iterdir()} == {"drills"}
    assert list((tmp_path / "drills").glob("gl-*")) == []


def test_junit_is_written(tmp_path: Path) -> None:
    """Into a folder that is made for it."""
    assert run(tmp_path, "--junit", str(tmp_path / "new" / "junit.xml")).exit_code == FAILED
    assert ET.parse(tmp_path / "new" / "junit.xml").getroot().get("failures") == "1"


def test_github_gets_annotations_a_summary_and_a_folded_log(tmp_path: Path) -> None:
    """While a drill prints, the runner takes no commands; the annotations come after it does again."""
    ended = run(tmp_path, "--github")
    lines = ended.output.splitlines()
    (token,) = {each.removeprefix("::stop-commands::") for each in lines if each.startswith("::stop-commands::")}
    assert re.fullmatch("[0-9a-f]{32}", token)
    commands = [re.sub(token, "TOKEN", each) for each in lines if each.startswith("::")]
    assert [each.partition(" ")[0] for each in commands] == [
        "::stop-commands::TOKEN", "::TOKEN::", "::group::redis-outage", "::stop-commands::TOKEN", "::TOKEN::", "::endgroup::",
        "::stop-commands::TOKEN", "::TOKEN::", "::error",
    ]  # fmt: skip
    assert "service-failure-rto" in (tmp_path / "summary.md").read_text()


def test_gitlab_gets_its_reports(tmp_path: Path) -> None:
    """In the folder of the drills, which the job keeps."""
    ended = run(tmp_path, "--gitlab")
    assert len(json.loads((tmp_path / "drills" / CODE_QUALITY_FILE).read_text())) == 1
    assert (tmp_path / "drills" / METRICS_FILE).read_text().endswith("# EOF\n")
    assert ended.output.count("section_start:") == ended.output.count("section_end:") == 1


def test_a_harness_that_broke_leaves_a_junit_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of it, and of the scenarios that were not begun after it."""
    monkeypatch.setattr("gameday.running.run_drill", runner(breaks="redis-server was not found."))
    ended = run(tmp_path, "service-failure", "--junit", str(tmp_path / "junit.xml"), "--github")
    assert "redis-server was not found." in str(ended.exception)
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get("errors") for suite in root] == ["1", "0"]
    assert root[1].get("skipped") == root[1].get("tests")
    assert (
        "::error file=scenarios/catalogue/redis-outage.yaml,line=1,title=redis-outage%3A drill%3A carried out::the harness broke"
        in ended.output
    )


def test_side_by_side_leaves_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite for each, in the order of the command line."""
    monkeypatch.setattr("harness.side_by_side.run_drill", runner())
    ended = run(tmp_path, "service-failure", "--jobs", "2", "--junit", str(tmp_path / "junit.xml"))
    assert ended.exit_code == 0, ended.output
    assert [suite.get("name") for suite in ET.parse(tmp_path / "junit.xml").getroot()] == ["redis-outage", "service-failure"]


def test_a_file_that_cannot_be_written_is_told_before_the_first_drill(tmp_path: Path) -> None:
    """Not after an hour of drills."""
    (tmp_path / "file").touch()
    ended = run(tmp_path, "--junit", str(tmp_path / "file" / "junit.xml"))
    assert "cannot be written" in str(ended.exception)
    assert not (tmp_path / "drills").exists()


@pytest.mark.parametrize(
    ("environment", "link"),
    [
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
            "https://github.com/a/b/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/a/-/jobs/7"}, "https://gitlab.example/a/-/jobs/7"),
        ({}, ""),
    ],
)
def test_notices_link_to_the_job(environment: dict[str, str], link: str) -> None:
    """Where the CI says which it is."""
    assert Outputs(environment=environment).link == link
