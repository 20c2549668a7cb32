from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.files import load, load_says, write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("faults: [{fault: process.kill, process: risk-manger}]", "1:41: unknown process 'risk-manger'; did you mean 'risk-manager'?"),
        ("faults: [{fault: process.pause, process: postgres}]", "1:42: unknown process 'postgres'; did you mean 'postgres-primary'?"),
        ("faults: [{fault: postgres.replication-lag, process: postgres-primary}]", "1:53: 'postgres-primary' is no replica; did you mean 'postgres-replica'?"),
        ("faults: [{fault: redis.flushall, process: rediss}]", "1:43: unknown instance of Redis 'rediss'; did you mean 'redis'?"),
        ('faults: [{fault: link.down, links: ["* -> reddis"]}]', "1:37: no link matches '* -> reddis'; did you mean '* -> redis'?"),
        ('faults: [{fault: link.down, links: ["gui-gatway -> *"]}]', "1:37: no link matches 'gui-gatway -> *'; did you mean 'gui-gateway -> *'?"),
        ('faults: [{fault: link.down, links: ["* -> redis", "redis -> postgres"]}]', "1:51: no link matches 'redis -> postgres'; did you mean 'any -> postgres'?"),
        ('faults: [{fault: link.down, links: ["risk-manager"]}]', "1:37: no link matches 'risk-manager'; write 'from -> to'"),
        ('faults: [{fault: link.down, links: ["data-ingestor -> postgres"]}]', "1:37: no link matches 'data-ingestor -> postgres'; did you mean 'data-ingestor -> redis'?"),
        ("faults: [{fault: link.flap, down: 5s, up: 5s, links: [any -> reddis]}]", "1:55: no link matches 'any -> reddis'; did you mean 'any -> redis'?"),
        ("faults: [{fault: link.partition, links: [gui-gatway -> redis]}]", "1:42: no link matches 'gui-gatway -> redis'; did you mean 'gui-gateway -> redis'?"),
        ("faults: [{fault: site.cut, parts: [redis, risk-manger]}]", "1:43: unknown service or datastore 'risk-manger'; did you mean 'risk-manager'?"),
        ("faults: [{fault: process.slow-start, process: risk-manger, takes: 5s}]", "1:47: unknown service 'risk-manger'; did you mean 'risk-manager'?"),
        ("faults: [{fault: service.configuration, process: risk-manager, setting: risk.max_positions, value: '1'}]", "1:73: unknown setting 'risk.max_positions'; did you mean 'risk.max_position'?"),
        ("faults: [{fault: feed.stale, process: price-primry}]", "1:39: 'price-primry' is no price-provider of this stack; did you mean 'price-primary'?"),
        ("faults: [{fault: provider.quota}]", "1:10: 'rate-gate' is no rate-gate of this stack; there are none"),
        ("faults: [{fault: dns.wrong, address: gateway}]", "1:38: unknown service address 'gateway'; did you mean 'gui-gateway'?"),
        ("faults: [{fault: dns.wrong, address: redis, to: pagr}]", "1:49: unknown service 'pagr'; did you mean 'pager'?"),
        ("faults: [{fault: dns.wrong, address: pager, to: pager}]", "1:49: to: pager is who should answer; name another service, or nobody"),
        ("faults: [{fault: link.toxic, toxic: timeout, links: [any -> redis]}]", "1:54: no link matches 'any -> redis'; did you mean 'gui-gateway -> redis'?"),
        ("faults: [{fault: link.toxic, toxic: latency, links: ['* -> redis'], attributes: {latncy: 5, latency: 5}}]", "1:82: latency has no attribute 'latncy'; did you mean 'latency'?"),
        ("faults: [{fault: link.toxic, toxic: latency, links: ['* -> redis'], attributes: {}}]", "1:69: a latency toxic without latency or jitter does nothing"),
        ("detection: {alerts: [service_down, service_dwn]}", "1:36: unknown alert 'service_dwn'; did you mean 'service_down'?"),
        ("targets: [service-failure-rto, service-failure-rte]", "1:32: unknown target 'service-failure-rte'; did you mean 'service-failure-rto'?"),
        ("stack: eafx", "1:8: unknown stack 'eafx'; did you mean 'eafix'?"),
        ("response: {procedure: runbooks/incident-response.md}", "1:23: 'runbooks/incident-response.md' names no section; write runbooks/FILE.md#section"),
        ("response: {procedure: runbooks/incident-respons.md#x}", "1:23: there is no runbook runbooks/incident-respons.md; did you mean 'runbooks/incident-response.md'?"),
        ("response: {procedure: runbooks/incident-response.md#redis}", "1:23: runbooks/incident-response.md has no section 'redis'; did you mean 'redis-outage'?"),
        (
            "response: {procedure: runbooks/incident-response.md#service-failure}",
            "1:11: the step 'look at the last words of the service' of runbooks/incident-response.md#service-failure needs a value for <service-name>; bind it: bindings: {service-name: ...}",
        ),
        (
            "response: {procedure: runbooks/incident-response.md#service-failure, bindings: {service: x, service-name: y}}",
            "1:81: runbooks/incident-response.md#service-failure has no placeholder <service>; did you mean 'service-name'?",
        ),
        (
            "response: {procedure: runbooks/incident-response.md#service-failure, bindings: {service-name: a; b}}",
            "1:95: service-name: 'a; b' would not stay one word in a command; use letters, digits and . _ : / @ % + , = -",
        ),
    ],
)  # fmt: skip
def test_what_is_named_and_not_there_is_told_with_the_nearest(tmp_path: Path, text: str, message: str) -> None:
    """Processes, links, attributes, alerts, targets, stacks, runbooks, sections, placeholders: each at its place."""
    assert load_says(tmp_path, text + "\n") == [f"test.yaml:{message}"]


