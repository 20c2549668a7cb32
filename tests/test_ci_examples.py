"""The examples in docs/ci: right by their schemas, safe by default, and speaking of commands and scenarios that are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.cli import cli
from gameday.exits import BAD_INPUT, BROKEN, FAILED, PASSED, UNKNOWN
from scenarios.loader import find_scenarios, load_scenario

ROOT = Path(__file__).resolve().parent.parent
GITHUB, GITLAB = ROOT / "docs" / "ci" / "github-actions.yml", ROOT / "docs" / "ci" / "gitlab-ci.yml"
ACTION, USES_ACTION = ROOT / "action.yml", ROOT / "docs" / "ci" / "github-action.yml"
SCHEMAS = [
    (GITHUB, ["--builtin-schema", "vendor.github-workflows"]),
    (GITHUB, ["--builtin-schema", "custom.github-workflows-require-timeout"]),
    (GITLAB, ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    (ACTION, ["--builtin-schema", "vendor.github-actions"]),
    (USES_ACTION, ["--builtin-schema", "vendor.github-workflows"]),
    (USES_ACTION, ["--builtin-schema", "custom.github-workflows-require-timeout"]),
]


def check(path: Path, options: list[str], folder: Path) -> tuple[int, str]:
    """Exit code and words of check-jsonschema, which brings these schemas with it and asks nobody for them.

    GitLab's lets pass whatever stands in a job that others extend, so that is put into those first.
    """
    if path.name == GITLAB.name:
        plain = {key: value for key, value in whole(path).items() if not key.startswith(".")}
        path = write(folder, f"plain-{path.name}", yaml.safe_dump(plain | gitlab_jobs(path)))
    command = [sys.executable, "-m", "check_jsonschema", *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def whole(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def github_jobs() -> dict[str, dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = whole(GITHUB)["jobs"]
    return jobs


def gitlab_jobs(path: Path = GITLAB) -> dict[str, dict[str, Any]]:
    """The jobs that run, each with what it extends."""
    file = whole(path)

    def extended(job: dict[str, Any]) -> dict[str, Any]:
        return {**extended(file[job["extends"]]), **job} if "extends" in job else job

    return {name: extended(job) for name, job in file.items() if isinstance(job, dict) and "script" in job}


@pytest.mark.parametrize(("path", "options"), SCHEMAS, ids=lambda value: value.name if isinstance(value, Path) else value[1])
def test_each_example_is_right_by_its_schema(tmp_path: Path, path: Path, options: list[str]) -> None:
    """By those that the vendors publish, and each GitHub job has a time-out."""
    code, printed = check(path, options, tmp_path)
    assert code == 0, printed


@pytest.mark.parametrize(
    ("path", "options", "old", "new"),
    [
        (*SCHEMAS[0], "runs-on:", "runs-upon:"),
        (*SCHEMAS[1], "timeout-minutes: 45", "continue-on-error: false"),
        (*SCHEMAS[2], "expire_in:", "expires:"),
        (*SCHEMAS[3], "using: composite", "using: composit"),
    ],
    ids=["github", "github-timeout", "gitlab", "action"],
)
def test_a_mistake_in_an_example_is_noticed(tmp_path: Path, path: Path, options: list[str], old: str, new: str) -> None:
    """A key that is misspelt, or missing."""
    right = path.read_text(encoding="utf-8")
    assert old in right
    assert check(write(tmp_path, path.name, right.replace(old, new)), options, tmp_path)[0] == 1


def test_actions_are_pinned_to_commits() -> None:
    """With the tag beside, so that people and bots can read it."""
    used = [each for path in (GITHUB, ACTION) for each in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))]
    assert used
    assert [line for line in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_a_workflow_may_read_the_code_and_nothing_else() -> None:
    """Its token is kept out of the checkout, too: a drill's commands come from Markdown."""
    assert whole(GITHUB)["permissions"] == {"contents": "read"}
    for job in github_jobs().values():
        assert "permissions" not in job
        assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_drills_are_kept_however_they_end() -> None:
    """In every job: a red drill is the one that somebody wants to read."""
    for job in github_jobs().values():
        [keeps] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
        assert (keeps["if"], keeps["with"]["path"]) == ("always()", "drills/")
    for job in gitlab_jobs().values():
        assert (job["artifacts"]["when"], job["artifacts"]["paths"]) == ("always", ["drills/"])
        assert job["timeout"]


