"""Locking users, resetting accounts, revoking tokens: what stands in the database afterwards."""

from __future__ import annotations

import pytest

from fakes.services.passwords import matches
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("cluster")]


def _token(books: Books, name: str, user: str = "trader-1") -> None:
    books.sql(f"INSERT INTO api_tokens (name, user_id, token_hash, issued_at_s) VALUES ('{name}', '{user}', '{name}', 1)")


def _valid(books: Books) -> list[str]:
    return [name for (name,) in books.sql("SELECT name FROM api_tokens WHERE revoked_at_s IS NULL ORDER BY name")]


def test_a_revoked_user_is_locked_and_loses_every_token(run: Run, books: Books) -> None:
    """Nobody else does; doing it again finds nothing more, and keeps when it was locked first."""
    _token(books, "first")
    _token(books, "second")
    assert run("eafix-cli auth revoke --user-id=trader-1") == Ended(0, "trader-1 locked, 2 tokens revoked\n", "")
    assert books.sql("SELECT user_id, locked_at_s FROM users WHERE locked_at_s IS NOT NULL") == [("trader-1", 3600.0)]
    assert _valid(books) == ["nightly-export"]
    assert run("eafix-cli auth revoke --user-id=trader-1").out == "trader-1 locked, 0 tokens revoked\n"


@pytest.mark.parametrize("verb", ["revoke", "mark"])
def test_a_user_that_is_not_there_is_told(run: Run, books: Books, verb: str) -> None:
    """Exit code 1, and 2 for none at all; no user's name breaks out of its quotes."""
    assert run(f"eafix-cli auth {verb} --user-id=nobody") == Ended(1, "", "eafix-cli: no user 'nobody'\n")
    assert run(f'eafix-cli auth {verb} --user-id="\' OR true --"').code == 1
    assert run(f"eafix-cli auth {verb}").code == 2


def test_tokens_are_revoked_by_the_pattern_of_their_names(run: Run, books: Books) -> None:
    """Only names that match as a whole; a pattern that matches nothing is no failure, and only * and ? are special."""
    for name in ("compromised_1", "compromised_ci", "not_compromised_1", "compromisedX"):
        _token(books, name)
    assert run('eafix-cli tokens revoke --pattern="stolen_*"') == Ended(0, "0 tokens revoked\n", "")
    ended = run('eafix-cli tokens revoke --pattern="compromised_*"')
    assert ended.out.splitlines() == [
        "compromised_1 of trader-1 revoked",
        "compromised_ci of trader-1 revoked",
        "2 tokens revoked",
    ]
    assert _valid(books) == ["compromisedX", "nightly-export", "not_compromised_1"]
    assert run('eafix-cli tokens revoke --pattern=".*"').out == "0 tokens revoked\n"
    assert run("eafix-cli tokens revoke --pattern=compromised?").out == "compromisedX of trader-1 revoked\n1 tokens revoked\n"
    assert run("eafix-cli tokens revoke").code == 2


def test_a_reset_gives_each_compromised_account_a_password_that_nobody_has_seen(run: Run, books: Books) -> None:
    """The old one matches no more, it must be changed, the tokens are gone, and it counts as compromised no longer."""
    _token(books, "first")
    _token(books, "other", "trader-2")
    run("eafix-cli auth mark --user-id=trader-1")
    ended = run("eafix-cli auth reset --compromised-accounts")
    assert ended == Ended(0, "trader-1: new password, to be changed at the next login, 1 tokens revoked\n1 accounts reset\n", "")
    [(stored, must_change, marked)] = books.sql(
        "SELECT password_hash, must_change, compromised_at_s FROM users WHERE user_id = 'trader-1'"
    )
    assert (matches("trader-1-password", stored), must_change, marked) == (False, True, None)
    assert stored.startswith("scrypt$")
    assert _valid(books) == ["nightly-export", "other"]
    assert run("eafix-cli auth reset --compromised-accounts").out == "0 accounts reset\n"
    assert run("eafix-cli auth reset").code == 2


def test_a_reset_does_not_unlock(run: Run, books: Books) -> None:
    """Whoever was locked stays so, and that is said."""
    run("eafix-cli auth mark --user-id=trader-1")
    run("eafix-cli auth revoke --user-id=trader-1")
    assert run("eafix-cli auth reset --compromised-accounts").out.splitlines()[0].endswith(", still locked")
    assert books.sql("SELECT locked_at_s FROM users WHERE user_id = 'trader-1'") == [(3600.0,)]
