"""What Prometheus and Alertmanager say, as typed records: the parts of their JSON that a drill needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.monitor.prometheus.bent import unix_of


def _stamp(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError("a time is written as a string")  # noqa: TRY004 - pydantic reports ValueErrors
    return unix_of(value)


UnixTime = Annotated[float, BeforeValidator(_stamp)]  # a time that Go has not set is long before 1970


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class ShownAlert(_Answer):
    """An active alert of a rule."""

    labels: dict[str, str]
    state: Literal["pending", "firing"]
    active_at: UnixTime = Field(alias="activeAt")
    value: float


class ShownRule(_Answer):
    """An alert rule after its last evaluation."""

    name: str
    health: str
    last_error: str = Field("", alias="lastError")
    last_evaluation: UnixTime = Field(alias="lastEvaluation")
    alerts: tuple[ShownAlert, ...] = ()


class _Group(_Answer):
    rules: tuple[ShownRule, ...]


class _Groups(_Answer):
    groups: tuple[_Group, ...]


class RulesAnswer(_Answer):
    """`GET /api/v1/rules`."""

    data: _Groups

    @property
    def rules(self) -> list[ShownRule]:
        return [rule for group in self.data.groups for rule in group.rules]


class ShownTarget(_Answer):
    """A target after its last scrape."""

    labels: dict[str, str]
    health: Literal["up", "down", "unknown"]
    last_scrape: UnixTime = Field(alias="lastScrape")
    last_error: str = Field("", alias="lastError")


class _Targets(_Answer):
    targets: tuple[ShownTarget, ...] = Field(alias="activeTargets")


class TargetsAnswer(_Answer):
    """`GET /api/v1/targets`."""

    data: _Targets


class _Alertmanagers(_Answer):
    active: tuple[dict[str, str], ...] = Field(alias="activeAlertmanagers")


class AlertmanagersAnswer(_Answer):
    """`GET /api/v1/alertmanagers`: those that Prometheus has found."""

    data: _Alertmanagers


class NotedAlert(_Answer):
    """An alert in a webhook. `ends_at` is only meant when it is resolved."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: UnixTime = Field(alias="startsAt")
    ends_at: UnixTime = Field(alias="endsAt")


class Notice(_Answer):
    """What Alertmanager posts to a webhook, version 4."""

    alerts: tuple[NotedAlert, ...] = Field(min_length=1)
