"""Parses bash with tree-sitter into the records of `shell.py`. It never raises: what cannot be parsed is told in `Script.errors`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tree_sitter import Node

from scenarios.reading.grammar import broken, every, tree_of
from scenarios.reading.shell import Assignment, BrokenSyntax, Redirection, Remark, Script, Simple, Variable, Word
from scenarios.reading.words import quoting_of, value_of

Placing = Callable[[int, int], tuple[int, int]]  # row and column in characters, from 0 -> line and column in the file

_KINDS = {
    "redirected_statement": "command", "negated_command": "command", "test_command": "test", "declaration_command": "command",
    "unset_command": "command", "variable_assignment": "assignment", "variable_assignments": "assignment", "if_statement": "if",
    "for_statement": "for", "c_style_for_statement": "for", "while_statement": "while", "case_statement": "case",
    "function_definition": "function", "compound_statement": "group",
}  # fmt: skip
_WITHIN = {
    "if_statement": "if", "for_statement": "loop", "c_style_for_statement": "loop", "while_statement": "loop",
    "case_statement": "case", "function_definition": "function", "subshell": "subshell", "compound_statement": "group",
    "command_substitution": "substitution", "process_substitution": "substitution",
}  # fmt: skip
_REDIRECTS = ("file_redirect", "heredoc_redirect", "herestring_redirect")
_SIMPLE = ("command", "declaration_command", "unset_command", "test_command", "variable_assignment", "variable_assignments")
_DEFAULTS = (":-", "-", ":=", "=")
_GUARDS = (":?", "?", ":+", "+")
_READERS = {"read": 0, "mapfile": 0, "readarray": 0, "getopts": 1}  # commands that give values to the names in their arguments
_VALUED_OPTIONS = {"read": {"-d", "-i", "-n", "-N", "-p", "-t", "-u"}, "mapfile": {"-d", "-n", "-O", "-s", "-u", "-C", "-c"}}
_NAME = re.compile(r"[A-Za-z_]\w*")


def parse_script(text: str, place: Placing | None = None, original: str | None = None) -> Script:
    """The parse of some bash. `place` gives lines in the file.

    `original` is the text as it is written when `text` has placeholders masked by words of the same length: words show what is written.
    """
    try:
        return _Reader(text, place or _plain, original or text).read()
    except RecursionError:
        line, column = (place or _plain)(0, 0)
        return Script(text, (), (), (), (), (), errors=(BrokenSyntax(line, column, "nested too deeply to be read"),))


def _plain(row: int, column: int) -> tuple[int, int]:
    return row + 1, column + 1


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a simple command stands."""

    within: tuple[str, ...] = ()
    joined: str = ""
    pipeline: int = 0
    negated: bool = False
    background: bool = False

    def inside(self, what: str) -> _Around:
        return _Around((*self.within, what))


