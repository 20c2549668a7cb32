"""The settings of a stack for one drill: its defaults, changed by the scenario, changed by the caller's `--set`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios.errors import Problem
from scenarios.model import Stack
from scenarios.suggestions import hint
from scenarios.yaml_source import Source, describe, read_scalar

OVERRIDE = Path("--set")  # stands for the file in problems of an override


def merge_settings(
    stack: Stack, source: Source, chosen: Mapping[str, Any], overrides: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The settings of a drill, and what is wrong with the scenario's or the caller's. Overrides are read as YAML scalars."""
    merged = dict(stack.settings)
    problems: list[Problem] = []
    for key, value in chosen.items():
        if key not in stack.settings:
            problems.append(source.problem(_unknown(key, stack), ("settings", key), key=True))
        elif (wrong := _wrong(key, value, stack)) is not None:
            problems.append(source.problem(wrong, ("settings", key)))
        merged[key] = value
    for key, text in overrides.items():
        value = _like(stack.settings.get(key), text)
        if key not in stack.settings:
            problems.append(Problem(OVERRIDE, 1, 1, _unknown(key, stack)))
        elif (wrong := _wrong(key, value, stack)) is not None:
            problems.append(Problem(OVERRIDE, 1, len(key) + 2, wrong))
        merged[key] = value
    return merged, problems


def _like(default: Any, text: str) -> Any:
    """Where a text is due, `on`, `12` and `true` are texts: nobody quotes on a command line."""
    return text if isinstance(default, str) else read_scalar(text)


def _unknown(key: str, stack: Stack) -> str:
    return f"unknown setting '{key}'{hint(key, stack.settings)}"


def _wrong(key: str, value: Any, stack: Stack) -> str | None:
    """Why this value cannot be the setting's, or None: it must be of the default's kind, and one of the choices where there are any."""
    default, choices = stack.settings[key], stack.setting_choices.get(key)
    kind = _kind(default)
    if _kind(value) != kind and not (kind == "a number" and _kind(value) == "a whole number"):
        return f"{key}: expected {kind} such as {describe(default)}, found {describe(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return f"{key}: must not be negative, found {value}"
    if choices is not None and value not in choices:
        return f"{key}: unknown value {describe(value)}{hint(str(value), choices)}"
    return None


def _kind(value: Any) -> str:
    kinds = ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "a text"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a list")