def test_a_name_belongs_to_one_fault(tmp_path: Path) -> None:
    """Histories tell faults and conditions apart by their names."""
    text = """\
    conditions:
      - {name: slow, fault: link.toxic, toxic: latency, links: ["* -> redis"], attributes: {latency: 5}}
    faults:
      - {fault: process.kill, process: redis}
      - {name: slow, fault: process.kill, process: risk-manager}
    """
    assert load_says(tmp_path, text) == ["test.yaml:5:12: the name 'slow' belongs to entry 1 of conditions already"]


def test_what_is_wrong_in_the_runbook_is_told_there(tmp_path: Path) -> None:
    """A scenario cannot be used with a broken procedure, and the place to mend it is the runbook."""
    write(tmp_path, '# Mine\n\n```bash name="x" expct="exit 0"\ntrue\n```\n', "mine.md")
    assert load_says(tmp_path, "response: {procedure: mine.md#mine}\n") == [
        "mine.md:3:18: unknown attribute 'expct'; did you mean 'expect'?"
    ]


def test_placeholders_are_filled(tmp_path: Path) -> None:
    """Who carries the procedure out sees the command as it is typed."""
    commands = [step.command for step in load(tmp_path, "").procedure.steps]
    assert "docker compose restart risk-manager\n" in commands
    assert not any("<" in command for command in commands)


def test_a_scenario_may_bring_its_own_runbook_and_stack(tmp_path: Path) -> None:
    """References are relative to the scenario first."""
    write(tmp_path, '# Mine\n\n```bash name="x"\ntrue\n```\n', "books/mine.md")
    loaded = load(tmp_path, "response: {procedure: books/mine.md#mine}\n")
    assert loaded.procedure.reference == "books/mine.md#mine"
    assert [step.name for step in loaded.procedure.steps] == ["x"]


def test_a_backup_that_nobody_takes_cannot_fail(tmp_path: Path) -> None:
    """A fault of backups wants them to be taken, and says how; then it is well."""
    fault = "faults:\n  - {fault: backup.truncated, place: off-site}\n"
    assert load_says(tmp_path, fault) == [
        "test.yaml:2:13: backup.truncated, and no backup is taken in this scenario; add settings: {backup.enabled: true}"
    ]
    assert load(tmp_path, fault + "settings: {backup.enabled: true}\n").settings["backup.enabled"] is True


def test_what_is_cut_off_a_backup_stays_off(tmp_path: Path) -> None:
    """Nobody heals it but who takes another one."""
    text = "settings: {backup.enabled: true}\nfaults:\n  - {fault: backup.truncated, heal-after: 5m}\n"
    (said,) = load_says(tmp_path, text)
    assert said.endswith("what it destroys is not healed: somebody must restore it; leave heal-after out")
