from __future__ import annotations

import pytest

from scenarios.expectation import Expectation, Match
from scenarios.fences import Attributes, BadAttribute, read_attributes


def test_a_name_is_enough() -> None:
    """Everything else has a default."""
    assert read_attributes('name="promote"') == Attributes("promote", Expectation(), 60.0, None, "stop", False, False, "")


def test_everything_a_step_can_say() -> None:
    """Texts with blanks stand in quotes; backslashes of a regular expression stay."""
    found = read_attributes(
        r"""name='wait for it' expect="output ~ ^\d+ \"rows\"$" budget=2m retry=5s on-failure=continue rollback="undo it" verification interactive"""
    )
    expected = Expectation(matches=(Match(r'^\d+ "rows"$', found=True),))
    assert found == Attributes("wait for it", expected, 120.0, 5.0, "continue", True, True, "undo it")


@pytest.mark.parametrize(
    ("text", "word", "message"),
    [
        ("", "", 'a step needs a name: ```bash name="promote the replica"'),
        ('name=" "', "name", 'a step needs a name: ```bash name="promote the replica"'),
        ("name=x budgt=5s", "budgt", "unknown attribute 'budgt'; did you mean 'budget'?"),
        ("name=x on_failure=stop", "on_failure", "unknown attribute 'on_failure'; did you mean 'on-failure'?"),
        ("name=x zzz", "zzz", "unknown attribute 'zzz'; known: budget, expect, interactive, name, on-failure, retry, rollback, verification"),
        ("name=x budget", "budget", "budget needs a value: budget=..."),
        ("name=x verification=yes", "verification", "verification stands alone, without a value"),
        ("name=x name=y", "name", "name stands here twice"),
        ("name=x budget=30", "budget", "budget: '30' is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m"),
        ("name=x budget=0s", "budget", "budget: must be more than 0"),
        ("name=x budget=5s retry=5s", "retry", "retry: nothing is left of the budget of 5 s for a second try"),
        ("name=x on-failure=contine", "on-failure", "on-failure: unknown value 'contine'; did you mean 'continue'?"),
        ("name=x expect=good", "expect", "expect: 'good' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"),
        ('name="x', "", "the attributes of a step are key=value, texts in quotes: No closing quotation"),
    ],
)  # fmt: skip
def test_what_is_no_attribute_is_told_with_its_word(text: str, word: str, message: str) -> None:
    """The word is where the message belongs."""
    with pytest.raises(BadAttribute) as caught:
        read_attributes(text)
    assert (caught.value.word, str(caught.value)) == (word, message)
