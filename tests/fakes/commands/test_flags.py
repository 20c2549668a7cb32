"""Command lines are read, and refused, as kubectl and docker do."""

from __future__ import annotations

import pytest

from fakes.commands.flags import BadFlag, Flag, Parsed, go_duration, parse

FLAGS = (
    Flag("tail", "", "int"),
    Flag("selector", "l"),
    Flag("follow", "f", "switch"),
    Flag("since", "", "duration"),
    Flag("interactive", "i", "switch"),
)


def test_flags_may_stand_anywhere_and_in_every_form() -> None:
    """Long and short, with equals sign, blank or nothing between, before and after the words."""
    found = parse(["-lapp=x", "pods", "--tail=5", "-fi", "--since", "1h30m", "web"], FLAGS)
    assert found.words == ["pods", "web"]
    assert (found.text("selector"), found.number("tail", -1), found.seconds("since", 0)) == ("app=x", 5, 5400.0)
    assert (found.on("follow"), found.on("interactive"), found.on("absent")) == (True, True, False)


def test_two_dashes_end_the_flags() -> None:
    """What comes after them belongs to another program."""
    assert parse(["pod", "--", "psql", "-l"], FLAGS) == Parsed({}, ["pod"], ["psql", "-l"], True)


def test_flags_after_the_first_word_can_be_left_alone() -> None:
    """`docker exec CONTAINER psql -l` gives psql its own flags."""
    assert parse(["-i", "web", "psql", "-l"], FLAGS, stop_at_word=True).words == ["web", "psql", "-l"]


def test_a_switch_can_be_turned_off() -> None:
    """--watch=false is a value like any other."""
    assert not parse(["--follow=false"], FLAGS).on("follow")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-fx"], "unknown shorthand flag: 'x' in -fx"),
        (["--tail"], "flag needs an argument: --tail"),
        (["-l"], "flag needs an argument: 'l' in -l"),
        (["--tail=abc"], 'invalid argument "abc" for "--tail" flag: strconv.ParseInt: parsing "abc": invalid syntax'),
        (["--since=1x"], 'invalid argument "1x" for "--since" flag: time: invalid duration "1x"'),
        (["--since=10"], 'invalid argument "10" for "--since" flag: time: missing unit in duration "10"'),
        (
            ["--follow=maybe"],
            'invalid argument "maybe" for "-f, --follow" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
    ],
)
def test_a_wrong_flag_is_refused_in_the_real_words(argv: list[str], message: str) -> None:
    """The messages of the library that kubectl and docker are built with."""
    with pytest.raises(BadFlag) as caught:
        parse(argv, FLAGS)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h", 3600), ("1m30s", 90), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("-5s", -5)]
)
def test_durations_are_those_of_go(text: str, seconds: float) -> None:
    """As time.ParseDuration reads them."""
    assert go_duration(text) == pytest.approx(seconds)
