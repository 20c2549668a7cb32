"""The grammar of bash: tree-sitter's, and where it is more lenient than bash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def tree_of(source: bytes) -> Node:
    """The root of the tree; its places are those of the source. Of `3<> file`, which the grammar does not know, only the reading is seen.

    The grammar's scanner looks characters up in a table of 256 without asking whether they are in it: `{` before an emoji ended the
    process (tree-sitter-bash 0.25.1). To bash they are all plain parts of words, and so they are given as dots, byte by byte.
    """
    source = _NOT_ASCII.sub(b".", source)
    root = _parser().parse(source).root_node
    if root.has_error and b"<>" in source:
        again = _parser().parse(source.replace(b"<>", b"< ")).root_node
        return root if again.has_error else again
    return root


def complete(text: str) -> bool:
    """Whether bash would carry this text out as it is, and not wait for more lines nor complain."""
    if text.endswith("\\") and not text.endswith("\\\\"):
        return False
    return not any(True for _ in broken(tree_of(text.encode(errors="replace")), heredoc=True))


def broken(root: Node, *, heredoc: bool = False) -> Iterator[Node]:
    """Nodes at which the parse failed. A here-document without its end is only told when asked for: bash takes it."""
    if not root.has_error and not any(each.type == "file_redirect" for each in every(root)):
        return
    for node in every(root):
        if (
            node.is_error
            or (node.is_missing and (heredoc or node.type != "heredoc_end"))
            or (node.type == "file_redirect" and _torn(node))
        ):
            yield node


def _torn(redirect: Node) -> bool:
    """A redirection whose target stands on a later line: the grammar takes it, bash doesn't."""
    target = redirect.child_by_field_name("destination")
    operator = next((each for each in redirect.children if not each.is_named), redirect)
    if target is None:
        return operator.type not in (">&-", "<&-")
    if target.start_point[0] == operator.end_point[0]:
        return False
    between = (redirect.text or b"")[operator.end_byte - redirect.start_byte : target.start_byte - redirect.start_byte]
    return b"\\\n" not in between


def every(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text, without recursion."""
    cursor = node.walk()
    while True:
        if cursor.node is not None:
            yield cursor.node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            return
