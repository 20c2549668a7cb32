"""Certificates of a private authority, made where they are needed: P-256 keys, X.509 in DER and PEM, nothing but the standard library.

For a drill's own host names inside its own sandbox. It is not written to resist whoever measures how long a signature takes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF  # the curve P-256 (FIPS 186-4, D.1.2.3)
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201") + bytes.fromhex("06082a8648ce3d030107")
_CURVE = bytes.fromhex("06082a8648ce3d030107")
_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("0603550403")
_EXTENSION = {
    "basicConstraints": "0603551d13", "keyUsage": "0603551d0f", "subjectAltName": "0603551d11", "extKeyUsage": "0603551d25",
    "subjectKeyIdentifier": "0603551d0e", "authorityKeyIdentifier": "0603551d23",
}  # fmt: skip
_SERVER_AUTH = bytes.fromhex("06082b06010505070301")
_Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Key:
    """A private key, and its public point."""

    number: int
    point: tuple[int, int]

    @classmethod
    def new(cls) -> Key:
        number = secrets.randbelow(_N - 1) + 1
        return cls(number, _times(number, _G))

    @property
    def public(self) -> bytes:
        return b"\x04" + self.point[0].to_bytes(32, "big") + self.point[1].to_bytes(32, "big")

    def pem(self) -> str:
        inner = _der(0x30, _integer(1), _der(0x04, self.number.to_bytes(32, "big")), _der(0xA0, _CURVE),
                     _der(0xA1, _bits(self.public)))  # fmt: skip
        return _pem("EC PRIVATE KEY", inner)

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256."""
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        once = secrets.randbelow(_N - 1) + 1
        r = _times(once, _G)[0] % _N
        s = pow(once, -1, _N) * (digest + r * self.number) % _N
        return _der(0x30, _integer(r), _integer(s))


def authority(name: str, key: Key, *, days: int = 3650) -> str:
    """The certificate (PEM) of an authority that vouches for itself."""
    extensions = [
        _extension("basicConstraints", _der(0x30, _der(0x01, b"\xff")), critical=True),
        _extension("keyUsage", _der(0x03, b"\x01\x06"), critical=True),  # signs certificates and lists of revoked ones
    ]
    return _certificate(name, key, name, key, extensions, days=days)


def server(hosts: Sequence[str], key: Key, *, issuer: str, issuer_key: Key, days: int = 90) -> str:
    """The certificate (PEM) of a server for these host names."""
    names = [_der(0x82, host.encode("ascii")) for host in hosts]
    extensions = [
        _extension("basicConstraints", _der(0x30), critical=True),
        _extension("keyUsage", _der(0x03, b"\x07\x80"), critical=True),
        _extension("extKeyUsage", _der(0x30, _SERVER_AUTH)),
        _extension("subjectAltName", _der(0x30, *names)),
    ]
    return _certificate(hosts[0], key, issuer, issuer_key, extensions, days=days)


def _certificate(subject: str, key: Key, issuer: str, issuer_key: Key, extensions: list[bytes], *, days: int) -> str:
    now = datetime.now(UTC)
    identifiers = [
        _extension("subjectKeyIdentifier", _der(0x04, _identifier(key))),
        _extension("authorityKeyIdentifier", _der(0x30, _der(0x80, _identifier(issuer_key)))),
    ]
    algorithm = _der(0x30, _ECDSA_SHA256)
    body = _der(
        0x30, _der(0xA0, _integer(2)), _integer(secrets.randbits(120) | 1), algorithm, _name(issuer),
        _der(0x30, _time(now - timedelta(days=1)), _time(now + timedelta(days=days))), _name(subject),
        _der(0x30, _der(0x30, _EC_PUBLIC_KEY), _bits(key.public)), _der(0xA3, _der(0x30, *extensions, *identifiers)),
    )  # fmt: skip
    return _pem("CERTIFICATE", _der(0x30, body, algorithm, _bits(issuer_key.sign(body))))


# --- DER -----------------------------------------------------------------------------------------------------------


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _der(0x03, b"\x00" + content)


def _name(common: str) -> bytes:
    return _der(0x30, _der(0x31, _der(0x30, _COMMON_NAME, _der(0x0C, common.encode()))))


def _time(at: datetime) -> bytes:
    return _der(0x17, at.strftime("%y%m%d%H%M%SZ").encode())


def _extension(name: str, value: bytes, *, critical: bool = False) -> bytes:
    return _der(0x30, bytes.fromhex(_EXTENSION[name]), _der(0x01, b"\xff") if critical else b"", _der(0x04, value))


def _identifier(key: Key) -> bytes:
    return hashlib.sha1(key.public, usedforsecurity=False).digest()


def _pem(label: str, content: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(content).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


# --- the curve -----------------------------------------------------------------------------------------------------


def _times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    found: _Point = None
    power: _Point = point
    while number:
        if number & 1:
            found = _add(found, power)
        power = _add(power, power)
        number >>= 1
    assert found is not None  # the number is below the order
    return found


def _add(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % _P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, _P) % _P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P) % _P
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P
