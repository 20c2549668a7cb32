"""`eafix-cli capacity`, `scaling` and `cost`: rules over what was measured. Each says how far back that reaches."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator

from fakes.commands.eafix.measured import MIB, Process, Window, by_job, connections, machine_memory, processes, spoken, window_of
from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.reports import duration_of
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

ANALYZE_FLAGS = (Flag("generate-report", "", "switch"),)
PLAN_FLAGS = (Flag("forecast"), Flag("based-on"))
SCALING_FLAGS = (Flag("services"), Flag("timeframe"))
COST_FLAGS = (Flag("optimization-opportunities", "", "switch"),)
_ALL = ("30d", 30 * 86400)  # what Prometheus keeps at most, 002:569
_DAY_S, _MONTH_S = 86400, 30.44 * 86400
CPU_TARGET, MEMORY_TARGET, DISK_TARGET = 70.0, 80.0, 80.0  # percent in use, 002:153 to 002:155
CONNECTION_TARGET = 80.0  # percent of max_connections: no figure in 002
_IDLE = 20.0  # percent of a core of each replica under which fewer would do
_FOLDER = "reports"


def analyze(line: Parsed, platform: Platform) -> int:
    """What is used of what there is; with --generate-report in a file too."""
    window = window_of(platform, *_ALL)
    lines = [f"capacity, {window}", *_capacity(platform, window)]
    for text in lines:
        print(text)
    if line.on("generate-report"):
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(platform.state.epoch_s + platform.state.now_s))
        path = os.path.join(_FOLDER, f"capacity-{stamp}.txt")
        save(path, "\n".join(lines) + "\n")
        print(f"report: {path}")
    return 0


def save(path: str, text: str) -> None:
    """Write a file, and the folder it is in. Raises Failure."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failure(f"eafix-cli: {path}: {error.strerror}") from error


def _capacity(platform: Platform, window: Window) -> Iterator[str]:
    running, held = processes(platform, window), connections(platform)
    for each in running:
        if each.cpu_average is not None:
            most = f", {each.cpu_most:.1f} % at most" if each.cpu_most is not None else ""
            yield _row(f"cpu of {each.name}", each.cpu_average, CPU_TARGET, f"of a core on average{most}")
    known = [each.memory for each in running if each.memory is not None]
    machine = machine_memory()
    yield _row(
        "memory", 100 * sum(known) / machine, MEMORY_TARGET,
        f"of the machine's {machine / MIB:.0f} MiB: {sum(known) / MIB:.0f} MiB in {len(known)} processes, what they share counted in each",
    )  # fmt: skip
    for name, free in by_job(platform, f"min_over_time(disk_free_percent{window.range})").items():
        yield _row(f"disk of {name}", 100 - free, DISK_TARGET, "in use at most")
    shares = ", ".join(f"{name} {count}" for name, count in held.by_application.items())
    yield _row("connections", 100 * held.used / held.most, CONNECTION_TARGET, f"of {held.most}, {held.used}: {shares}")


def _row(name: str, share: float, target: float, what: str) -> str:
    return f"{name:<30}{share:5.1f} % {what}; {'OVER the target of' if share > target else 'target'} {target:g} %"


def plan(line: Parsed, platform: Platform) -> int:
    """A straight line through what there is, drawn as far as asked: what grows, and when it would reach its limit."""
    asked, ahead_s = _forecast(line)
    if line.text("based-on", "historical-data") != "historical-data":
        raise Failure(f"eafix-cli: --based-on={line.text('based-on')}: there is historical-data only", 2)
    window = window_of(platform, *_ALL)
    print(f"forecast for {asked}, based on {spoken(window.reach_s)} of data")
    if window.reach_s < ahead_s / 10:
        print(f"warning: {asked} is {ahead_s / window.reach_s:.0f} times as long as the data; nobody should rely on such a line")
    grows = [row for metric, unit, per in _GROWING for row in _grown(platform, window, metric, unit, per, ahead_s)]
    for row in grows:
        print(row)
    if not grows:
        print("nothing grows")
    return 0


_GROWING = (
    ("pg_database_size_bytes", "MiB", MIB),
    ("redis_memory_used_bytes", "MiB", MIB),
    ("process_resident_memory_bytes", "MiB", MIB),
    ("disk_free_percent", "%", 1),
)  # fmt: skip


