"""What people tell a drill, and what of it stands in the history."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import ClockPage
from harness.history import History, Recorder
from harness.pace import Pace
from harness.people.room import Room
from harness.people.wire import DATA, ENDED, SOCKET, address, code_of, frame, read_frame
from harness.respond.workstation import Workstation
from scenarios.expectation import Expectation
from scenarios.runbook import Procedure, Step

REFERENCE = "runbooks/test.md#procedure"


@dataclass
class Page:
    id: str
    title: str


@dataclass
class Pages:
    waiting: list[Page] = field(default_factory=lambda: [Page("P1", "service_down: risk-manager"), Page("P2", "high_cpu: x")])

    async def triggered(self) -> list[Page]:
        return list(self.waiting)

    async def acknowledge(self, incident_id: str, /) -> object:
        self.waiting = [each for each in self.waiting if each.id != incident_id]
        return None


@dataclass
class Exercise:
    """An open room, and ways to ask it."""

    folder: Path
    clock: ClockPage
    room: Room
    aborted: list[str]
    posted: list[tuple[str, str]]

    async def ask(self, do: str, *, by: str = "alice", **more: Any) -> dict[str, Any]:
        reader, writer = await self.connect()
        writer.write(json.dumps({"do": do, "by": by, **more}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return answer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with address(self.folder) as path:
            return await asyncio.open_unix_connection(path)

    def events(self, kind: str) -> list[Any]:
        return list(History.read(self.folder).of_kind(kind))


def step(name: str) -> Step:
    return Step(name, 1, "true", Expectation.of("exit 0"), 10.0, "stop", verification=False)


@asynccontextmanager
async def opened(folder: Path, *, shells: bool = True) -> AsyncIterator[Exercise]:
    # A drill's folder has a longer name than a Unix address has room for.
    drill = folder / ("20261121T120000Z-a-scenario-with-a-long-name-" + "x" * 60)
    (drill / "checkout").mkdir(parents=True)
    clock = ClockPage(folder / "clock", pauses=True)
    recorder = Recorder(drill / "history.jsonl", clock)
    recorder.record("drill.started", "test")
    aborted, posted = list[str](), list[tuple[str, str]]()

    async def post(text: str, by: str) -> None:
        posted.append((by, text))

    station = Workstation(drill, {"PATH": "/usr/bin:/bin", "HOME": str(drill), "LANG": "C.UTF-8"}, {})
    room = Room(
        drill, Procedure("test.md", (), "procedure", "A procedure", 1, (step("Look"), step("Restart"))), REFERENCE, incidents=Pages(), clock=clock,
        pace=Pace(clock, recorder), recorder=recorder, station=station, confinement=None, shells=shells, abort=aborted.append, post=post,
    )  # fmt: skip
    await room.open()
    try:
        yield Exercise(drill, clock, room, aborted, posted)
    finally:
        await room.close()
        recorder.close()


def exercise(body: Callable[[Exercise], Awaitable[None]], folder: Path, **more: Any) -> None:
    async def run() -> None:
        async with opened(folder, **more) as room:
            await asyncio.wait_for(body(room), 30)

    asyncio.run(run())


def test_pages_are_acknowledged_by_alert_or_all(tmp_path: Path) -> None:
    """Each acknowledgement names who did it; what does not wait is refused with what does."""

    async def body(room: Exercise) -> None:
        assert (await room.ask("ack", alert="service_down"))["said"] == ["acknowledged: service_down: risk-manager"]
        refused = await room.ask("ack", alert="service_down")
        assert refused == {"ok": False, "error": "no page of 'service_down' waits; there are: high_cpu"}
        assert (await room.ask("ack", by="bob"))["ok"]
        assert "no page waits" in (await room.ask("ack"))["error"]
        assert [(each.subject, each.data["by"]) for each in room.events("page.acknowledged")] == [
            ("service_down", "alice"), ("high_cpu", "bob")
        ]  # fmt: skip

    exercise(body, tmp_path)


def test_steps_come_in_turn_by_number_by_name_or_as_ones_own(tmp_path: Path) -> None:
    """The procedure begins with the first, and one that was not done says why."""

    async def body(room: Exercise) -> None:
        assert (await room.ask("step", state="done"))["said"] == ["step 1 of 2 done"]
        assert "say why" in (await room.ask("step", state="skipped", step="restart"))["error"]
        assert (await room.ask("step", state="skipped", step="restart", text="not needed"))["ok"]
        assert "every step has been told of" in (await room.ask("step", state="done"))["error"]
        assert "there is no step 7" in (await room.ask("step", state="done", step="7"))["error"]
        assert (await room.ask("step", state="done", step="Called the broker"))["ok"]
        assert [(each.data["index"], each.subject, each.data["ok"], each.data["state"]) for each in room.events("step.finished")] == [
            (1, "Look", True, "done"), (2, "Restart", False, "skipped"), (3, "Called the broker", True, "done"),
        ]  # fmt: skip
        assert [each.subject for each in room.events("procedure.started")] == [REFERENCE]

    exercise(body, tmp_path)


def test_resolving_ends_the_response_once(tmp_path: Path) -> None:
    """Whoever waits for it hears; the procedure counts as done if it was begun."""

    async def body(room: Exercise) -> None:
        assert not room.room.resolved.is_set()
        await room.ask("step", state="done")
        assert (await room.ask("resolve", text="restarted"))["ok"]
        assert room.room.resolved.is_set()
        assert "has resolved it already" in (await room.ask("resolve", by="bob"))["error"]
        assert [each.data["outcome"] for each in room.events("procedure.finished")] == ["done"]

    exercise(body, tmp_path)


def test_time_stands_still_in_a_pause(tmp_path: Path) -> None:
    """No deadline goes on; nothing but going on, notes, hints and the end is taken."""

    async def body(room: Exercise) -> None:
        assert (await room.ask("pause"))["ok"]
        before, wall = room.clock.now(), room.clock.wall()
        deadline = asyncio.create_task(room.clock.sleep(0.02))
        assert "paused by alice" in (await room.ask("ack"))["error"]
        assert (await room.ask("note", text="coffee"))["ok"]
        await until(lambda: room.clock.wall() - wall > 0.1)
        assert room.clock.now() - before < 1e-6
        assert not deadline.done()
        assert (await room.ask("resume", by="bob"))["ok"]
        await deadline
        assert room.clock.rate == pytest.approx(1)
        assert (await room.ask("ack"))["ok"]
        assert [each.kind for each in room.events("exercise.paused") + room.events("exercise.resumed")] == [
            "exercise.paused", "exercise.resumed",
        ]  # fmt: skip

    exercise(body, tmp_path)


def test_a_shell_takes_nothing_in_a_pause(tmp_path: Path) -> None:
    """It says so, and goes on afterwards: what was typed meanwhile is not made up for."""

    async def body(room: Exercise) -> None:
        reader, writer = await shell(room)
        await shows(reader, b"oncall:")
        assert (await room.ask("pause", by="bob"))["ok"]
        writer.write(frame(DATA, b"touch meanwhile\n"))
        await shows(reader, b"[the exercise is paused]")
        assert (await room.ask("resume", by="bob"))["ok"]
        writer.write(frame(DATA, b"exit 6\n"))
        while (found := await read_frame(reader)) is not None and found[0] != ENDED:
            pass
        writer.close()
        assert [each.data["command"] for each in room.events("command.finished")] == ["exit 6"]
        assert not list(room.folder.rglob("meanwhile"))

    exercise(body, tmp_path)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"do": "note"}, "note"), ({"do": "hint", "role": "facilitator"}, "hint.given"), ({"do": "milestone", "name": "cause-named"}, "milestone"),
        ({"do": "resolve"}, "milestone"), ({"do": "abort"}, "exercise.aborted"), ({"do": "step", "state": "failed"}, "step.finished"),
        ({"do": "step", "state": "done", "step": "with PGPASSWORD=hunter2"}, "step.finished"), ({"do": "update", "state": "identified"}, None),
    ],
)  # fmt: skip
def test_a_secret_that_somebody_says_is_kept_nowhere(request_: dict[str, Any], kind: str | None, tmp_path: Path) -> None:
    """Neither in the history, whoever says it and how, nor in the chat, nor in what others are shown."""

    async def body(room: Exercise) -> None:
        assert (await room.ask(text="it is PGPASSWORD=hunter2, see postgresql://eafix:hunter2@db/eafix", **request_))["ok"]
        if kind is not None:
            assert room.events(kind)
        told = (
            (room.folder / "history.jsonl").read_text() + repr(room.posted) + repr(room.aborted) + repr(await room.ask("status"))
        )
        assert "hunter2" not in told

    exercise(body, tmp_path)


def test_hints_are_the_facilitators(tmp_path: Path) -> None:
    """And everybody sees them."""

    async def body(room: Exercise) -> None:
        assert "--role facilitator" in (await room.ask("hint", text="look at the disk"))["error"]
        assert (await room.ask("hint", by="carol", role="facilitator", text="look at the disk"))["ok"]
        status = (await room.ask("status"))["status"]
        assert (status["notes"], status["people"]) == (
            ["hint of carol: look at the disk"], {"alice": "responder", "carol": "facilitator"},
        )  # fmt: skip

    exercise(body, tmp_path)


def test_the_first_to_reach_a_milestone_counts(tmp_path: Path) -> None:
    """A cause must be named to be one."""

    async def body(room: Exercise) -> None:
        assert (await room.ask("milestone", name="detected"))["ok"]
        assert "said already, by alice" in (await room.ask("milestone", by="bob", name="detected"))["error"]
        assert "say something" in (await room.ask("milestone", name="cause-named"))["error"]
        assert "a milestone is one of" in (await room.ask("milestone", name="happy"))["error"]

    exercise(body, tmp_path)


def test_updates_are_posted_in_the_chat(tmp_path: Path) -> None:
    """With one of the four documented states."""

    async def body(room: Exercise) -> None:
        assert (await room.ask("update", state="identified", text="Postgres is down"))["ok"]
        assert "not 'fine'" in (await room.ask("update", state="fine", text="x"))["error"]
        assert room.posted == [("alice", "INCIDENT UPDATE\nStatus: Identified\nPostgres is down")]

    exercise(body, tmp_path)


def test_aborting_says_who_and_why(tmp_path: Path) -> None:
    """The drill is told; it heals. Also in a pause, which ends: healing waits for things by documented time."""

    async def body(room: Exercise) -> None:
        await room.ask("pause")
        await room.ask("abort", text="fire alarm")
        assert room.aborted == ["aborted by alice: fire alarm"]
        assert room.clock.rate == pytest.approx(1)

    exercise(body, tmp_path)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"do": "dance"}, "nothing is called 'dance' here"), ({"do": "note", "by": "\x1b[1m", "text": "x"}, "is no name"),
        ({"do": "note", "text": " "}, "say something"), ({"do": "note", "text": "x" * 5000}, "at most 4000"),
        ({"do": "note", "text": "x", "role": "king"}, "nobody can be a 'king'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(request_: dict[str, Any], told: str, tmp_path: Path) -> None:
    """And nothing of it is recorded."""

    async def body(room: Exercise) -> None:
        assert told in (await room.ask(**request_))["error"]
        assert room.events("note") == []

    exercise(body, tmp_path)


def test_rubbish_does_not_end_the_room(tmp_path: Path) -> None:
    """Neither bytes that are no JSON nor somebody who goes away."""

    async def body(room: Exercise) -> None:
        for rubbish in (b"\x00\xff\n", b"[]\n", b"", b"x" * 70_000):
            _, writer = await room.connect()
            writer.write(rubbish)
            writer.close()
        assert (await room.ask("note", text="still here"))["ok"]

    exercise(body, tmp_path)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - another process's doing
        await asyncio.sleep(0.01)


async def shows(reader: asyncio.StreamReader, wanted: bytes, times: int = 1) -> None:
    """Read what a shell shows until this stands in it so often."""
    shown = b""
    while shown.count(wanted) < times:
        found = await read_frame(reader)
        assert found is not None, shown
        shown += found[1]


async def shell(room: Exercise, by: str = "alice") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A shell of this person's, which has been granted."""
    reader, writer = await room.connect()
    writer.write(json.dumps({"do": "shell", "by": by, "term": "dumb", "rows": 24, "columns": 80}).encode() + b"\n")
    assert json.loads(await reader.readline()) == {"ok": True}
    return reader, writer


