"""Passwords and tokens as they are stored: hashed, never as they are."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_N, _R, _P = 256, 8, 1  # small: half a millisecond, so that ten thousand guesses at a stand-in can be afforded
_SALT_BYTES = 16


def hashed(password: str, *, salt: bytes | None = None) -> str:
    """`scrypt$n$r$p$salt$hash`, salt and hash in hex."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_scrypt(password, salt, _N, _R, _P).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether this is the password that was stored; never for a hash of another kind."""
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return False
    n, r, p, salt, expected = int(parts[1]), int(parts[2]), int(parts[3]), bytes.fromhex(parts[4]), bytes.fromhex(parts[5])
    return hmac.compare_digest(_scrypt(password, salt, n, r, p), expected)


def digest(token: str) -> str:
    """A token as it is stored. It is long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(24)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32)
