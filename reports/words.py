"""How reports write times, durations and amounts, so that a person reads them at a glance."""

from __future__ import annotations

_MINUTE, _HOUR = 60, 3600


def clock_text(seconds: float, *, decimals: int = 0) -> str:
    """A reading of a stop-watch: `3:52`, `1:02:05`, `-0:20`; with decimals `0:03.4`."""
    scale = 10**decimals
    ticks = round(abs(seconds) * scale)
    whole, rest = divmod(ticks, scale)
    minutes, second = divmod(whole, _MINUTE)
    hours, minute = divmod(minutes, _MINUTE)
    sign = "\N{MINUS SIGN}" if seconds < 0 and ticks else ""
    head = f"{hours}:{minute:02d}" if hours else str(minute)
    tail = f".{rest:0{decimals}d}" if decimals else ""
    return f"{sign}{head}:{second:02d}{tail}"


def duration_text(seconds: float, *, exact: bool = False) -> str:
    """A length of time: `42 ms`, `3.9 s`, `3 min 52 s`, `2 h 5 min`. `exact` keeps tenths of a second throughout."""
    if seconds < 0:
        return f"\N{MINUS SIGN}{duration_text(-seconds, exact=exact)}"
    if seconds == 0:
        return "0 s"
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.0005 else "under 1 ms"
    tenths = round(seconds, 1)
    if tenths < _MINUTE:
        return f"{tenths:g} s"
    if exact:
        minutes, rest = divmod(round(seconds * 10), _MINUTE * 10)
        return f"{minutes} min {rest / 10:g} s"
    whole = round(seconds) if seconds < _HOUR - 0.5 else round(seconds / _MINUTE) * _MINUTE
    hours, rest_s = divmod(whole, _HOUR)
    minutes, second = divmod(rest_s, _MINUTE)
    parts = [(hours, "h"), (minutes, "min"), (second, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def latency_text(milliseconds: float) -> str:
    """`0.4 ms`, `12 ms`, `1.2 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.3g} s"


def counted(number: int, noun: str) -> str:
    """`1 order`, `3 orders`, `no orders`."""
    return f"{number or 'no'} {noun}" + ("" if number == 1 else "s")
