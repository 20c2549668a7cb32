from __future__ import annotations

import pytest

from scenarios.expectation import Expectation


@pytest.mark.parametrize(
    ("text", "exit_code", "output", "missed"),
    [
        ("exit 0", 0, "", None),
        ("exit 0", 1, "", "exit code 1, expected 0"),
        ("exit 0", 1, "psql: error: refused\nbye\n", "exit code 1, expected 0: psql: error: refused"),
        ("exit 0", 2, "one\n\n  two  \n\n", "exit code 2, expected 0: two"),
        ("exit nonzero", 7, "", None),
        ("exit nonzero", 0, "ok", "exit code 0, expected nonzero: ok"),
        ("exit 3", 3, "", None),
        ("exit 3", 0, "", "exit code 0, expected 3"),
        ("output ~ ^PONG$", 0, "a\nPONG\nb", None),
        ("output ~ ^PONG$", 0, "a PONG", "the output does not match ^PONG$: a PONG"),
        ("output ~ PONG", 1, "PONG", "exit code 1, expected 0: PONG"),
        ("output !~ ERROR", 0, "all well", None),
        ("output !~ ERROR", 0, "well\nERROR here\nbye", "the output matches ERROR: ERROR here"),
        ("exit any and output ~ x", 9, "x", None),
        ("output ~ a and output !~ b", 0, "ab", "the output matches b: ab"),
        ("output ~ bread and butter and exit 1", 1, "bread and butter", None),
    ],
)
def test_what_was_missed_is_said(text: str, exit_code: int, output: str, missed: str | None) -> None:
    """None when everything came true, else the first thing that did not, with the line of the output that tells most."""
    assert Expectation.of(text).judge(exit_code, output) == missed


def test_by_default_a_command_succeeds() -> None:
    """As in any script."""
    assert Expectation().judge(0, "anything") is None
    assert Expectation().judge(1, "") == "exit code 1, expected 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exit zero", "'exit zero' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"),
        ("", "'' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"),
        ("output ~", "'output ~' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"),
        ("exit 256", "an exit code is at most 255, found 256"),
        ("exit 0 and exit 1", "there is only one exit code to expect"),
        ("output ~ (", "( is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)
def test_what_is_no_expectation_is_refused(text: str, message: str) -> None:
    """A misspelt expectation would be met by everything or by nothing."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole message is compared
        Expectation.of(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["exit 0", "exit nonzero", "output ~ ^a b$", "exit any and output !~ x and output ~ y"])
def test_an_expectation_is_shown_as_it_was_written(text: str) -> None:
    """Reports quote it."""
    assert str(Expectation.of(text)) == text
