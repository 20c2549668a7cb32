"""Ryuk is told what to remove, on this machine's loopback, and only where its image is there already."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from testcontainers.core.config import testcontainers_config

from harness.engine import reaper
from harness.engine.client import Engine
from harness.errors import EngineError


class FakeRyuk:
    """Listens as Ryuk does: takes a filter a line, answers ACK, and notes when the connection closes."""

    def __init__(self, *, answers: bool = True) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.heard, self.closed, self.removed = b"", threading.Event(), False
        self._answers = answers
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with self.listener, connection:
            self.heard = connection.recv(200)
            if self._answers:
                connection.sendall(b"ACK\n")
            connection.recv(1)
        self.closed.set()

    @property
    def ports(self) -> dict[str, Any]:
        return {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.listener.getsockname()[1])}]}

    def reload(self) -> None: ...

    def remove(self, *, force: bool) -> None:
        self.removed = force


def engine_with(ryuk: FakeRyuk, *, has_image: bool = True) -> tuple[Engine, dict[str, Any]]:
    asked: dict[str, Any] = {}

    def run(image: str, **options: Any) -> FakeRyuk:
        asked.update(options, image=image)
        return ryuk

    client = SimpleNamespace(containers=SimpleNamespace(run=run))
    return cast("Engine", SimpleNamespace(client=client, has_image=lambda name: has_image)), asked


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESTCONTAINERS_RYUK_DISABLED", raising=False)


def test_it_is_told_the_drill_and_holds_on_until_it_is_released() -> None:
    """Its port is published on the loopback only, and it is removed when there is nothing left to do."""
    ryuk = FakeRyuk()
    engine, asked = engine_with(ryuk)
    held = reaper.reaper_of(engine, "drill-1")
    assert held is not None
    assert ryuk.heard == b"label=gameday.drill=drill-1\n"
    assert asked["ports"] == {"8080/tcp": ("127.0.0.1", None)}
    assert "gameday.drill" not in asked["labels"], "it must not remove itself"
    assert not ryuk.closed.is_set()
    held.release()
    assert ryuk.closed.wait(5)
    assert ryuk.removed


def test_one_that_does_not_answer_is_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the message says how to do without it."""
    monkeypatch.setattr(reaper, "_ANSWERS_WITHIN_S", 0.1)
    ryuk = FakeRyuk(answers=False)
    with pytest.raises(EngineError, match="TESTCONTAINERS_RYUK_DISABLED=true does without it"):
        reaper.reaper_of(engine_with(ryuk)[0], "drill-1")
    assert ryuk.removed


@pytest.mark.parametrize(("disabled", "has_image"), [("true", True), ("", False)])
def test_without_its_image_or_when_told_not_to_there_is_none(
    disabled: str, has_image: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never pulled, and testcontainers does not start one by itself either."""
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", disabled)
    engine, asked = engine_with(cast("FakeRyuk", None), has_image=has_image)
    assert reaper.reaper_of(engine, "drill-1") is None
    assert asked == {}
    assert testcontainers_config.ryuk_disabled
