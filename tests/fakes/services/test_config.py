"""Claims about what a service is told when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.services.config import Address
from tests.fakes.services.live import config_of


def test_an_address_is_host_and_port() -> None:
    """`host:port`, and nothing less."""
    assert Address.of("127.0.0.1:5432") == ("127.0.0.1", 5432)
    with pytest.raises(ValueError, match="no address"):
        Address.of("5432")


def test_a_missing_link_names_those_there_are(tmp_path: Path) -> None:
    """Whoever forgot a link in the stack file sees which there are."""
    with pytest.raises(ValueError, match="tester has no link to redis; there are broker, postgres"):
        config_of(tmp_path, postgres=1, broker=2).address("redis")


def test_settings_have_types_and_defaults(tmp_path: Path) -> None:
    """Numbers may come as text, as `--set` gives them; what is no number is told with its name."""
    config = config_of(tmp_path, settings={"risk.max_position": "5", "feed.symbols": "EURUSD,GBPUSD", "speed": "fast"})
    assert config.number("risk.max_position", 1) == 5
    assert config.number("risk.max_order_quantity", 7) == 7
    assert config.words("feed.symbols", ()) == ("EURUSD", "GBPUSD")
    with pytest.raises(ValueError, match="setting speed of tester: 'fast' is not a number"):
        config.number("speed", 1)
