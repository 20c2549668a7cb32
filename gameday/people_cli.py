"""The commands of people in an exercise: `gameday ack`, `note`, `step`, `shell` and the others."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gameday.exercise import Exercise

_Command = Callable[..., None]


def _person(command: _Command) -> _Command:
    """Who says it, and in which drill."""
    for option in (
        click.option(
            "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("drills"), show_default=True, help="Where drills lie."
        ),
        click.option("--drill", default=None, help="Which, when several are running: its name or the beginning of it."),
        click.option(
            "--role", type=click.Choice(["responder", "facilitator", "scribe", "observer"]), default=None, envvar="GAMEDAY_ROLE",
            help="Said once.  [default: responder]",
        ),
        click.option("--as", "name", default=None, envvar="GAMEDAY_AS", help="Your name.  [default: the name you are logged in by]"),
    ):  # fmt: skip
        command = option(command)
    return command


def for_people(command: Any) -> Any:
    """Gives `gameday run` the options that `exercise_of` reads."""
    options = (
        click.option(
            "--respond", type=click.Choice(["auto", "human"]), default="auto", show_default=True,
            help="Who carries the procedure out: the harness, or people (gameday ack, shell, step, resolve ...).",
        ),
        click.option(
            "--surprise", default=None, metavar="DURATION", help="With people: it breaks at a random moment within so long, such as 30m."
        ),
        click.option("--give-up-after", default=None, metavar="DURATION", help="With people: how long they have.  [default: 2h]"),
        click.option("--reveal", is_flag=True, help="With people: show everything here; for a facilitator's own terminal."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def exercise_of(given: Mapping[str, Any], *, alone: bool) -> Exercise | None:
    """What is wished of an exercise; None where the harness responds. `alone`: one drill at a time. Raises UsageError."""
    asked = [name for name in ("surprise", "give_up_after", "reveal") if given[name]]
    if given["respond"] != "human":
        if asked:
            raise click.UsageError("--surprise, --give-up-after and --reveal are for people: --respond human.")
        return None
    if not alone:
        raise click.UsageError("--respond human: people respond to one drill at a time.")
    from gameday.exercise import Exercise

    surprise, longest = _seconds("--surprise", given["surprise"]), _seconds("--give-up-after", given["give_up_after"])
    return Exercise(surprise or 0.0, longest, given["reveal"])


def _seconds(option: str, text: str | None) -> float | None:
    from scenarios.fields import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error


def _tell(options: dict[str, Any], **request: Any) -> None:
    from gameday.people import running, tell

    tell(running(options["out"], options["drill"]), {**request, **_who(options)})


def _who(options: dict[str, Any]) -> dict[str, Any]:
    return {"by": options["name"] or getpass.getuser(), "role": options["role"]}


@click.command()
@click.argument("alert", required=False)
@_person
def ack(alert: str | None, **options: Any) -> None:
    """Acknowledge a page: those of this alert, or all that wait."""
    _tell(options, do="ack", alert=alert)


@click.command()
@click.argument("text", nargs=-1, required=True)
@_person
def note(text: tuple[str, ...], **options: Any) -> None:
    """Write a note into the history; everybody sees it in `gameday status`."""
    _tell(options, do="note", text=" ".join(text))


@click.command()
@click.argument("text", nargs=-1, required=True)
@_person
def hint(text: tuple[str, ...], **options: Any) -> None:
    """Help the responders; the facilitator's, and recorded as such."""
    _tell(options, do="hint", text=" ".join(text))


@click.command()
@click.argument("state", type=click.Choice(["investigating", "identified", "monitoring", "resolved"]))
@click.argument("text", nargs=-1, required=True)
@_person
def update(state: str, text: tuple[str, ...], **options: Any) -> None:
    """Tell the others in the incident channel; when they heard is measured."""
    _tell(options, do="update", state=state, text=" ".join(text))


@click.command()
@click.argument("state", type=click.Choice(["done", "failed", "skipped"]))
@click.argument("step", required=False)
@click.option("--why", default="", help="What came of it; needed for one that failed or was skipped.")
@_person
def step(state: str, step: str | None, why: str, **options: Any) -> None:
    """Tell of a step of the runbook: its number, its name, or the next one."""
    _tell(options, do="step", state=state, step=step, text=why)


@click.command()
@click.argument("text", nargs=-1)
@_person
def detected(text: tuple[str, ...], **options: Any) -> None:
    """Say that somebody has noticed, before or without an alert."""
    _tell(options, do="milestone", name="detected", text=" ".join(text))


@click.command()
@click.argument("text", nargs=-1)
@_person
def mitigated(text: tuple[str, ...], **options: Any) -> None:
    """Say that customers are served again, whatever the cause."""
    _tell(options, do="milestone", name="mitigated", text=" ".join(text))


@click.command()
@click.argument("text", nargs=-1, required=True)
@_person
def cause(text: tuple[str, ...], **options: Any) -> None:
    """Name the cause; whether it was, the report tells at the end."""
    _tell(options, do="milestone", name="cause-named", text=" ".join(text))


@click.command()
@click.argument("text", nargs=-1)
@_person
def resolve(text: tuple[str, ...], **options: Any) -> None:
    """Say that the incident is over. The drill ends once recovery is proven."""
    _tell(options, do="resolve", text=" ".join(text))


@click.command()
@click.argument("why", nargs=-1)
@_person
def abort(why: tuple[str, ...], **options: Any) -> None:
    """End the exercise at once: every fault is healed, the history is kept."""
    _tell(options, do="abort", text=" ".join(why))


@click.command()
@_person
def pause(**options: Any) -> None:
    """Have documented time stand still: no alert, no deadline goes on, and shells take nothing."""
    _tell(options, do="pause")


@click.command()
@_person
def resume(**options: Any) -> None:
    """Go on after a pause."""
    _tell(options, do="resume")


@click.command()
@_person
def status(**options: Any) -> None:
    """What an on-call engineer could know: alerts, pages, people, notes. Nothing of the fault."""
    from gameday.people import running, show_status

    show_status(running(options["out"], options["drill"]))


@click.command()
@_person
def shell(**options: Any) -> None:
    """A shell inside the sandbox, at the operator's workstation: the runbook's commands work as written, and all are recorded."""
    from gameday.people import open_shell, running

    folder = running(options["out"], options["drill"])
    if os.environ.get("GAMEDAY_CONTROL"):
        raise click.UsageError("this is such a shell already")
    sys.exit(open_shell(folder, _who(options)))


COMMANDS = (ack, note, hint, update, step, detected, mitigated, cause, resolve, abort, pause, resume, status, shell)