@dataclass(slots=True)
class _Reader:
    """One pass over the tree of one script."""

    text: str
    place: Placing
    original: str
    source: bytes = b""
    written: bytes = b""
    commands: list[Simple] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    assigned: list[tuple[int, Assignment]] = field(default_factory=list)  # with the byte from which the value is there
    used: list[tuple[int, Variable]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    pipelines: int = 0

    def read(self) -> Script:
        self.source = self.text.encode(errors="replace")
        self.written = self.original.encode(errors="replace")
        if len(self.written) != len(self.source):
            self.written = self.source
        root = tree_of(self.source)
        errors = tuple(self._error(node) for node in broken(root))
        kinds = tuple(_kind(each) for each in root.named_children if each.type != "comment")
        self._all(root, _Around())
        self.commands.sort(key=lambda each: (each.line, each.column))
        remarks = tuple(Remark(self._said(each)[1:].strip(), *self._at(each)) for each in every(root) if each.type == "comment")
        self.used.sort(key=lambda each: each[0])
        starts: Mapping[str, int] = self._starts()
        unset = (use for at, use in self.used if use.default is None and not use.guarded and at < starts.get(use.name, at + 1))
        return Script(
            text=self.original, kinds=kinds, commands=tuple(self.commands), uses=tuple(use for _, use in self.used),
            assigns=tuple(each for _, each in self.assigned), redirections=tuple(self.redirections), functions=tuple(self.functions),
            remarks=remarks, errors=errors, unset=tuple(unset),
        )  # fmt: skip

    def _starts(self) -> dict[str, int]:
        """From which byte each name has a value."""
        found: dict[str, int] = {}
        for at, each in self.assigned:
            found[each.name] = min(at, found.get(each.name, at))
        return found

    # --- places and texts

    def _at(self, node: Node) -> tuple[int, int]:
        row, column = node.start_point
        before = self.source[node.start_byte - column : node.start_byte]
        return self.place(row, len(before.decode(errors="replace")))

    def _said(self, node: Node) -> str:
        return self.written[node.start_byte : node.end_byte].decode(errors="replace")

    def _error(self, node: Node) -> BrokenSyntax:
        line, column = self._at(node)
        if node.is_missing:
            return BrokenSyntax(line, column, f"'{node.type}' is missing here")
        said = self._said(node)
        column += len(said) - len(said.lstrip(" \t"))
        return BrokenSyntax(line, column, f"bash cannot read '{said.strip()[:60]}' here")

    # --- statements

    def _all(self, parent: Node, around: _Around) -> None:
        """Every statement below a node; what is neither a statement nor a word is looked through."""
        children = parent.children
        for number, node in enumerate(children):
            if node.is_named and node.type != "comment":
                behind = children[number + 1].type if number + 1 < len(children) else ""
                field_name = parent.field_name_for_child(number) or ""
                self._one(node, replace(around, background=behind == "&"), condition=field_name == "condition")

    def _one(self, node: Node, around: _Around, *, condition: bool = False) -> None:
        if condition:
            around = around.inside("condition")
        match node.type:
            case "list":
                self._joined(node, around)
            case "pipeline":
                self.pipelines += 1
                self._joined(node, replace(around, pipeline=self.pipelines))
            case "redirected_statement":
                self._redirected(node, around)
            case "negated_command":
                self._all(node, replace(around, negated=True))
            case kind if kind in _SIMPLE:
                self._simple(node, around)
            case "function_definition":
                self._function(node, around)
            case "for_statement":
                self._loop(node, around)
            case kind if kind in _REDIRECTS:
                self._redirection(node, around)
            case "simple_expansion" | "expansion":
                self._word(node, around)
            case _:
                self._all(node, around.inside(_WITHIN[node.type]) if node.type in _WITHIN else around)

    def _function(self, node: Node, around: _Around) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        self.functions += [self._said(name)] if name is not None else []
        if body is not None:
            self._one(body, around.inside("function"))

    def _loop(self, node: Node, around: _Around) -> None:
        variable, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        if variable is not None:
            self._assign(Assignment(self._said(variable), None, *self._at(variable), by="for"), variable.start_byte)
        for value in node.children_by_field_name("value"):
            self._word(value, around)
        if body is not None:
            self._all(body, around.inside("loop"))

    def _joined(self, node: Node, around: _Around) -> None:
        operator = around.joined
        for number, child in enumerate(node.children):
            if not child.is_named:
                operator = child.type
            elif child.type != "comment":
                self._one(
                    child, replace(around, joined=operator, background=around.background and number + 1 == node.child_count)
                )

    def _redirected(self, node: Node, around: _Around) -> None:
        body = node.child_by_field_name("body")
        redirects = [each for each in node.children if each.type in _REDIRECTS]
        if body is not None and body.type in _SIMPLE:
            self._simple(body, around, redirects, node)
            return
        if body is not None:
            self._one(body, around)
        for each in redirects:
            self._redirection(each, around)

    # --- simple commands

    def _simple(self, node: Node, around: _Around, redirects: list[Node] | None = None, whole: Node | None = None) -> None:
        name: Word | None = None
        arguments: list[Word] = []
        assignments: list[Assignment] = []
        redirections: list[Redirection] = []
        if node.type in ("declaration_command", "unset_command", "test_command"):
            first = node.children[0]
            name = Word(self._said(first), self._said(first), "none", *self._at(first))
        for child in [node] if node.type == "variable_assignment" else node.children:
            match child.type:
                case "command_name":
                    name = self._word(child, around)
                case "variable_assignment":
                    assignments.append(self._assignment(child, around))
                case "comment":
                    pass
                case kind if kind in _REDIRECTS:
                    more, words = self._redirection(child, around)
                    redirections += more
                    arguments += words
                case _ if node.type == "test_command":
                    arguments += self._tested(child, around) if child != node.children[0] else []
                case _ if child.is_named or node.child_by_field_name("argument") == child:
                    arguments.append(self._word(child, around))
        for each in redirects or ():
            more, words = self._redirection(each, around)
            redirections += more
            arguments += words
        span = whole or node
        line, column = self._at(span)
        end = self.place(span.end_point[0] - (span.end_point[1] == 0 and span.end_point[0] > span.start_point[0]), 0)[0]
        simple = Simple(
            text=self._said(span).rstrip("\n"), line=line, end_line=end, column=column, name=name, arguments=tuple(arguments),
            assignments=tuple(assignments), redirections=tuple(redirections), within=around.within, joined=around.joined,
            pipeline=around.pipeline, negated=around.negated, background=around.background,
        )  # fmt: skip
        self.commands.append(simple)
        self._given_by_command(simple, span.end_byte)

    def _tested(self, node: Node, around: _Around) -> list[Word]:
        """The words of `[ ... ]`, `[[ ... ]]` and `(( ... ))`."""
        if node.type.endswith(("_expression", "_operator")) and node.child_count:
            return [word for child in node.children for word in self._tested(child, around)]
        return [self._word(node, around)] if node.text not in (b"]", b"]]", b"))", b"") else []

    def _assignment(self, node: Node, around: _Around) -> Assignment:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and name.type == "subscript":
            name = name.child_by_field_name("name")
        operator = "+=" if any(each.type == "+=" for each in node.children) else "="
        word = self._word(value, around) if value is not None else None
        found = Assignment(self._said(name) if name is not None else "", word, *self._at(node), by=operator)
        return self._assign(found, node.end_byte)

    def _assign(self, assignment: Assignment, there_from: int) -> Assignment:
        self.assigned.append((there_from, assignment))
        return assignment

    def _given_by_command(self, simple: Simple, there_from: int) -> None:
        """`read name`, `getopts x name`, `printf -v name`, `export name`: they give values too."""
        values = simple.values
        if simple.program in _READERS:
            plain = [
                word
                for before, word in zip(("", *values), values, strict=False)
                if not word.startswith("-") and before not in _VALUED_OPTIONS.get(simple.program, ())
            ]
            names = plain[_READERS[simple.program] :] + [
                word for before, word in pairwise(values) if before in ("-a", "-ra", "-A")
            ]
        elif simple.program == "printf" and values[:1] == ("-v",):
            names = list(values[1:2])
        elif simple.program in ("declare", "local", "typeset", "readonly"):
            names = [value for value in values if not value.startswith("-")]
        else:
            return
        for name in dict.fromkeys(names):
            if _NAME.fullmatch(name):
                self._assign(Assignment(name, None, simple.line, simple.column, by=simple.program), there_from)

    # --- redirections

    def _redirection(self, node: Node, around: _Around) -> tuple[list[Redirection], list[Word]]:
        """The redirections in a node, and the words behind its target, which are arguments of the command."""
        found: list[Redirection] = []
        words: list[Word] = []
        operator = next((each.type for each in node.children if not each.is_named), "")
        descriptor = next((self._said(each) for each in node.children if each.type == "file_descriptor"), "")
        number = int(descriptor) if descriptor.isdecimal() else None
        targets = [each for each in node.named_children if each.type not in ("file_descriptor", "comment")]
        if node.type == "heredoc_redirect":
            found.append(self._heredoc(node, operator, number))
            for index, child in enumerate(node.children):
                if child.type in _REDIRECTS:
                    more, extra = self._redirection(child, around)
                    found += more
                    words += extra
                elif child.type == "heredoc_body":
                    self._all(child, around)
                elif node.field_name_for_child(index) == "argument":
                    words.append(self._word(child, around))
                elif child.type == "pipeline":
                    self.pipelines += 1
                    self._joined(child, replace(around, pipeline=self.pipelines))
                elif node.field_name_for_child(index) == "right":
                    self._one(child, replace(around, joined=node.children[index - 1].type))
            return found, words
        target, *words = [self._word(each, around) for each in targets] or [None]  # type: ignore[list-item]
        redirection = Redirection(operator, number, target, *self._at(node))
        self.redirections.append(redirection)
        return [redirection], words

    def _heredoc(self, node: Node, operator: str, descriptor: int | None) -> Redirection:
        start = next((each for each in node.children if each.type == "heredoc_start"), node)
        body = next((each for each in node.children if each.type == "heredoc_body"), None)
        delimiter = self._said(start)
        plain = delimiter.strip("'\"").replace("\\", "")
        word = Word(delimiter, plain, "none" if plain == delimiter else "single", *self._at(start))
        text, line = (self._said(body), self._at(body)[0]) if body is not None else ("", 0)
        if operator == "<<-":
            text = "".join(each.lstrip("\t") for each in text.splitlines(keepends=True))
        found = Redirection(operator, descriptor, word, *self._at(node), body=text, body_line=line, expands=plain == delimiter)
        self.redirections.append(found)
        return found

    # --- words and variables

    def _word(self, node: Node, around: _Around) -> Word:
        """The word, with the variables in it; commands that are run to make it are read too."""
        variables = self._variables(node, quoted=False)
        substitutions = [each for each in every(node) if each.type in ("command_substitution", "process_substitution")]
        outer = [each for each in substitutions if not any(_holds(other, each) for other in substitutions if other != each)]
        for each in outer:
            self._all(each, around.inside("substitution"))
        return Word(
            self._said(node), value_of(node, self._said), quoting_of(node), *self._at(node), tuple(variables), len(substitutions)
        )

    def _variables(self, node: Node, *, quoted: bool) -> list[Variable]:
        found: list[Variable] = []
        if node.type in ("command_substitution", "process_substitution"):
            return found  # their own words tell theirs
        if node.type in ("simple_expansion", "expansion"):
            found += self._variable(node, quoted=quoted)
        elif node.type == "variable_name" and node.parent is not None and "expression" in node.parent.type:
            found.append(Variable(self._said(node), *self._at(node), quoted=True, default="0"))
            self.used.append((node.start_byte, found[-1]))
            return found
        for child in node.children:
            found += self._variables(child, quoted=quoted or node.type == "string")
        return found

    def _variable(self, node: Node, *, quoted: bool) -> list[Variable]:
        name = next((each for each in node.named_children if each.type in ("variable_name", "subscript")), None)
        if name is not None and name.type == "subscript":
            name = name.child_by_field_name("name")
        if name is None or not _NAME.fullmatch(self._said(name)):
            return []  # $?, $1, $@
        operators = [each.type for each in node.children if not each.is_named]
        after = self._said(node)[:-1].partition(self._said(name))[2]
        operator = next((each for each in (*_DEFAULTS, *_GUARDS) if each in operators and after.startswith(each)), "")
        default = after.removeprefix(operator) if operator in _DEFAULTS else None
        use = Variable(self._said(name), *self._at(node), quoted=quoted, default=default, guarded=operator in _GUARDS)
        self.used.append((node.start_byte, use))
        if operator in (":=", "="):
            self._assign(Assignment(use.name, None, use.line, use.column, by=operator), node.end_byte)
        return [use]


def _kind(statement: Node) -> str:
    body = statement.child_by_field_name("body") if statement.type == "redirected_statement" else None
    return _KINDS.get(statement.type, statement.type) if body is None else _kind(body)


def _holds(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte
