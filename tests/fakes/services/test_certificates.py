"""Certificates that TLS itself accepts: a handshake in memory, with the checks that any client makes."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from fakes.services import certificates

HOST = "api.trading-engine.com"


def handshake(tmp_path: Path, *, trusted: str, host: str = HOST) -> str | None:
    """The version of TLS that a client which trusts this authority agrees on with the server. Raises ssl.SSLError."""
    chain = tmp_path / "server.pem"
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(chain)
    client_context = ssl.create_default_context(cadata=trusted)
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version()


def vouched(tmp_path: Path) -> str:
    """A server's chain in the folder; the authority that vouches for it."""
    root, own = certificates.Key.new(), certificates.Key.new()
    chain = certificates.server([HOST, "ws.trading-engine.com"], own, issuer="test CA", issuer_key=root) + own.pem()
    (tmp_path / "server.pem").write_text(chain)
    return certificates.authority("test CA", root)


@pytest.mark.parametrize("host", [HOST, "ws.trading-engine.com"])
def test_a_client_that_trusts_the_authority_is_content(host: str, tmp_path: Path) -> None:
    """For every name that the certificate has, by the strict rules of RFC 5280."""
    assert handshake(tmp_path, trusted=vouched(tmp_path), host=host) == "TLSv1.3"


def test_another_name_is_refused(tmp_path: Path) -> None:
    """A certificate is for its names alone."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(tmp_path, trusted=vouched(tmp_path), host="admin.trading-engine.com")


def test_another_authority_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """It is the key that vouches."""
    vouched(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, trusted=certificates.authority("test CA", certificates.Key.new()))
