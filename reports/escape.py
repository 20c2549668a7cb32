"""Text put into Markdown so that nothing in it can be taken for markup: commands and their output come from anywhere."""

from __future__ import annotations

import re

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_MARKUP = re.compile(r"([\\`*\[\]<|~]|^>|(?<!\w)_|_(?!\w)|^[#>+=-](?=\s|[=-]|$)|&(?=#?\w+;))")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def plain(text: str) -> str:
    """Without terminal escapes and control characters; lines end in a newline, tabs stay."""
    text = _TERMINAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def prose(text: str) -> str:
    """One line that reads as it is written, also in a cell of a table."""
    line = " ".join(plain(text).split())
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))


def code(text: str) -> str:
    """A code span on one line, also in a cell of a table; an empty text is an empty string."""
    line = " ".join(plain(text).split())
    if not line:
        return ""
    ticks = "`" * (_longest_run(line) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}".replace("|", "\\|")


def fenced(text: str, language: str = "text") -> str:
    """A fenced block that ends where it should, whatever runs of backticks stand in the text."""
    body = plain(text).rstrip("\n")
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def folded(summary: str, text: str, *, opened: bool = False) -> str:
    """A fenced block that is folded away until it is asked for."""
    label = plain(summary).replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    return f"<details{' open' if opened else ''}>\n<summary>{label}</summary>\n\n{fenced(text)}\n\n</details>"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. Cells must have gone through `prose` or `code`."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