async def typed(room: Exercise, *lines: str, by: str = "alice") -> tuple[str, int]:
    """Type lines into a shell until it ends; what it showed, and its exit code."""
    reader, writer = await shell(room, by)
    for line in lines:
        writer.write(frame(DATA, f"{line}\n".encode()))
    shown = b""
    while (found := await read_frame(reader)) is not None:
        kind, content = found
        if kind == ENDED:
            writer.close()
            return shown.decode(), code_of(content)
        shown += content
    raise AssertionError(shown)


def test_a_shell_records_each_command_with_its_output_and_exit_code(tmp_path: Path) -> None:
    """No mark is shown; secrets are not recorded."""

    async def body(room: Exercise) -> None:
        shown, code = await typed(room, "echo one; false", "PGPASSWORD=hunter2 env | grep ^PG", "exit 4")
        assert code == 4
        assert "7773" not in shown
        commands = [(each.data["command"], each.data["exit_code"], each.data["by"]) for each in room.events("command.finished")]
        assert commands[0] == ("echo one; false", 1, "alice")
        assert commands[1][1:] == (0, "alice")
        assert commands[2] == ("exit 4", 4, "alice")
        assert "hunter2" not in repr(room.events("command.finished"))
        assert room.events("command.finished")[0].data["output"] == "one\n"
        assert [each.kind for each in room.events("shell.opened") + room.events("shell.closed")] == [
            "shell.opened",
            "shell.closed",
        ]

    exercise(body, tmp_path)


