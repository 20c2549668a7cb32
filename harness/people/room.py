"""The room of an exercise: takes what people say and do, from any terminal, and writes it into the history.

Names and roles are what people say they are; a drill trusts those who may write into its folder. Nothing of the fault is told to
anybody here: `status` shows what an on-call engineer could know.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.history import Event, Recorder
from harness.pace import Pace
from harness.people.terminal import Terminal, rows_and_columns
from harness.people.typed import Ended, Typed
from harness.people.wire import DATA, MOST_BYTES, SIZE, SOCKET, address, ended_frame, frame, read_frame, size_of
from harness.respond.confinement import Confinement
from harness.respond.redact import without_secrets
from harness.respond.responder import Incidents
from harness.respond.workstation import Workstation
from scenarios.runbook import Procedure

ROLES = ("responder", "facilitator", "scribe", "observer")
MILESTONES = ("detected", "mitigated", "cause-named")
UPDATES = ("Investigating", "Identified", "Monitoring", "Resolved")
STEP_STATES = ("done", "failed", "skipped")
_NAME = re.compile(r"[\w.@+-][\w.@+ -]{0,63}")
_LONGEST_TEXT = 4000
_HUNG_UP = 129  # exit code
_MOST_WAITING = 1 << 22  # bytes for a terminal that takes nothing; what comes beyond is not shown
_TERM = re.compile(r"[\w.+-]{1,40}")


class Refused(Exception):
    """What somebody asked for can't be done; the message says why and what would be right."""


@dataclass(slots=True)
class _Known:
    """What everybody in the room knows."""

    firing: dict[str, str] = field(default_factory=dict)  # alert and labels, to its name
    people: dict[str, str] = field(default_factory=dict)  # name to role
    milestones: dict[str, str] = field(default_factory=dict)  # name to whoever reached it
    notes: list[str] = field(default_factory=list)
    steps: dict[int, str] = field(default_factory=dict)  # of the procedure, by index: done, failed, skipped
    paused_by: str | None = None
    resolved_by: str | None = None
    began: bool = False  # the response: its first command or step


class _Commands:
    """What one terminal shows, without its marks; `ran` hears of each command with the documented and wall time of its beginning."""

    def __init__(self, clock: Clock, ran: Callable[[Ended, float, float], None]) -> None:
        self._clock, self._ran, self._typed = clock, ran, Typed()
        self._began = (0.0, 0.0)

    def take(self, chunk: bytes) -> bytes:
        shown, told = self._typed.take(chunk)
        for each in told:
            if isinstance(each, Ended):
                self._ran(each, *self._began)
            else:
                self._began = (self._clock.now(), self._clock.wall())
        return shown

    def close(self, code: int) -> None:
        """The shell is gone, with this exit code."""
        if (cut := self._typed.close(code)) is not None:
            self._ran(cut, *self._began)


