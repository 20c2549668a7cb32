"""Stacks of two sites: what belongs where, and what is wrong with one that does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.places import STACKS
from scenarios.stacks import load_stack, read_stack
from tests.scenarios.files import WHOLE, load, load_says

TEXT = (STACKS / "eafix-two-sites.yaml").read_text()


def test_each_part_is_at_one_site_and_parties_outside_at_none() -> None:
    """Twins are at the second site; a stack without sites has nothing at any."""
    stack = load_stack("eafix-two-sites")
    assert {stack.site_of(name) for name in ("gui-gateway", "redis", "postgres")} == {"primary"}
    assert {stack.site_of(name) for name in ("gui-gateway-dr", "redis-dr", "postgres-dr-site")} == {"dr"}
    assert stack.site_of("broker") is None
    assert not set(stack.at_site("dr")) & set(stack.at_site("primary"))
    assert load_stack("eafix").site_of("gui-gateway") is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "twin-of: signal-generator}",
            "twin-of: signal-generatr}",
            "there is no 'signal-generatr' at the first site; did you mean 'signal-generator'?",
        ),
        ("twin-of: signal-generator}", "twin-of: gui-gateway}", "gui-gateway-dr is that of gui-gateway already"),
        ("dr: dr.trading.eafix.example}", "ds: dr.trading.eafix.example}", "unknown site 'ds'; known: dr, primary"),
        ("dr: dr.trading.eafix.example}", "dr: primary.trading.eafix.example}", "both sites have the same"),
        ("second: dr", "second: primary", "primary is the name of the first site already"),
        (
            ", replica-of: postgres-primary, twin-of: postgres-primary}",
            ", replica-of: postgres-primary}",
            "the second site has no Postgres of its own",
        ),
    ],
)
def test_sites_that_do_not_fit_together_are_told_at_their_line(tmp_path: Path, before: str, after: str, message: str) -> None:
    """One sentence, with what would be right."""
    assert before in TEXT
    path = tmp_path / "two.yaml"
    path.write_text(TEXT.replace(before, after).replace("rules: [alerts/", f"rules: [{STACKS.parent}/alerts/"))
    with pytest.raises(InvalidInput) as raised:
        read_stack(path)
    found = [problem for problem in raised.value.problems if message in problem.message]
    assert found, raised.value
    assert found[0].line > 0


def test_twins_need_sites(tmp_path: Path) -> None:
    """Otherwise nobody could ever be led to them."""
    start, end = TEXT.index("sites:\n"), TEXT.index("\nlinks:")
    path = tmp_path / "two.yaml"
    path.write_text((TEXT[:start] + TEXT[end:]).replace("rules: [alerts/", f"rules: [{STACKS.parent}/alerts/"))
    with pytest.raises(InvalidInput, match="gui-gateway-dr is at the second site, and there are no `sites`"):
        read_stack(path)


TWO = WHOLE.replace("title:", "stack: eafix-two-sites\ntitle:", 1)
KILL = "  - fault: process.kill\n    process: risk-manager\n"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("{fault: site.cut, site: drr}", "unknown site 'drr'; did you mean 'dr'?"),
        ("{fault: site.lost, site: secondary}", "unknown site 'secondary'; known: dr, primary"),
        ("{fault: site.lost, site: primary, heal-after: 5m}", "what it destroys is not healed"),
        ("{fault: site.cut, site: primary, parts: [redis]}", "Give either `parts` or `site`"),
        ("{fault: site.cut}", "Give either `parts` or `site`"),
        ("{fault: site.cut, parts: [rediss]}", "unknown service or datastore 'rediss'; did you mean 'redis'?"),
    ],
)
def test_a_fault_of_a_site_names_one_that_is_there(tmp_path: Path, fault: str, message: str) -> None:
    """A site of the stack, or parts of it, and not both."""
    assert KILL in TWO
    assert any(message in line for line in load_says(tmp_path, TWO.replace(KILL, f"  - {fault}\n")))


def test_procedures_that_follow_are_carried_out_as_one(tmp_path: Path) -> None:
    """Steps of all of them, in order; one that is not there is told at its place."""
    alone = load(tmp_path, TWO).procedure
    line = "  procedure: runbooks/incident-response.md#service-failure\n"
    assert line in TWO
    both = load(tmp_path, TWO.replace(line, line + "  then: [runbooks/eafix-maintenance.md#fail-back]\n")).procedure
    assert both.steps[: len(alone.steps)] == alone.steps
    assert both.steps[len(alone.steps)].name == "wait until the first site answers"
    wrong = TWO.replace(line, line + "  then: [runbooks/eafix-maintenance.md#fail-bakc]\n")
    assert any("has no section 'fail-bakc'; did you mean 'fail-back'?" in each for each in load_says(tmp_path, wrong))
