"""Label sets: what identifies a series, an element of a vector or an alert.

A label set is a tuple of (name, value) pairs sorted by name, without empty values: hashable, cheap to compare, and equal
exactly when Prometheus would call the sets equal. The functions that evaluation calls for every element are cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

Labels = tuple[tuple[str, str], ...]
NAME = "__name__"
EMPTY: Labels = ()

_CACHED = 1 << 15  # label sets; a stack has about a thousand


def make_labels(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """The label set of these pairs."""
    items = dict(pairs).items()
    return tuple(sorted((name, value) for name, value in items if value))


def value_of(labels: Labels, name: str) -> str:
    """The value of a label; a label that is not there is an empty one."""
    for key, value in labels:
        if key == name:
            return value
    return ""


@lru_cache(_CACHED)
def without_name(labels: Labels) -> Labels:
    """The labels without the name of the metric."""
    return tuple(pair for pair in labels if pair[0] != NAME)


@lru_cache(_CACHED)
def keep(labels: Labels, names: frozenset[str]) -> Labels:
    """Only the labels of these names."""
    return tuple(pair for pair in labels if pair[0] in names)


@lru_cache(_CACHED)
def drop(labels: Labels, names: frozenset[str]) -> Labels:
    """All labels but those of these names."""
    return tuple(pair for pair in labels if pair[0] not in names)


def with_labels(labels: Labels, changes: Mapping[str, str]) -> Labels:
    """The labels with some of them set anew; an empty value removes one."""
    return make_labels({**dict(labels), **changes})


def show(labels: Labels) -> str:
    """As PromQL writes it: `up{job="risk-manager"}`."""
    name = value_of(labels, NAME)
    pairs = ", ".join(f'{key}="{_escape(value)}"' for key, value in without_name(labels))
    return f"{name}{{{pairs}}}" if pairs or not name else name


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
