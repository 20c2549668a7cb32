"""What drills and checks put around a stack alike: the built-in monitor with its pager, and the load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from harness.dns import names_of
from harness.monitor.api import Api
from harness.monitor.monitor import Monitor, Problem, TargetHealth
from harness.monitor.pagerduty import PagerDutyNotifier
from harness.monitor.rules import Alert
from harness.monitor.target import ScrapeTarget
from harness.stack.embedded import EmbeddedStack
from harness.stack.topology import PROMETHEUS_PORT
from harness.workload.config import ObserverConfig
from scenarios.model import AlertRule, Load

_ROUTING_KEY = "gameday-drill-routing-key-000000"


def address_of(stack: EmbeddedStack, program: str) -> str:
    """The documented URL of whatever plays this part, as clients use it: the service of that name, or the first that runs it."""
    services = stack.model.services
    name = program if program in services else next((name for name, each in services.items() if each.program == program), program)
    return f"http://{stack.ports.address(services[name].port)}"


def targets_of(stack: EmbeddedStack) -> list[ScrapeTarget]:
    """What is scraped: services' own processes, and the exporter's page about each datastore."""
    return [_target(stack, name) for name in stack.model.monitoring.scrape]


def _target(stack: EmbeddedStack, name: str) -> ScrapeTarget:
    if name in stack.services:
        return ScrapeTarget(name, f"http://127.0.0.1:{stack.metrics_port(name)}/metrics")
    return ScrapeTarget(name, f"http://127.0.0.1:{stack.metrics_port('exporter')}/metrics/{name}")


def open_pager(
    undo: AsyncExitStack, stack: EmbeddedStack, on_paged: Callable[[Alert, str], None] | None = None
) -> PagerDutyNotifier:
    """Who pages people through the stack's pager."""
    notifier = PagerDutyNotifier(address_of(stack, "pager"), _ROUTING_KEY, stack.clock, on_paged=on_paged)
    undo.push_async_callback(notifier.close)
    return notifier


async def start_monitor(
    undo: AsyncExitStack, stack: EmbeddedStack, rules: Sequence[AlertRule], notifier: PagerDutyNotifier, *,
    on_alert: Callable[[Alert], None], on_health: Callable[[TargetHealth], None] | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> None:  # fmt: skip
    """Start the built-in monitor with its page. Raises HarnessError."""
    monitoring = stack.model.monitoring
    monitor = Monitor(
        rules, targets_of(stack), stack.clock, scrape_every_s=monitoring.scrape_every_s, evaluate_every_s=monitoring.evaluate_every_s,
        on_alert=on_alert, notify=notifier, on_health=on_health, on_problem=on_problem,
    )  # fmt: skip
    api = Api(monitor, stack.ports[PROMETHEUS_PORT])
    undo.push_async_callback(api.stop)
    await api.start()
    undo.push_async_callback(monitor.stop)
    await monitor.start()


def load_of(stack: EmbeddedStack, load: Load, *, ledger: Path, seed: int, prefix: str) -> ObserverConfig:
    """What the observer sends, and to whom."""
    return ObserverConfig(
        clock=stack.folders.clock, ledger=ledger, gateway=address_of(stack, "gui-gateway"), ingestor=address_of(stack, "data-ingestor"),
        signals=address_of(stack, "signal-generator"), orders_per_s=load.orders_per_s, canary_every_s=load.canary_every_s,
        symbols=load.symbols, seed=seed, prefix=prefix, names=names_of(stack),
    )  # fmt: skip
