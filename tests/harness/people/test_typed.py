"""Commands found in the stream of a terminal."""

from __future__ import annotations

import base64
import itertools

from hypothesis import given
from hypothesis import strategies as st

from harness.people.typed import Begun, Ended, Typed


def begin(command: str) -> bytes:
    entry = base64.b64encode(f"   12  {command}\n".encode())
    return b"\x1b]7773;B;" + entry + b"\x07"


def end(code: int) -> bytes:
    return b"\x1b]7773;E;%d\x07" % code


STREAM = b"oncall$ ls\r\n" + begin("ls -l") + b"\x1b[1mfile\x1b[0m\r\n" + end(3) + b"oncall$ "


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_a_command_is_found_however_the_stream_is_cut(cuts: list[int]) -> None:
    """What is shown has no marks; the command has its exit code and what it printed, without colours."""
    typed, shown, told = Typed(), b"", list[Begun | Ended]()
    edges = [0, *sorted(cuts), len(STREAM)]
    for first, last in itertools.pairwise(edges):
        visible, heard = typed.take(STREAM[first:last])
        shown += visible
        told += heard
    assert shown == b"oncall$ ls\r\n\x1b[1mfile\x1b[0m\r\noncall$ "
    assert told == [Begun("ls -l"), Ended("ls -l", 3, "file\n")]


def test_a_prompt_without_a_command_tells_nothing() -> None:
    """The first prompt, or an empty line."""
    assert Typed().take(end(0)) == (b"", [])


def test_a_long_output_keeps_its_beginning_and_its_end() -> None:
    """And says how much is missing."""
    typed = Typed()
    _, told = typed.take(begin("yes") + b"a" * 10_000 + b"z" * 10_000 + end(0))
    ended = told[-1]
    assert isinstance(ended, Ended)
    assert (ended.output[:2], ended.output[-2:]) == ("aa", "zz")
    assert "12000 bytes left out" in ended.output


def test_a_shell_that_goes_away_ends_its_command() -> None:
    """With the code that is given."""
    typed = Typed()
    typed.take(begin("sleep 100") + b"...")
    assert typed.close(129) == Ended("sleep 100", 129, "...")
    assert typed.close(129) is None


def test_several_lines_are_one_command() -> None:
    """As bash keeps them in its history."""
    assert Typed().take(begin("for i in 1 2\ndo echo $i\ndone"))[1] == [Begun("for i in 1 2\ndo echo $i\ndone")]


@given(st.binary(max_size=300))
def test_any_bytes_are_shown(stream: bytes) -> None:
    """What is no mark goes through as it is, but for a beginning that is held back."""
    typed = Typed()
    shown, _ = typed.take(stream)
    if b"\x1b]7773;" not in stream:
        assert stream.startswith(shown)
        assert len(stream) - len(shown) < 7
