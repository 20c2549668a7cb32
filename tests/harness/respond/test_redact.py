"""What may be recorded of a command and its output."""

from __future__ import annotations

import pytest

from harness.respond.redact import without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("psql 'password=hunter2 host=db'", "psql 'password=*** host=db'"),
        ('{"api_key": "abc123", "id": 7}', '{"api_key": ***, "id": 7}'),
        ("postgresql://eafix:hunter2@localhost:5432/eafix_prod", "postgresql://eafix:***@localhost:5432/eafix_prod"),
        ("curl -H 'Authorization: Token 0123456789abcdef'", "curl -H 'Authorization: Token ***'"),
        ("db_password: hunter2", "db_password: ***"),
    ],
)
def test_secrets_are_replaced_by_stars(text: str, kept: str) -> None:
    """Passwords, tokens and keys never reach a history, whatever form they stand in."""
    assert without_secrets(text) == kept


@pytest.mark.parametrize(
    "text", ["psql -h localhost -p 5432 -c 'SELECT 1'", "http://localhost:8080/healthz", "token bucket is full"]
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    """Hiding too much would make a history useless."""
    assert without_secrets(text) == text
