"""The operator's terminal: one bash that takes command after command, in a sandbox within the sandbox of the check.

What a command sets, changes or defines is there for the next one. Inside there is the workstation and nothing else of the check: its
other processes, the data of its stack and what is recorded of it cannot be seen, let alone be harmed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.runbooks.output import Output
from harness.sandbox.launch import PROJECT
from harness.sandbox.limits import Limits
from harness.stack.process import descendants, is_waiting

_STARTS_WITHIN_S = 20.0
_LAST_WORDS_S = 0.05  # wall: how long output may still come after a command's own end
_LETS_GO_WITHIN_S = 2.0  # wall: from SIGINT until the shell asks for the next command
_LOOK_EVERY_S = 0.05
_STILL_LOOKS = 2
_BREEDS_LOOK_S = 0.1  # wall: what multiplies has become more by then
_BREEDS_WITHIN_S = 10.0  # wall: until the watchdog has seen it, on a busy machine too
_CONTROL, _STATUS, _TERMINAL = 9, 8, 7  # descriptors of the shell; what it runs does not get the first two
_DRIVER = r"""
while IFS= read -r -d '' -u 9 __gameday_text && IFS= read -r -d '' -u 9 __gameday_how && IFS= read -r -d '' -u 9 __gameday_typed; do
  __gameday_codes=(2)
  case $__gameday_how in
    typed) eval "$__gameday_text"$'\n''__gameday_codes=("$?" "${PIPESTATUS[@]}")' 8>&- 9>&- <<<"$__gameday_typed" ;;
    terminal) eval "$__gameday_text"$'\n''__gameday_codes=("$?" "${PIPESTATUS[@]}")' 8>&- 9>&- <&7 >&7 2>&1 ;;
    *) eval "$__gameday_text"$'\n''__gameday_codes=("$?" "${PIPESTATUS[@]}")' 8>&- 9>&- </dev/null ;;
  esac
  printf '%s ' "${__gameday_codes[@]}" >&8
  printf '%s' "$PWD" >&8
  printf '\0' >&8
done
"""


_PLACE = re.compile(r"^bash: line \d+: ", re.MULTILINE)  # of our own loop: an operator's shell says none


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to. `codes` are those of the members of its last pipeline."""

    exit_code: int
    output: str
    duration_s: float
    codes: tuple[int, ...] = ()
    ended_by: str = ""  # "" by itself, "stop" as planned, "time", "output", "watchdog", "shell" when the whole shell ended


@dataclass(frozen=True, slots=True)
class Place:
    """Where a terminal stands: the folder of the workstation, what of the check's own sandbox it is shown, and its limits."""

    workstation: Path
    shown: Sequence[Path]
    environment: Mapping[str, str]
    folder: Path  # where it begins
    limits: Limits
    private_mb: int = 64  # of its own file system, beside the workstation's
    writable: Sequence[Path] = ()  # beside the workstation
    root: Path | None = None  # what lies in it is found at the root of the machine too
    hosts: Sequence[str] = ()  # names of this machine