def _grown(platform: Platform, window: Window, metric: str, unit: str, per: int, ahead_s: float) -> Iterator[str]:
    slopes, now = by_job(platform, f"deriv({metric}{window.range})"), by_job(platform, metric)
    for job in sorted(slopes.keys() & now.keys()):
        a_day, value = slopes[job] * _DAY_S / per, now[job] / per
        if (a_day > -0.01) if per == 1 else (a_day < 0.01):
            continue  # free disk is worrying when it shrinks, all else when it grows
        then = value + slopes[job] * ahead_s / per
        shown = f"{max(then, 0):.1f} {unit} then" if then > 0 or per != 1 else f"none left in {spoken(-value / slopes[job])}"
        yield f"{metric} of {job}: {value:.1f} {unit} now, {a_day:+.2f} {unit} a day, {shown}"


def _forecast(line: Parsed) -> tuple[str, float]:
    """`3m` is three months here, as in 002:860. Raises Failure."""
    text = line.text("forecast")
    found = re.fullmatch(r"([1-9]\d{0,3})([dwmy])", text)
    if found is None:
        raise Failure(f"eafix-cli: --forecast={text}: expected a number and d, w, m (months) or y, such as 3m", 2)
    days = {"d": 1.0, "w": 7.0, "m": _MONTH_S / _DAY_S, "y": 365.25}[found[2]] * int(found[1])
    return f"{text} ({days:.0f} days)", days * _DAY_S


def scaling(line: Parsed, platform: Platform) -> int:
    """More replicas where the processor was over its target, fewer where several idle."""
    wanted = line.text("services", "all")
    window = window_of(platform, *duration_of(line, "timeframe"))
    names = None if wanted == "all" else {platform.service(name).name for name in wanted.split(",")}
    print(f"scaling, {window}")
    print(
        f"rules: more replicas when one uses over {CPU_TARGET:g} % of a core on average (002:153), fewer when each of several uses under {_IDLE:g} %"
    )
    services = {unit.name for unit in platform.state.services()}
    running = [each for each in processes(platform, window) if each.name in (names if names is not None else services)]
    return recommend([*_unmeasured(running), *_scaled(running)])


def _unmeasured(running: list[Process]) -> Iterator[str]:
    for each in running:
        if each.cpu_average is None:
            yield f"unknown: {each.name} was not measured"


def _scaled(running: list[Process]) -> Iterator[str]:
    for each in running:
        if each.cpu_average is None:
            continue
        share = each.cpu_average
        if share > CPU_TARGET:
            to = math.ceil(each.replicas * share / CPU_TARGET)
            yield f"{each.name}: {share:.1f} % of a core on average: from {each.replicas} to {to} replicas"
        elif each.replicas > 1 and share < _IDLE:
            to = max(math.ceil(each.replicas * share / CPU_TARGET), 1)
            yield f"{each.name}: {share:.1f} % of a core on average: from {each.replicas} to {to} replicas"


def recommend(found: list[str]) -> int:
    for text in found:
        print(text)
    if not found:
        print("nothing to recommend")
    return 0


def cost(line: Parsed, platform: Platform) -> int:
    """Amounts of what is used. There are no prices here, so there is no sum of money."""
    window = window_of(platform, *_ALL)
    running = processes(platform, window)
    print("amounts since each process started, memory that processes share is counted in each; this stack knows no prices")
    for each in running:
        if each.cpu_s is None or each.memory is None or each.age_s is None:
            print(f"{each.name:<20}unknown: its process can't be seen from here")
            continue
        hours = each.age_s / 3600
        print(
            f"{each.name:<20}{each.cpu_s:.1f} core-seconds, {each.memory / MIB:.1f} MiB, {each.memory / MIB * hours:.2f} MiB-hours in {spoken(each.age_s)}"
        )
    cores = sum(each.cpu_s or 0.0 for each in running)
    memory = sum(each.memory or 0 for each in running)
    print(f"{'all':<20}{cores:.1f} core-seconds, {memory / MIB:.1f} MiB")
    if line.on("optimization-opportunities"):
        print("rules: several replicas of which each idles; a process that uses under 1 % of a core and over 20 % of all memory")
        return recommend([*(text for text in _scaled(running) if "from 1 " not in text), *_heavy(running, memory)])
    return 0


def _heavy(running: list[Process], memory: int) -> Iterator[str]:
    for each in running:
        if each.memory and each.cpu_average is not None and each.cpu_average < 1 and each.memory > 0.2 * memory:
            yield f"{each.name}: {each.cpu_average:.2f} % of a core, but {100 * each.memory / memory:.0f} % of all memory ({each.memory / MIB:.0f} MiB)"
