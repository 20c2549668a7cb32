"""`eafix-cli certificates check` and `backup verify-encryption`: certificates as they are stored, backups as they lie there."""

from __future__ import annotations

import base64
import binascii
import calendar
import os
import re
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from fakes.commands.eafix.platform import Check, Platform, report
from fakes.commands.eafix.trail import span
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.processes import capture

CERTIFICATE_FLAGS = (Flag("expiring-within"),)
BACKUP_FLAGS = (Flag("latest", "", "switch"),)
_INGRESS = "ingress"  # its service, in the stacks that have one
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# How files begin that are encrypted, and such that are not.
_ENCRYPTED = {
    b"Salted__": "encrypted by openssl enc",
    b"age-encryption.org/": "encrypted by age",
    b"-----BEGIN AGE ENCRYPTED FILE-----": "encrypted by age",
    b"-----BEGIN PGP MESSAGE-----": "encrypted by gpg",
    b"\x85": "encrypted by gpg",
    b"\x8c\x0d": "encrypted by gpg",
}
_PLAIN = {
    b"\x1f\x8b": "a gzip archive",
    b"PGDMP": "a dump of pg_dump",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PK\x03\x04": "a zip archive",
    b"REDIS": "a Redis dump",
    b"-- PostgreSQL": "an SQL dump",
}


def certificates(line: Parsed, platform: Platform) -> int:
    """Every certificate that the cluster's objects hold: 1 when one is past its end, or comes to it within that time."""
    within_s = span(line, "expiring-within", "30d") or 0.0
    now_s = platform.state.epoch_s + platform.state.now_s
    found = [*_certificates(platform, now_s, within_s), *_of_ingress(platform, now_s, within_s)]
    if not found:
        print("no certificate in this stack")
    return report(found)


def _certificates(platform: Platform, now_s: float, within_s: float) -> Iterator[Check]:
    secrets = {}
    for each in platform.control.objects():
        meta = each.get("metadata") or {}
        title = f"{str(each.get('kind', '')).lower()} {meta.get('namespace', platform.state.namespace)}/{meta.get('name')}"
        if each.get("kind") == "Secret" and "tls.crt" in {**(each.get("data") or {}), **(each.get("stringData") or {})}:
            secrets[meta.get("namespace", platform.state.namespace), meta.get("name")] = each
            yield from _of_secret(title, each, now_s, within_s)
        elif each.get("kind") == "Certificate":
            ends = (each.get("status") or {}).get("notAfter")
            yield _judged(title, _instant(ends), now_s, within_s) if ends else Check(title, False, "not issued: no notAfter")
    for each in platform.control.objects("Ingress"):
        meta, spec = each.get("metadata") or {}, each.get("spec") or {}
        namespace = meta.get("namespace", platform.state.namespace)
        for name in [tls.get("secretName") for tls in spec.get("tls") or [] if (namespace, tls.get("secretName")) not in secrets]:
            yield Check(
                f"ingress {namespace}/{meta.get('name')}", False, f"its certificate is missing: there is no secret {name}"
            )


def _of_ingress(platform: Platform, now_s: float, within_s: float) -> Iterator[Check]:
    """What the ingress really shows to whoever comes to its host names."""
    unit = platform.state.unit(_INGRESS)
    if unit is None or platform.state.ingress is None:
        return
    for host in sorted(platform.state.ingress.get("hosts") or {}):
        try:
            pem = _shown(unit.port, host)
        except OSError as error:
            yield Check(f"ingress {host}", False, f"shows none: {error.strerror or error}")
            continue
        yield _judged(f"ingress {host}", _ends(pem), now_s, within_s)


def _shown(port: int, host: str) -> bytes:
    """The certificate that a server shows to whoever asks for this host. Raises OSError."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at, not trusted
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"").encode()


def _of_secret(title: str, secret: dict[str, Any], now_s: float, within_s: float) -> Iterator[Check]:
    plain = (secret.get("stringData") or {}).get("tls.crt")
    try:
        content = plain.encode() if plain else base64.b64decode(str(secret["data"]["tls.crt"]), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    found = _PEM.findall(content)
    if not found:
        yield Check(title, False, "its tls.crt is no certificate")
    for each in found:
        yield _judged(title, _ends(each), now_s, within_s)


def _ends(pem: bytes) -> float | None:
    """When a certificate ends, as openssl reads it; None when it can't."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        ran = capture(["openssl", "x509", "-noout", "-enddate", "-in", file.name], os.environ, within_s=10.0)
    if ran.code == 127:
        raise Failure("eafix-cli: certificates can't be read: there is no openssl here")
    try:
        parsed = time.strptime(ran.out.strip().removeprefix("notAfter=").removesuffix(" GMT"), "%b %d %H:%M:%S %Y")
    except ValueError:
        return None
    return float(calendar.timegm(parsed))


def _instant(text: str) -> float | None:
    try:
        return float(calendar.timegm(time.strptime(str(text)[:19], "%Y-%m-%dT%H:%M:%S")))
    except ValueError:
        return None


def _judged(title: str, ends_s: float | None, now_s: float, within_s: float) -> Check:
    if ends_s is None:
        return Check(title, False, "its end can't be read")
    days = (ends_s - now_s) / 86400
    said = f"ends {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(ends_s))}"
    return Check(
        title, ends_s - now_s > within_s, f"{said}, in {days:.1f} days" if days >= 0 else f"{said}, {-days:.1f} days ago"
    )


def backups(line: Parsed, platform: Platform) -> int:
    """Whether the newest file under the backups' folder is encrypted: by what it begins with, whatever it is called."""
    del platform
    if not line.on("latest"):
        raise not_modelled("eafix-cli", "verifying the encryption of all backups (without --latest)")
    folder = os.environ.get("GAMEDAY_BACKUPS") or "/backups"
    path = _newest(folder)
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise Failure(f"eafix-cli: {path} can't be read: {error.strerror}") from error
    encrypted = next((what for start, what in _ENCRYPTED.items() if head.startswith(start)), None)
    if encrypted:
        return report([Check(path, True, encrypted)])
    return report([Check(path, False, f"NOT encrypted: {_kind(head)}")])


def _newest(folder: str) -> str:
    """The file that was changed last, in whatever folder below. Raises Failure."""
    paths = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names]
    found = [(os.stat(path).st_mtime_ns, path) for path in paths if os.path.isfile(path)]
    if not found:
        raise Failure(f"eafix-cli: no backup in {folder}")
    return max(found)[1]


def _kind(head: bytes) -> str:
    if not head:
        return "it is empty"
    if head[257:262] == b"ustar":
        return "a tar archive"
    known = next((what for start, what in _PLAIN.items() if head.startswith(start)), None)
    return known or "it does not begin as openssl, age or gpg begin an encrypted file"
