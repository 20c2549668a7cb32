"""The cloud's socket: there from the start, its server only when somebody asks. What it answers: tests/harness/respond."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stack.cloud import Cloud, cloud_at


def test_nothing_runs_until_somebody_connects(tmp_path: Path) -> None:
    """It can be stopped unasked, and twice; nobody listens then."""

    async def unasked() -> tuple[bool, int]:
        cloud = Cloud(0, "eafix", seeds=tmp_path, log=tmp_path / "cloud.log")
        await cloud.start()
        await cloud.start()
        with socket.create_connection(("127.0.0.1", cloud.port), timeout=1):
            started = cloud.started
        await cloud.stop()
        await cloud.stop()
        return started, cloud.port

    started, port = asyncio.run(unasked())
    assert not started
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_the_first_connection_starts_the_server_and_is_answered(tmp_path: Path) -> None:
    """An object of the seeds is served to whoever asked before there was a server."""
    (tmp_path / "seeds/a-bucket").mkdir(parents=True)
    (tmp_path / "seeds/a-bucket/key").write_text("its content")

    async def ask() -> bytes:
        cloud = Cloud(0, "eafix", seeds=tmp_path / "seeds", log=tmp_path / "cloud.log")
        await cloud.start()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
            scope = "Credential=a/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0"
            lines = ("GET /a-bucket/key HTTP/1.0", "Host: 127.0.0.1", f"Authorization: AWS4-HMAC-SHA256 {scope}", "", "")
            writer.write("\r\n".join(lines).encode())
            answer = await asyncio.wait_for(reader.read(), 30)
            writer.close()
            return answer
        finally:
            await cloud.stop()

    assert asyncio.run(ask()).endswith(b"\r\n\r\nits content")


def test_a_paused_cloud_starts_nothing_and_forgets_nobody(tmp_path: Path) -> None:
    """Whoever connected meanwhile is answered when it is resumed; each verb is safe to repeat, and stopping resumes."""

    async def ask() -> tuple[bool, bytes]:
        cloud = Cloud(0, "eafix", seeds=tmp_path / "seeds", log=tmp_path / "cloud.log")
        await cloud.resume()
        await cloud.start()
        try:
            await cloud.pause()
            await cloud.pause()
            reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await asyncio.sleep(0)  # the loop has seen that there is somebody
            await asyncio.sleep(0)
            started = cloud.started
            await cloud.resume()
            await cloud.resume()
            answer = await asyncio.wait_for(reader.read(12), 30)
            writer.close()
            await cloud.pause()
            return started, answer
        finally:
            await cloud.stop()
            assert cloud_at(cloud.port) is None

    started, answer = asyncio.run(ask())
    assert (started, answer[:5]) == (False, b"HTTP/")


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    """Whoever runs two on one machine without namespaces hears which port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        cloud = Cloud(port, "eafix", seeds=tmp_path, log=tmp_path / "cloud.log")
        with pytest.raises(HarnessError, match=rf"cloud cannot listen on port {port}: Address already in use"):
            asyncio.run(cloud.start())