def test_a_shell_is_a_terminal_with_job_control(tmp_path: Path) -> None:
    """A command can be interrupted, and the shell goes on."""

    async def body(room: Exercise) -> None:
        reader, writer = await shell(room)
        await shows(reader, b"oncall:")
        writer.write(frame(DATA, b"sh -c \"echo be''gun; exec sleep 1000\"\n"))
        await shows(reader, b"begun")
        writer.write(frame(DATA, b"\x03"))
        await shows(reader, b"oncall:")
        shown = b""
        writer.write(frame(DATA, b"tty; exit 5\n"))
        while (found := await read_frame(reader)) is not None and found[0] != ENDED:
            shown += found[1]
        writer.close()
        assert found is not None
        assert code_of(found[1]) == 5
        assert "no job control" not in shown.decode()
        assert room.events("command.finished")[0].data["exit_code"] == 130

    exercise(body, tmp_path)


def test_a_shell_ends_with_its_connection(tmp_path: Path) -> None:
    """And with the room: nothing goes on behind anybody's back."""

    async def body(room: Exercise) -> None:
        reader, writer = await shell(room)
        writer.write(frame(DATA, b"echo pid-$$-; sleep 1000\n"))
        shown = b""
        while b"pid-" not in shown.replace(b"pid-$$", b"") or shown.count(b"-\r\n") < 1:
            found = await read_frame(reader)
            assert found is not None
            shown += found[1]
        pid = int(shown.replace(b"pid-$$-", b"").split(b"pid-")[1].split(b"-")[0])
        writer.close()
        await until(lambda: not Path(f"/proc/{pid}").exists() and bool(room.events("shell.closed")))
        assert room.events("command.finished")[0].data["exit_code"] == 129

    exercise(body, tmp_path)


def test_without_the_drills_own_ports_there_is_no_shell(tmp_path: Path) -> None:
    """The runbook's commands would reach something else."""

    async def body(room: Exercise) -> None:
        answer = await room.ask("shell")
        assert "would reach other ports" in answer["error"]

    exercise(body, tmp_path, shells=False)


def test_the_socket_goes_with_the_room(tmp_path: Path) -> None:
    """Nobody finds a drill that has ended."""

    async def body(room: Exercise) -> None:
        assert (room.folder / SOCKET).is_socket()
        await room.room.close()
        assert not (room.folder / SOCKET).exists()
        assert room.folder not in [Path(f"/proc/self/fd/{each}").resolve() for each in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names

    exercise(body, tmp_path)