@pytest.mark.parametrize("path", [GITHUB, GITLAB], ids=lambda path: path.name)
def test_the_exit_codes_are_told(path: Path) -> None:
    """Each one that a finished drill can have."""
    told = re.findall(r"^#   (\d)  ", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [str(code) for code in (PASSED, FAILED, BAD_INPUT, UNKNOWN, BROKEN)]


def test_only_a_broken_harness_is_tried_again() -> None:
    """A target that was missed stays missed: a second try would hide what the drill has found."""
    for job in gitlab_jobs().values():
        assert job["retry"] == {"max": 1, "when": ["runner_system_failure"], "exit_codes": [BROKEN]}


def runs(path: Path) -> list[list[str]]:
    """The arguments of each `gameday run`, with every value that its variables have."""
    text = path.read_text(encoding="utf-8")
    variables = {
        "$SETTINGS": re.findall(r"SETTINGS: (.*)", text),
        "$DRILLS": re.findall(r"'([^']* --seed 2|scenarios/\w+)'", text),
    }
    found = re.findall(r"bin/gameday run (.*?)(?: \|\| .*)?$", text, re.MULTILINE)
    for name, values in variables.items():
        found = [line.replace(name, value) for line in found for value in (values if name in line else [""])]
    return [shlex.split(line) for line in found]


@pytest.mark.parametrize("path", [GITHUB, GITLAB], ids=lambda path: path.name)
def test_every_drill_can_be_carried_out(path: Path) -> None:
    """`gameday run` takes its arguments, and its scenarios load with its settings."""
    lines = runs(path)
    assert len(lines) == 3
    for words in lines:
        taken = cli.commands["run"].make_context("run", list(words)).params
        overrides = dict(setting.split("=") for setting in taken["settings"])
        assert [load_scenario(scenario, overrides=overrides) for scenario in find_scenarios(taken["scenario"])]


def test_containers_are_for_nights() -> None:
    """They take long and a Docker engine, so no change waits for them."""
    at_night = github_jobs()["containers"], gitlab_jobs()["nightly-on-containers"]
    assert [["--stack" in words for words in runs(path)].count(True) for path in (GITHUB, GITLAB)] == [1, 1]
    assert all("--stack containers" in str(job) for job in at_night)
    assert at_night[0]["if"] == "github.event_name != 'pull_request'"
    assert "merge_request" not in str(at_night[1]["rules"])


# --- the composite action ------------------------------------------------------------------------------------------


def action_steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = whole(ACTION)["runs"]["steps"]
    return steps


def test_no_input_of_the_action_becomes_shell() -> None:
    """What stands in a workflow, or in the title of a pull request, is handed over as a variable and never as script."""
    assert [step["name"] for step in action_steps() if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {
                "SCENARIOS": "redis-outage primary-database-failure",
                "SEED": "2",
                "SETTINGS": "postgres.synchronous_commit=remote_apply\n",
            },
            [
                "--seed",
                "2",
                "--set",
                "postgres.synchronous_commit=remote_apply",
                "--",
                "redis-outage",
                "primary-database-failure",
            ],
        ),
        (
            {"SCENARIOS": "$(touch evil) ;ls", "NOTICES": "my notices.yaml", "FAIL_ON": "regression"},
            ["--notices", "my notices.yaml", "--fail-on", "regression", "--", "$(touch", "evil)", ";ls"],
        ),
    ],
)
def test_the_action_hands_its_inputs_to_gameday(tmp_path: Path, given: dict[str, str], words: list[str]) -> None:
    """As arguments that `gameday run` takes; its exit code is the step's, and an output."""
    program = tmp_path / ".venv" / "bin" / "gameday"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nfor each; do echo "$each"; done > "$HEARD"\nexit 3\n', encoding="utf-8")
    program.chmod(0o755)
    (step,) = (each for each in action_steps() if each.get("id") == "run")
    inputs = {name: str(each.get("default", "")) for name, each in whole(ACTION)["inputs"].items()}
    found = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda at: inputs[at[1]], value) for name, value in step["env"].items()
    }
    own = {
        "GITHUB_ACTION_PATH": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "HEARD": str(tmp_path / "heard"),
        "PATH": "/usr/bin:/bin",
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, env={**found, **own, **given}, cwd=tmp_path, check=False)
    assert done.returncode == UNKNOWN
    assert (tmp_path / "output").read_text() == "exit-code=3\njunit=drills/junit.xml\n"
    heard = (tmp_path / "heard").read_text().splitlines()
    assert heard[0] == "run"
    assert heard[-len(words) :] == words
    assert not (tmp_path / "evil").exists()
    taken = cli.commands["run"].make_context("run", heard[1:]).params
    assert (taken["github"], taken["junit"], taken["speed"]) == (True, Path("drills/junit.xml"), 20.0)


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    """And may read the code and nothing else."""
    file = whole(USES_ACTION)
    assert file["permissions"] == {"contents": "read"}
    (job,) = file["jobs"].values()
    uses = next(step for step in job["steps"] if step["uses"].startswith("your/gameday@"))
    assert uses["with"].keys() <= whole(ACTION)["inputs"].keys()