class Room:
    """Open from `open` to `close`. `resolved` is set when somebody says that it is over."""

    def __init__(
        self, folder: Path, procedure: Procedure, reference: str, *, incidents: Incidents, clock: Clock, pace: Pace, recorder: Recorder,
        station: Workstation, confinement: Confinement | None, shells: bool, abort: Callable[[str], None],
        post: Callable[[str, str], Awaitable[None]] | None,
    ) -> None:  # fmt: skip
        """`reference` names the procedure in the history. `shells`: whether the commands of a runbook mean the drill's own ports here.

        `post` says a text in the chat, in somebody's name; None: there is no chat.
        """
        self._folder, self._procedure, self._reference = folder, procedure, reference
        self._incidents, self._clock, self._pace, self._recorder = incidents, clock, pace, recorder
        self._station, self._confinement, self._shells = station, confinement, shells
        self._abort, self._post = abort, post
        self._known, self._opened = _Known(), 0
        self._server: asyncio.Server | None = None
        self._undo = contextlib.ExitStack()
        self._open: set[asyncio.Task[None]] = set()
        self.resolved = asyncio.Event()
        self._actions: Mapping[str, Callable[[dict[str, Any]], Awaitable[list[str]]]] = {
            "ack": self._acknowledge, "note": self._note, "hint": self._hint, "step": self._step, "update": self._update, "milestone": self._milestone,
            "resolve": self._resolve, "abort": self._end, "pause": self._pause, "resume": self._resume,
        }  # fmt: skip

    async def open(self) -> None:
        """From now on people can reach it. Raises HarnessError."""
        self._recorder.listen(self._hear)
        try:
            path = self._undo.enter_context(address(self._folder))  # for as long as it is served: asyncio looks at it again
            self._server = await asyncio.start_unix_server(self._serve, path, limit=MOST_BYTES)
        except OSError as error:
            raise HarnessError(f"nobody could respond: {self._folder / SOCKET} cannot be made ({error.strerror})") from error

    async def close(self) -> None:
        """Safe to repeat. Shells are hung up."""
        if self._server is not None:
            self._server.close()
            self._server = None
            (self._folder / SOCKET).unlink(missing_ok=True)
            self._undo.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _hear(self, event: Event) -> None:
        identity = f"{event.subject} {json.dumps(event.data.get('labels', {}), sort_keys=True)}"
        if event.kind == "alert.firing":
            self._known.firing[identity] = event.subject
        elif event.kind == "alert.resolved":
            self._known.firing.pop(identity, None)

    # --- requests ---------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._answer(reader, writer)
        except ConnectionError:
            pass  # whoever asked has gone
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            if not isinstance(request, dict):
                raise Refused("a request is a JSON object")
            if request.get("do") == "shell":
                await self._shell(request, reader, writer)
                return
            answer = await self._done(request)
        except (ValueError, Refused, HarnessError) as error:
            answer = {"ok": False, "error": str(error)}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()

    async def _done(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("do") == "status":
            return {"ok": True, "status": await self.status()}
        action = self._actions.get(str(request.get("do")))
        if action is None:
            raise Refused(
                f"nothing is called {request.get('do')!r} here; there are {', '.join(sorted(self._actions))}, shell, status"
            )
        request = {name: without_secrets(each) if isinstance(each, str) else each for name, each in request.items()}
        request["by"] = self._who(request)
        if self._known.paused_by and request["do"] not in ("resume", "abort", "note", "hint"):
            raise Refused(f"the exercise is paused by {self._known.paused_by}; `gameday resume` goes on")
        return {"ok": True, "said": await action(request)}

    def _who(self, request: Mapping[str, Any]) -> str:
        """The name of whoever asks; the first time it is recorded with the role."""
        name, role = str(request.get("by", "")), str(request.get("role") or "")
        if not _NAME.fullmatch(name):
            raise Refused(f"{name!r} is no name: letters, digits, spaces and . @ + - _, at most 64")
        if role and role not in ROLES:
            raise Refused(f"nobody can be a {role!r} here: {', '.join(ROLES)}")
        known = self._known.people.get(name)
        if known is None or (role and role != known):
            self._known.people[name] = role or "responder"
            self._recorder.record("people.joined", name, role=self._known.people[name])
        return name

    async def status(self) -> dict[str, Any]:
        """What an on-call engineer could know: time, alerts, pages, people, what was said and done."""
        known, waiting = self._known, await self._incidents.triggered()
        return {
            "at_s": round(self._clock.now(), 3), "paused_by": known.paused_by, "resolved_by": known.resolved_by,
            "firing": sorted(set(known.firing.values())), "pages": [each.title for each in waiting], "people": dict(known.people),
            "milestones": dict(known.milestones), "notes": known.notes[-10:],
        }  # fmt: skip

    # --- what people do ---------------------------------------------------------------------------------------

    async def _acknowledge(self, request: dict[str, Any]) -> list[str]:
        wanted, said = request.get("alert"), list[str]()
        waiting = await self._incidents.triggered()
        for incident in waiting:
            alert = incident.title.partition(":")[0]
            if wanted in (None, alert, incident.id):
                await self._incidents.acknowledge(incident.id)
                self._recorder.record("page.acknowledged", alert, incident=incident.id, by=request["by"])
                said.append(f"acknowledged: {incident.title}")
        if not said:
            names = ", ".join(sorted({each.title.partition(":")[0] for each in waiting}))
            raise Refused(f"no page of {wanted!r} waits; there are: {names}" if names else "no page waits to be acknowledged")
        return said

    async def _note(self, request: dict[str, Any]) -> list[str]:
        text = _text(request)
        self._known.notes.append(f"{request['by']}: {text}")
        self._recorder.record("note", request["by"], text=text)
        return ["noted"]

    async def _hint(self, request: dict[str, Any]) -> list[str]:
        """Facilitators only: how much help was needed is a result."""
        if self._known.people[request["by"]] != "facilitator":
            raise Refused("hints are the facilitator's: --role facilitator")
        text = _text(request)
        self._known.notes.append(f"hint of {request['by']}: {text}")
        self._recorder.record("hint.given", request["by"], text=text)
        return ["everybody sees it in `gameday status`"]

    async def _update(self, request: dict[str, Any]) -> list[str]:
        """Tell the others in the chat, by the template of 001:233-241."""
        if self._post is None:
            raise Refused("this stack has no chat; use a note")
        state = str(request.get("state") or "").capitalize()
        if state not in UPDATES:
            raise Refused(f"an update is {', '.join(UPDATES)} (001:236), not {request.get('state')!r}")
        await self._post(f"INCIDENT UPDATE\nStatus: {state}\n{_text(request)}", request["by"])
        return ["posted"]

    async def _step(self, request: dict[str, Any]) -> list[str]:
        state, steps = request.get("state"), self._procedure.steps
        if state not in STEP_STATES:
            raise Refused(f"a step is {', '.join(STEP_STATES)}, not {state!r}")
        index, name = self._which(request.get("step"))
        if state != "done" and not request.get("text"):
            raise Refused("say why: --why TEXT")
        self._begin()
        self._known.steps[index] = str(state)
        self._recorder.record(
            "step.finished",
            name,
            index=index,
            ok=state == "done",
            why=str(request.get("text") or ""),
            state=state,
            by=request["by"],
        )
        return [f"step {index} of {len(steps)} {state}" if index <= len(steps) else f"a step of your own {state}: {name}"]

    def _which(self, wanted: object) -> tuple[int, str]:
        """Index, from 1, and name: the step of this number or name, the next one, or one of people's own."""
        steps = self._procedure.steps
        if wanted in (None, ""):
            index = next((number for number in range(1, len(steps) + 1) if number not in self._known.steps), None)
            if index is None:
                raise Refused("every step has been told of; name one: gameday step done NAME")
            return index, steps[index - 1].name
        if str(wanted).isdecimal():
            if not 1 <= int(str(wanted)) <= len(steps):
                raise Refused(f"there is no step {wanted}; the procedure has {len(steps)}")
            return int(str(wanted)), steps[int(str(wanted)) - 1].name
        for number, step in enumerate(steps, start=1):
            if step.name.casefold() == str(wanted).casefold():
                return number, step.name
        return max([len(steps), *self._known.steps]) + 1, _text({"text": wanted})

    async def _milestone(self, request: dict[str, Any]) -> list[str]:
        name = request.get("name")
        if name not in MILESTONES:
            raise Refused(f"a milestone is one of {', '.join(MILESTONES)}, not {name!r}")
        if name in self._known.milestones:
            raise Refused(f"{name} was said already, by {self._known.milestones[name]}; the first counts. Use a note.")
        text = _text(request) if request.get("text") or name == "cause-named" else ""
        self._known.milestones[name] = request["by"]
        self._recorder.record("milestone", name, by=request["by"], text=text)
        return [f"{name}, at {self._clock.now():.0f} s"]

    async def _resolve(self, request: dict[str, Any]) -> list[str]:
        if self._known.resolved_by:
            raise Refused(f"{self._known.resolved_by} has resolved it already")
        self._known.resolved_by = request["by"]
        self._recorder.record("milestone", "resolved", by=request["by"], text=str(request.get("text") or ""))
        if self._known.began:
            self._recorder.record("procedure.finished", self._reference, outcome="done", by=request["by"])
        self.resolved.set()
        firing = sorted(set(self._known.firing.values()))
        more = [f"still firing: {', '.join(firing)}"] if firing else []
        return ["resolved; the drill ends when clients have been served for the settle time", *more]

    async def _end(self, request: dict[str, Any]) -> list[str]:
        self._recorder.record("exercise.aborted", request["by"], why=str(request.get("text") or ""))
        self._known.paused_by = None
        self._pace.go_on()  # healing waits for things, and in a pause it would wait for ever
        self._abort(f"aborted by {request['by']}" + (f": {request['text']}" if request.get("text") else ""))
        return ["aborted: faults are being healed"]

    async def _pause(self, request: dict[str, Any]) -> list[str]:
        self._known.paused_by = request["by"]
        self._pace.stand_still()
        self._recorder.record("exercise.paused", request["by"])
        return ["paused: documented time stands still; `gameday resume` goes on"]

    async def _resume(self, request: dict[str, Any]) -> list[str]:
        if self._known.paused_by is None:
            raise Refused("the exercise is not paused")
        self._known.paused_by = None
        self._recorder.record("exercise.resumed", request["by"])
        self._pace.go_on()
        return ["it goes on"]

    def _begin(self) -> None:
        if not self._known.began:
            self._known.began = True
            self._recorder.record("procedure.started", self._reference)

    # --- shells -----------------------------------------------------------------------------------------------

    async def _shell(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One person's shell, until he leaves it or the connection."""
        if not self._shells:
            raise Refused(
                "without namespaces a runbook's commands would reach other ports than the drill's; see `gameday doctor`"
            )
        by, term = self._who(request), str(request.get("term") or "")
        self._opened += 1
        name = f"shell {self._opened}"
        show, commands = writer.write, _Commands(self._clock, partial(self._ran, name, by))

        def pass_on(chunk: bytes) -> None:
            shown = commands.take(chunk)
            if shown and writer.transport.get_write_buffer_size() < _MOST_WAITING:
                show(frame(DATA, shown))

        terminal = Terminal(self._station, self._confinement, pass_on)
        await terminal.start(*rows_and_columns(request), term if _TERM.fullmatch(term) else "xterm")
        writer.write(b'{"ok": true}\n')
        self._recorder.record("shell.opened", name, by=by)
        typing = asyncio.create_task(self._type(reader, terminal, show))
        ended = asyncio.create_task(terminal.ended())
        try:
            await asyncio.wait({typing, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            typing.cancel()
            code = ended.result() if ended.done() else _HUNG_UP
            await terminal.stop()
            commands.close(code)
            self._recorder.record("shell.closed", name, by=by)
        writer.write(ended_frame(await ended))
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def _type(self, reader: asyncio.StreamReader, terminal: Terminal, show: Callable[[bytes], None]) -> None:
        while (found := await read_frame(reader)) is not None:
            kind, content = found
            if kind == SIZE:
                terminal.resize(*size_of(content))
            elif self._known.paused_by is None:
                terminal.type(content)
            else:
                show(frame(DATA, b"\r\n[the exercise is paused]\r\n"))

    def _ran(self, shell: str, by: str, ended: Ended, began_s: float, began_wall_s: float) -> None:
        self._begin()
        self._recorder.record(
            "command.finished", shell, command=without_secrets(ended.command), exit_code=ended.exit_code,
            duration_s=round(self._clock.wall() - began_wall_s, 6), output=without_secrets(ended.output), timed_out=False,
            by=by, began_s=round(began_s, 6),
        )  # fmt: skip


def _text(request: Mapping[str, Any]) -> str:
    text = str(request.get("text") or "").strip()
    if not text:
        raise Refused("say something")
    if len(text) > _LONGEST_TEXT:
        raise Refused(f"that is {len(text)} characters; at most {_LONGEST_TEXT}")
    return text
