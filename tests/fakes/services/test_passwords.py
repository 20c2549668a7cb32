"""Claims about how passwords and tokens are stored."""

from __future__ import annotations

from fakes.services.passwords import digest, hashed, matches, new_token


def test_only_the_password_itself_matches() -> None:
    """Two hashes of one password differ, and each knows it; nothing matches what is no hash."""
    first, second = hashed("correct horse"), hashed("correct horse")
    assert first != second
    assert "correct" not in first
    assert (matches("correct horse", first), matches("correct horse", second), matches("battery", first)) == (True, True, False)
    assert not matches("", "!")


def test_tokens_are_long_and_stored_as_digests() -> None:
    """No two are the same, and what is stored doesn't give it away."""
    one, other = new_token(), new_token()
    assert one != other
    assert len(one) >= 32
    assert (digest(one) == digest(one), digest(one) == digest(other), one in digest(one)) == (True, False, False)
