"""sim/effects.py: what commands of runbooks do."""

from __future__ import annotations

import pytest

from scenarios.loader import catalogue, find_scenarios, load_scenario, load_stack
from sim.effects import KINDS, actions_of


@pytest.mark.parametrize(
    ("command", "verb", "subjects"),
    [
        ("kubectl rollout restart deployment/eafix-risk-manager", "restart", ("risk-manager",)),
        ("docker compose restart redis", "restart", ("redis",)),
        (
            'kubectl patch service eafix-postgres \\\n  --patch=\'{"spec":{"selector":{"role":"primary"}}}\'',
            "readdress",
            ("postgres-primary", "postgres"),
        ),
        ("/scripts/restore-from-backup.sh --point-in-time=latest --source=on-site", "restore", ()),
        ("/scripts/restore-from-backup.sh --list", "look", ()),
        ("kubectl rollout undo deployment/eafix-gateway", "roll-back", ("gui-gateway",)),
        ("eafix-cli services stop --all", "stop", ()),
        ("eafix-cli data-feed switch --to=backup", "switch-feed", ()),
        ("docker compose logs redis --tail=50", "look", ()),
        ("docker compose restart nobody", "restart", ("nobody",)),
    ],
)
def test_a_command_is_known_by_its_words(command: str, verb: str, subjects: tuple[str, ...]) -> None:
    """Each command of the runbooks stands for what it does, to the part that it names; a part that is not there is nobody's."""
    action = actions_of(command, load_stack("eafix"), verification=False)[0]
    assert (action.verb, action.subjects) == (verb, subjects)


def test_a_restart_behind_a_check_happens_only_where_the_check_fails() -> None:
    """`probe || restart` restarts only what is down, a bare restart always."""
    stack = load_stack("eafix")
    assert actions_of("redis-cli ping || docker compose restart redis", stack, verification=False)[0].if_down
    assert not actions_of("docker compose restart redis", stack, verification=False)[0].if_down


def test_a_verification_changes_nothing() -> None:
    """Whatever stands in a step that verifies, it only looks."""
    assert [each.verb for each in actions_of("docker compose restart redis", load_stack("eafix"), verification=True)] == [
        "verify"
    ]


def test_the_model_knows_every_fault_of_the_catalogue_or_says_so() -> None:
    """A fault kind that the table lacks would be guessed: those of the four first scenarios are all in it."""
    for name in ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage"):
        assert name in catalogue()
        loaded = load_scenario(find_scenarios([name])[0])
        assert {fault.fault for fault in loaded.scenario.faults} <= KINDS.keys()
