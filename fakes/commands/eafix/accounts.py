"""`eafix-cli auth` and `tokens`: lock users, end their sessions, give out new passwords that nobody has seen."""

from __future__ import annotations

import re

from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.trail import changed, entry, literal, rows
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

USER_FLAGS = (Flag("user-id"),)
RESET_FLAGS = (Flag("compromised-accounts", "", "switch"),)
PATTERN_FLAGS = (Flag("pattern"),)


def revoke(line: Parsed, platform: Platform) -> int:
    """Lock a user and revoke all its tokens: whatever session it has, its next request is refused."""
    user = _known(line, platform, "revoke")
    now_s = platform.state.now_s
    lock = f"UPDATE users SET locked_at_s = coalesce(locked_at_s, {now_s!r}) WHERE user_id = {literal(user)} RETURNING user_id"
    ended = changed(platform, locked=lock, ended=_end(now_s, "locked"))
    print(f"{user} locked, {len(ended)} tokens revoked")
    return 0


def _end(now_s: float, users: str) -> str:
    return (
        f"UPDATE api_tokens SET revoked_at_s = {now_s!r}"
        f" WHERE user_id IN (SELECT user_id FROM {users}) AND revoked_at_s IS NULL RETURNING token_id"
    )


def mark(line: Parsed, platform: Platform) -> int:
    """Say that an account is in other hands: `auth reset --compromised-accounts` then takes it back."""
    user = _known(line, platform, "mark")
    changed(
        platform,
        marked=f"UPDATE users SET compromised_at_s = coalesce(compromised_at_s, {platform.state.now_s!r})"
        f" WHERE user_id = {literal(user)} RETURNING user_id",
    )
    print(f"{user} marked as compromised")
    return 0


def reset(line: Parsed, platform: Platform) -> int:
    """Each compromised account gets a new random password, which must be changed, and loses its tokens. No password is shown."""
    if not line.on("compromised-accounts"):
        raise Failure("eafix-cli: auth reset needs --compromised-accounts", 2)
    marked = rows(platform, "SELECT user_id, locked_at_s FROM users WHERE compromised_at_s IS NOT NULL ORDER BY user_id")
    from fakes.services.passwords import hashed, new_token

    now_s = platform.state.now_s
    for row in marked:
        user = literal(row["user_id"])
        renew = (
            f"UPDATE users SET password_hash = {literal(hashed(new_token()))}, must_change = true, compromised_at_s = NULL"
            f" WHERE user_id = {user} RETURNING user_id"
        )
        written = entry(now_s, "account_reset", "reset", row["user_id"], "ok", source="renewed")
        ended = changed(platform, renewed=renew, written=written, ended=_end(now_s, "renewed"))
        still = ", still locked" if row["locked_at_s"] is not None else ""
        print(f"{row['user_id']}: new password, to be changed at the next login, {len(ended)} tokens revoked{still}")
    print(f"{len(marked)} accounts reset")
    return 0


def revoke_tokens(line: Parsed, platform: Platform) -> int:
    """Revoke the tokens whose names match a pattern with `*` and `?`."""
    pattern = line.text("pattern")
    if not pattern:
        raise Failure("eafix-cli: tokens revoke needs --pattern=PATTERN", 2)
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    revoked = changed(
        platform,
        revoked=f"UPDATE api_tokens SET revoked_at_s = {platform.state.now_s!r} WHERE name ~ {literal(f'^{expression}$')}"
        " AND revoked_at_s IS NULL RETURNING name, user_id",
    )
    for row in sorted(revoked, key=lambda row: (row["name"], row["user_id"])):
        print(f"{row['name']} of {row['user_id']} revoked")
    print(f"{len(revoked)} tokens revoked")
    return 0


def _known(line: Parsed, platform: Platform, verb: str) -> str:
    """The user of `--user-id`. Raises Failure: 2 without it, 1 when there is none of that name."""
    user = line.text("user-id")
    if not user:
        raise Failure(f"eafix-cli: auth {verb} needs --user-id=USER", 2)
    if not rows(platform, f"SELECT 1 FROM users WHERE user_id = {literal(user)}"):
        raise Failure(f"eafix-cli: no user {user!r}")
    return user
