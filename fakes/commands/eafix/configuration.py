"""`eafix-cli config` and `test config`: is a service's ConfigMap sound, and is what it says what the service runs with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from fakes.commands.eafix.platform import RISK, Check, Platform, report
from fakes.commands.eafix.trading import accepted
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

VALIDATE_FLAGS = (Flag("file"),)
VERIFY_FLAGS = (Flag("service"),)
TEST_FLAGS = (Flag("namespace"),)
_FIELDS = {"apiVersion", "kind", "metadata", "data", "binaryData", "immutable"}
_NUMBER = re.compile(r"\d+(\.\d+)?")


class Rule(NamedTuple):
    """What a setting may be. `at_most` is a figure, or the name of the setting that it must not exceed."""

    whole: bool
    at_most: float | str


# By ConfigMap: the settings that its service reads. A price older than 60 s is a failed feed, 002:188.
CONFIG_MAPS: dict[str, dict[str, Rule]] = {
    f"eafix-{RISK}-config": {
        "risk.max_order_quantity": Rule(whole=True, at_most="risk.max_position"),
        "risk.max_position": Rule(whole=True, at_most=1e12),
        "risk.signal_quantity": Rule(whole=True, at_most="risk.max_order_quantity"),
        "risk.stale_after_s": Rule(whole=False, at_most=60),
    }
}


def validate(line: Parsed, _platform: Platform) -> int:
    """The file alone is judged; no cluster is asked."""
    path = line.text("file")
    if not path:
        raise Failure("eafix-cli: config validate needs --file=FILE", 2)
    from fakes.commands.yaml_text import load_all

    try:
        with open(path, encoding="utf-8") as file:
            documents = load_all(file.read())
    except OSError as error:
        raise Failure(f"eafix-cli: {path}: {error.strerror}") from error
    except ValueError as error:
        return report([Check(path, False, str(error))])
    if not documents:
        return report([Check(path, False, "holds no object")])
    return report(check for document in documents for check in judged(document))


def judged(manifest: Any) -> Iterator[Check]:
    """Shape, name, and each setting of a ConfigMap."""
    if not isinstance(manifest, dict):
        yield Check("object", False, f"expected a mapping, found {type(manifest).__name__}")
        return
    kind, metadata = manifest.get("kind"), manifest.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    shape = kind == "ConfigMap" and manifest.get("apiVersion") == "v1"
    yield Check("kind", shape, f"{manifest.get('apiVersion')} {kind}" + ("" if shape else ", expected v1 ConfigMap"))
    if unknown := sorted(map(str, manifest.keys() - _FIELDS)):
        yield Check("fields", False, f"unknown: {', '.join(unknown)}")
    known = CONFIG_MAPS.get(name)
    yield Check("name", known is not None, name if known is not None else f"{name or 'none'}: no service reads it")
    if shape and known is not None:
        yield from _settings(manifest.get("data"), known)


def _settings(data: Any, known: Mapping[str, Rule]) -> Iterator[Check]:
    if not isinstance(data, dict) or not data:
        yield Check("data", False, "expected settings, found none")
        return
    for key, value in data.items():
        rule = known.get(key)
        if rule is None:
            yield Check(str(key), False, f"unknown; there are {', '.join(known)}")
        else:
            yield Check(key, *_judge(value, rule, data))


def _judge(value: object, rule: Rule, data: Mapping[str, object]) -> tuple[bool, str]:
    if not isinstance(value, str):
        return False, f"{value!r}: a ConfigMap holds text only, write it in quotes"
    if not _NUMBER.fullmatch(value) or (rule.whole and "." in value):
        return False, f"{value!r} is no {'whole ' * rule.whole}number"
    limit = data.get(rule.at_most) if isinstance(rule.at_most, str) else rule.at_most
    if isinstance(limit, str) and not _NUMBER.fullmatch(limit):
        limit = None  # that one is a finding of its own
    if float(value) <= 0:
        return False, f"{value} is not above 0"
    if isinstance(limit, (str, int, float)) and float(limit) < float(value):
        of = f" of {rule.at_most}" if isinstance(rule.at_most, str) else ""
        return False, f"{value} is more than {float(limit):g}{of}"
    return True, value


def verify(line: Parsed, platform: Platform) -> int:
    """0 when the service runs with what its ConfigMap says."""
    if not line.text("service"):
        raise Failure("eafix-cli: config verify needs --service=SERVICE", 2)
    unit = platform.service(line.text("service"))
    name = f"{unit.deployment}-config"
    if name not in CONFIG_MAPS:
        raise Failure(f"eafix-cli: {unit.name} reads no ConfigMap; there are {', '.join(CONFIG_MAPS)}")
    found = _maps(platform, unit.namespace, name)
    if not found:
        raise Failure(f"eafix-cli: no ConfigMap {name} in namespace {unit.namespace}; apply it first")
    running = accepted(platform.ask(unit.name, "GET", "/api/risk/status"), unit.name).get("configuration", {})
    return report(_compared(found[0].get("data") or {}, running, unit.deployment or unit.name))


def _compared(data: Mapping[str, str], running: Mapping[str, float], deployment: str) -> Iterator[Check]:
    for key, value in data.items():
        runs = running.get(key)
        if runs is None:
            yield Check(key, False, f"object says {value}, the service knows no such setting")
        elif not _NUMBER.fullmatch(str(value)) or float(value) != runs:
            how = f"restart the service to apply: kubectl rollout restart deployment/{deployment}"
            yield Check(key, False, f"object says {value}, running says {runs:.15g}: {how}")
        else:
            yield Check(key, True, f"{value}, in the object and running")


def test(line: Parsed, platform: Platform) -> int:
    """Every ConfigMap of a namespace that a service reads; 1 when one is not sound, or there is none."""
    namespace = line.text("namespace") or platform.state.namespace
    require_namespace(platform, namespace)
    found = [each for name in CONFIG_MAPS for each in _maps(platform, namespace, name)]
    if not found:
        expected = ", ".join(CONFIG_MAPS)
        return report([Check(namespace, False, f"no ConfigMap that a service reads is there; expected {expected}")])
    here = platform.state.namespace
    return report(
        check
        for each in found
        for check in (*judged(_bare(each)), *(_changes(platform, each, here) if namespace != here else ()))
    )


def require_namespace(platform: Platform, namespace: str) -> None:
    """Raises Failure when the cluster has no such namespace."""
    names = [str(each["metadata"]["name"]) for each in platform.control.objects("Namespace")]
    if namespace not in names:
        raise Failure(f"eafix-cli: no namespace {namespace!r}; there are {', '.join(names)}")


def _changes(platform: Platform, manifest: Mapping[str, Any], namespace: str) -> Iterable[Check]:
    """What would become different in production. That is what a change is for, so it is no failure."""
    now: Mapping[str, Any] = next(
        (each.get("data") or {} for each in _maps(platform, namespace, manifest["metadata"]["name"])), {}
    )
    new: Mapping[str, Any] = manifest.get("data") or {}
    changed = [
        f"{key} {now.get(key, 'unset')} to {new.get(key, 'unset')}"
        for key in sorted({*now, *new})
        if now.get(key) != new.get(key)
    ]
    yield Check("against production", True, "; ".join(changed) or "no difference")


def _maps(platform: Platform, namespace: str, name: str) -> list[dict[str, Any]]:
    return [each for each in platform.control.objects("ConfigMap", namespace) if each["metadata"]["name"] == name]


def _bare(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the cluster itself writes into a stored object."""
    return {key: value for key, value in manifest.items() if key != "status"}
