"""One line on the terminal for each thing that matters while a drill runs."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from harness.history import Event
from reports.words import clock_text

_Line = tuple[str, str, str]  # label, style, text


def _started(event: Event) -> _Line:
    data = event.data
    return (
        "drill",
        "bold",
        f"{data['scenario'].get('title', event.subject)}: seed {data['seed']}, speed {data['speed']:g}, {data['sandbox']}",
    )


def _fault(event: Event) -> _Line:
    return "FAULT", "bold red", f"{event.subject} injected ({event.data.get('fault', 'fault')})"


def _alert(event: Event) -> _Line:
    labels = event.data.get("labels", {})
    where = labels.get("job") or labels.get("instance") or ""
    expected = "" if event.data.get("expected") else " (not one that the scenario expects)"
    return "alert", "yellow", f"{event.subject} fires{f' for {where}' if where else ''}{expected}"


def _command(event: Event) -> _Line:
    return (
        "command",
        "dim",
        f"exit {event.data['exit_code']} in {event.data['duration_s']:.2f} s: {_short(event.data['command'])}",
    )


def _step(event: Event) -> _Line:
    if event.data.get("ok"):
        return "step", "green", f"{event.subject}: as expected"
    return "step", "red", f"{event.subject}: {event.data.get('why') or 'not as expected'}"


def _check(event: Event) -> _Line:
    ok = event.data.get("ok")
    style = {True: "green", False: "bold red", None: "yellow"}[ok]
    word = {True: "holds", False: "BROKEN", None: "could not be judged"}[ok]
    return "check", style, f"{event.subject}: {word}. {event.data.get('detail', '')}"


_LINES: dict[str, Callable[[Event], _Line]] = {
    "drill.started": _started,
    "stack.booted": lambda e: ("stack", "cyan", f"up in {e.data['boot_s']:.1f} s (wall), {e.data['memory_mb']:.0f} MB"),
    "condition.injected": lambda e: ("given", "cyan", f"{e.subject}: in force for the whole drill"),
    "steady.proven": lambda e: ("steady", "green", "clients are served: the steady state is proven"),
    "steady.missed": lambda e: ("steady", "bold red", f"never reached: {e.data.get('why', '')}"),
    "fault.injected": _fault,
    "fault.bit": lambda e: ("FAULT", "red", f"{e.subject} bites: {_short(str(e.data.get('evidence', '')))}"),
    "fault.failed": lambda e: ("FAULT", "bold red", f"{e.subject}: {e.data.get('verb')} failed: {e.data.get('error')}"),
    "fault.healed": lambda e: ("heal", "green", f"{e.subject} healed"),
    "alert.firing": _alert,
    "page.acknowledged": lambda e: ("on call", "cyan", f"{e.subject} acknowledged by {e.data.get('by', 'somebody')}"),
    "update.posted": lambda e: ("chat", "cyan", f"{e.subject}: {e.data.get('status') or _short(str(e.data.get('text', '')))}"),
    "incident.reported": lambda e: ("people", "bold yellow", f"reported: {e.data.get('why', '')}"),
    "change.started": lambda e: ("change", "bold cyan", e.subject),
    "change.finished": lambda e: ("change", "cyan", f"planned work {e.data.get('outcome')}"),
    "procedure.started": lambda e: ("runbook", "bold cyan", e.subject),
    "command.finished": _command,
    "step.finished": _step,
    "procedure.finished": lambda e: ("runbook", "cyan", f"procedure {e.data.get('outcome')}"),
    "cutover": lambda e: ("failover", "bold cyan", f"service address {e.subject} now leads to {e.data['to']}"),
    "recovery.proven": lambda e: ("steady", "bold green", "recovered, and it held for the settle time"),
    "recovery.given_up": lambda e: ("steady", "bold red", f"not recovered after {clock_text(e.data['after_s'])}: given up"),
    "check.finished": _check,
    "drill.finished": lambda e: ("drill", "bold", f"{e.data['status']}{': ' + e.data['error'] if e.data.get('error') else ''}"),
}


class Progress:
    """Prints events as they come. `prefix` tells drills apart that run side by side."""

    def __init__(self, console: Console, prefix: str = "") -> None:
        self._console, self._prefix = console, prefix
        self._last = ""

    def __call__(self, event: Event) -> None:
        for warning in event.data.get("warnings", ()):
            self._console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)
        if (describe := _LINES.get(event.kind)) is None:
            return
        label, style, text = describe(event)
        if text == self._last:  # an alert for each of many series, say
            return
        self._last = text
        line = Text.assemble((f"{self._prefix}{clock_text(event.at_s):>7}  ", "dim"), (f"{label:<9}", style), text)
        self._console.print(line, soft_wrap=True)


def _short(text: str, most: int = 110) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
