"""What a service is told when it starts: who it is, where it listens, whom it may call, its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Address(NamedTuple):
    """Where something listens."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Address:
        """`127.0.0.1:5432`. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host:
            raise ValueError(f"{text!r} is no address; write host:port")
        return cls(host, int(port))


@dataclass(frozen=True, slots=True)
class Config:
    """The start-up configuration of one service; `Config.of` reads it from the fork server's JSON."""

    name: str
    program: str
    port: int
    clock: Path
    version: str
    seed: int
    addresses: Mapping[str, Address]  # one for each outgoing link, by target
    settings: Mapping[str, Any]
    state_dir: Path  # private, survives restarts
    environment: Mapping[str, str] = field(default_factory=dict)  # what its deployment gives it
    defect: str = ""  # of a bad version: errors, crash, slow, leak

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Config:
        """Raises KeyError or ValueError when something is missing or makes no sense."""
        return cls(
            name=str(given["name"]),
            program=str(given["program"]),
            port=int(given["port"]),
            clock=Path(given["clock"]),
            version=str(given.get("version", "1.0.0")),
            seed=int(given.get("seed", 0)),
            addresses={name: Address.of(text) for name, text in given.get("addresses", {}).items()},
            settings=dict(given.get("settings", {})),
            state_dir=Path(given["state_dir"]),
            environment={str(key): str(value) for key, value in given.get("environment", {}).items()},
            defect=str(given.get("defect", "")),
        )

    def address(self, target: str) -> Address:
        if target not in self.addresses:
            raise ValueError(f"{self.name} has no link to {target}; there are {', '.join(sorted(self.addresses)) or 'none'}")
        return self.addresses[target]

    def _given(self, setting: str, default: object) -> Any:
        """What its deployment gives it, its ConfigMap for one, goes before the settings of the stack."""
        return self.environment.get(setting, self.settings.get(setting, default))

    def has(self, setting: str) -> bool:
        """Whether it is set, wherever."""
        return setting in self.environment or setting in self.settings

    def number(self, setting: str, default: float) -> float:
        value = self._given(setting, default)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(f"setting {setting} of {self.name}: {value!r} is not a number") from None

    def text(self, setting: str, default: str) -> str:
        return str(self._given(setting, default))

    def words(self, setting: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list, or one string with commas."""
        value = self._given(setting, default)
        return tuple(value.split(",")) if isinstance(value, str) else tuple(value)
