"""What a word of bash stands for, and how it is quoted."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from scenarios.reading.shell import Quoting

_ESCAPED = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED_IN_DOUBLE = re.compile(r"\\([$`\"\\\n])")


def value_of(node: Node, said: Callable[[Node], str]) -> str | None:
    """What bash makes of a word; None where it must expand something."""
    text = said(node)
    match node.type:
        case "raw_string":
            return text[1:-1]
        case "string":
            return _ESCAPED_IN_DOUBLE.sub(_kept, text[1:-1]) if _literal(node) else None
        case "ansi_c_string":
            return None
        case "concatenation":
            parts = [value_of(each, said) for each in node.named_children]
            return None if None in parts else "".join(each for each in parts if each is not None)
        case "command_name":
            return value_of(node.named_children[0], said) if node.named_children else text
        case "word" | "extglob_pattern" | "regex":
            return _ESCAPED.sub(_kept, text)
        case "simple_expansion" | "expansion" | "command_substitution" | "process_substitution" | "arithmetic_expansion":
            return None
        case "brace_expression" | "array" | "translated_string":
            return None
        case _:
            return text


def _kept(escaped: re.Match[str]) -> str:
    return "" if escaped[1] == "\n" else escaped[1]


def _literal(string: Node) -> bool:
    return all(each.type == "string_content" for each in string.named_children)


def quoting_of(node: Node) -> Quoting:
    known: dict[str, Quoting] = {"raw_string": "single", "string": "double", "ansi_c_string": "ansi"}
    if node.type == "command_name" and node.named_children:
        return quoting_of(node.named_children[0])
    if node.type == "concatenation":
        kinds = {known.get(each.type, "none") for each in node.named_children}
        return kinds.pop() if len(kinds) == 1 else "mixed"
    return known.get(node.type, "none")
