"""What `gameday run` leaves for a CI: JUnit XML, GitHub's annotations and summary, GitLab's reports, and sections in the log."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time

import click

from harness.errors import HarnessError
from harness.side_by_side import Done
from reports import github, gitlab
from reports.drills_junit import as_junit
from reports.regression import Compared
from reports.rehearsal import Rehearsal
from scenarios.errors import InvalidInput, Problem

_SUMMARY = "GITHUB_STEP_SUMMARY"  # GitHub's own: the file that becomes the page of a step


@dataclass(frozen=True)
class Outputs:
    """What is wished. `folder` is where GitLab's reports go."""

    junit: Path | None = None
    github: bool = False
    gitlab: bool = False
    folder: Path = Path("drills")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: Callable[[], float] = time

    def check(self) -> None:
        """Raises InvalidInput where a file could not be written: before the first drill, not after the last."""
        for path in self._files():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8"):
                    pass
            except OSError as error:
                raise InvalidInput([Problem(path, 0, 0, f"cannot be written: {error.strerror}")]) from error

    def _files(self) -> Iterator[Path]:
        if self.junit is not None:
            yield self.junit
        if self.gitlab:
            yield self.folder / gitlab.CODE_QUALITY_FILE
            yield self.folder / gitlab.METRICS_FILE

    @contextmanager
    def log(self) -> Iterator[Log]:
        """The log while drills run: what they print is no command to the runner."""
        token = secrets.token_hex(16) if self.github else ""
        log = Log(token, gitlab=self.gitlab, now=self.now)
        log.hold()
        try:
            yield log
        finally:
            log.release()

    def write(self, done: Sequence[Done], compared: Mapping[str, Compared] | None = None) -> None:
        """All that was wished, of every scenario of the run. `compared`: with the drills before, by drill. Raises HarnessError, BadHistory."""
        if self.junit is None and not self.github and not self.gitlab:
            return
        rehearsals = [_with(rehearsal_of(each), compared or {}) for each in done]
        if self.junit is not None:
            _write(self.junit, as_junit(rehearsals))
        if self.gitlab:
            _write(self.folder / gitlab.CODE_QUALITY_FILE, gitlab.code_quality(rehearsals))
            _write(self.folder / gitlab.METRICS_FILE, gitlab.metrics(rehearsals))
        if self.github:
            for line in github.annotated(rehearsals):
                click.echo(line)
            if summary := self.environment.get(_SUMMARY):
                _write(Path(summary), github.summary(rehearsals), mode="a")

    @property
    def link(self) -> str:
        """The page of the job that runs this, where the CI tells one; else nothing."""
        given = self.environment
        if all(each in given for each in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")):
            return f"{given['GITHUB_SERVER_URL']}/{given['GITHUB_REPOSITORY']}/actions/runs/{given['GITHUB_RUN_ID']}"
        return given.get("CI_JOB_URL", "")


@dataclass(frozen=True)
class Log:
    """Folds the log drill by drill, where the CI can do so."""

    token: str = ""  # of GitHub's stop-commands; empty elsewhere
    gitlab: bool = False
    now: Callable[[], float] = time

    def hold(self) -> None:
        """From here on nothing that is printed is a command."""
        if self.token:
            click.echo(github.stop_commands(self.token))

    def release(self) -> None:
        """The end of `hold`."""
        if self.token:
            click.echo(github.resume_commands(self.token))

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Everything printed within is folded below this name."""
        if self.token:
            self.release()
            click.echo(f"::group::{name}")
            self.hold()
        if self.gitlab:
            click.echo(gitlab.section_start(name, name, int(self.now())))
        try:
            yield
        finally:
            if self.token:
                self.release()
                click.echo("::endgroup::")
                self.hold()
            if self.gitlab:
                click.echo(gitlab.section_end(name, int(self.now())))


def rehearsal_of(done: Done) -> Rehearsal:
    """What came of a drill, as reports want it."""
    outcome = done.outcome
    if outcome is None:
        return Rehearsal(done.turn.loaded, error=str(done.error) if done.error else "")
    return Rehearsal(done.turn.loaded, outcome.folder, outcome.result)


def _with(rehearsal: Rehearsal, compared: Mapping[str, Compared]) -> Rehearsal:
    found = compared.get(rehearsal.result.drill) if rehearsal.result else None
    return replace(rehearsal, worse=found.worse) if found else rehearsal


def _write(path: Path, text: str, *, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise HarnessError(f"{path} could not be written: {error.strerror}. The drills themselves are kept.") from error