class Terminal:
    """One shell. `start` and `close` are safe to repeat."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: asyncio.subprocess.Process | None = None
        self._status = b""
        self._changed = asyncio.Event()
        self._ends: list[int] = []
        self.killed_for = ""  # why the watchdog ended it

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Raises HarnessError."""
        if self.running:
            return
        (control, self._control), (self._reports, status) = os.pipe(), os.pipe()
        self._output, master, slave = Output(), *os.openpty()
        self._screen = Output(master)
        self._ends = [self._control, self._reports]
        try:
            self._process = await asyncio.create_subprocess_exec(
                "/bin/bash", "-c", f'exec {_TERMINAL}<&{slave} {_STATUS}>&{status} {_CONTROL}<&{control} "$@"',
                # Neither a folder nor the operator's home may bring modules along (-P, -S): this runs outside of the sandbox.
                "bash", sys.executable, "-P", "-S", "-m", "harness.sandbox.init", self._spec(), "--",
                "/bin/bash", "--noprofile", "--norc", "-c", 'eval "$GAMEDAY_SHELL"', "bash",
                stdin=asyncio.subprocess.DEVNULL, stdout=self._output.write, stderr=self._output.write, env=self._environment(),
                pass_fds=(control, status, slave), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise HarnessError(f"the operator's shell could not be started: {error}") from error
        finally:
            for each in (control, status, slave, self._output.write):
                os.close(each)
        os.set_blocking(self._reports, False)
        asyncio.get_running_loop().add_reader(self._reports, self._take_status)
        first = await self.run("true", limit_s=_STARTS_WITHIN_S)
        if first.ended_by or first.exit_code != 0:
            await self.close()
            raise HarnessError(f"the operator's shell did not come up: {first.output.strip() or first}")

    def _spec(self) -> str:
        place = self._place
        temporary = place.workstation / "tmp"
        if temporary.is_symlink() or not temporary.is_dir():  # whoever typed before may have left a link that leads out of here
            temporary.unlink(missing_ok=True)
        temporary.mkdir(mode=0o777, exist_ok=True)
        shown = [str(each) for each in place.shown]
        spec = {
            "parent": os.getpid(), "plain": False, "inner": True, "read_only": shown, "run": None,
            "writable": [str(each) for each in (place.workstation, *place.writable)],
            "linked": str(place.root) if place.root else None, "hosts": list(place.hosts),
            "temporary": str(temporary), "largest_mb": place.private_mb, "limits": asdict(place.limits),
        }  # fmt: skip
        return json.dumps(spec)

    def _environment(self) -> dict[str, str]:
        """PYTHONPATH is for the first process of the sandbox: the shell forgets it, and what it is made of."""
        begin = f"unset PYTHONPATH GAMEDAY_SHELL\ncd {shlex.quote(str(self._place.folder))}"
        return {**self._place.environment, "PYTHONPATH": str(PROJECT), "GAMEDAY_SHELL": f"{begin}\n{_DRIVER}"}

    # --- a command --------------------------------------------------------------------------------------------

    async def run(
        self, text: str, *, limit_s: float, typed: str = "", terminal: bool = False, stop_after_s: float | None = None
    ) -> Typed:
        """Have it carried out, and come back in any case: `stop_after_s` ends what runs until it is stopped."""
        how = "terminal" if terminal else "typed" if typed else "plain"
        output = self._screen if terminal else self._output
        output.begin()
        self._status = b""
        began = time.monotonic()
        reports = asyncio.create_task(
            self._give(f"{text}\0{how}\0{typed.removesuffix(chr(10))}\0".encode("utf-8", "surrogateescape"))
        )
        ended_by = await self._until_over(began, limit_s, stop_after_s, output)
        duration_s = time.monotonic() - began
        reports.cancel()
        await asyncio.gather(reports, return_exceptions=True)
        if ended_by and not await self._interrupt():
            await self.close()
        elif not self.running:
            ended_by = "watchdog" if self.killed_for else "shell"
        await asyncio.sleep(_LAST_WORDS_S if output.quiet else 0)
        codes = (
            tuple(int(each) for each in self._status.split(b"\0")[0].split()[:-1] if each.isdigit())
            if b"\0" in self._status
            else ()
        )
        return Typed(self._exit_code(codes, ended_by), _PLACE.sub("bash: ", output.text()), duration_s, codes[1:], ended_by)

    def _exit_code(self, codes: Sequence[int], ended_by: str) -> int:
        if codes:
            return codes[0]
        if ended_by == "time":
            return 124
        code = self._process.returncode if self._process else None
        return code if code is not None and code >= 0 else 137

    async def _give(self, message: bytes) -> None:
        """A pipe takes 64 kB at once: a longer command is given as the shell reads."""
        os.set_blocking(self._control, False)
        while message:
            try:
                message = message[os.write(self._control, message) :]
            except BlockingIOError:
                await asyncio.sleep(_LOOK_EVERY_S)
            except BrokenPipeError:
                return

    async def _until_over(self, began: float, limit_s: float, stop_after_s: float | None, output: Output) -> str:
        """Why it has to be ended; empty when it ended itself."""
        while b"\0" not in self._status and self.running:
            passed_s = time.monotonic() - began
            if stop_after_s is not None and passed_s >= stop_after_s:
                return "stop"
            if passed_s >= limit_s:
                return "time"
            if output.flooded:
                return "output"
            self._changed.clear()
            left_s = min(limit_s, stop_after_s or limit_s) - passed_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(left_s, _LOOK_EVERY_S))
        return ""

    def _take_status(self) -> None:
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._reports, 65536)
            if not chunk:
                asyncio.get_running_loop().remove_reader(self._reports)
            self._status = (self._status + chunk)[-65536:]
            self._changed.set()

    async def _interrupt(self) -> bool:
        """Control-C for what the shell runs; whether the shell is back then."""
        deadline = time.monotonic() + _LETS_GO_WITHIN_S
        sent = signal.SIGINT
        while self.running and b"\0" not in self._status:
            if time.monotonic() >= deadline:
                return False
            for pid in self._below():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, sent)
            sent = signal.SIGINT if time.monotonic() < deadline - _LETS_GO_WITHIN_S / 2 else signal.SIGKILL
            await asyncio.sleep(_LOOK_EVERY_S)
        return self.running

    async def calm(self) -> bool:
        """After a command: what multiplies in the background is seen to before the next one. False when it ended the shell."""
        until, still, before = time.monotonic() + _BREEDS_WITHIN_S, 0, set[int]()
        while self.running and (now := set(self._below())) and time.monotonic() < until:
            # A background job stays what it is and waits; what breeds has other processes, or some that run, start or end.
            still = still + 1 if now == before and all(map(is_waiting, now)) else 0
            if still > _STILL_LOOKS:
                break
            before = now
            await asyncio.sleep(_BREEDS_LOOK_S)
        if self.killed_for and self._process is not None:  # it is about to end, or has ended and nobody has noticed yet
            await self._process.wait()
        return self.running

    @property
    def left_behind(self) -> int:
        """How many processes still run beside the shell."""
        return len(self._below()) if self.running else 0

    def _below(self) -> list[int]:
        """What the shell runs: everything below it. Before it there are the two processes of its sandbox."""
        found = descendants(self._process.pid) if self._process else []
        return found[2:]

    # --- its end ----------------------------------------------------------------------------------------------

    def kill(self, why: str = "") -> None:
        """End it and all that runs in it, at once. May be called from another thread."""
        self.killed_for = self.killed_for or why
        if self._process is not None and self._process.returncode is None:
            for pid in (descendants(self._process.pid)[:1]) or [
                self._process.pid
            ]:  # the first of the pid namespace: all end with it
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def close(self) -> None:
        """End it and all that it left running."""
        if self._process is None:
            return
        self.kill()
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.kill()
        await self._process.wait()
        loop = asyncio.get_running_loop()
        if self._ends:
            loop.remove_reader(self._reports)
        for each in self._ends:
            os.close(each)
        self._ends = []
        self._output.close()
        self._screen.close()
