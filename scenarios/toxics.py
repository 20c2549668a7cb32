"""The attributes of Toxiproxy's toxics, and which of their values make sense (its documentation, README.md, "Toxics")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scenarios.suggestions import hint

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "latency": ("latency", "jitter"),  # ms
    "bandwidth": ("rate",),  # kB/s; 0 lets nothing pass
    "slow_close": ("delay",),  # ms
    "timeout": ("timeout",),  # ms; 0: data stop and the connection stays
    "reset_peer": ("timeout",),  # ms
    "slicer": ("average_size", "size_variation", "delay"),  # bytes, bytes, us
    "limit_data": ("bytes",),
}
_MUST_HAVE = {
    "latency": ("latency", "jitter"),
    "slow_close": ("delay",),
    "slicer": ("average_size",),
}  # it does nothing without one of them


def wrong_attributes(toxic: str, attributes: Mapping[str, int]) -> Iterator[tuple[str | None, str]]:
    """What is wrong with a toxic's attributes: the attribute (None for all of them together) and a message."""
    known = ATTRIBUTES[toxic]
    for name, value in attributes.items():
        if name not in known:
            yield name, f"{toxic} has no attribute '{name}'{hint(name, known)}"
        elif value < 0:
            yield name, f"{name} of {toxic} must not be negative, found {value}"
    needed = _MUST_HAVE.get(toxic, ())
    if needed and not any(attributes.get(name, 0) > 0 for name in needed):
        yield None, f"a {toxic} toxic without {' or '.join(needed)} does nothing"
    size = attributes.get("average_size", 0)
    if toxic == "slicer" and 0 < size <= attributes.get("size_variation", 0):
        yield "size_variation", f"size_variation of slicer must be less than its average_size, {size}"
