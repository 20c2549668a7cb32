"""Reads `ecosystem.config.cjs` without Node: `module.exports = {...}` with literals, comments, and what stands in `process.env`."""

from __future__ import annotations

import os
import re
from typing import Any

from fakes.commands.entry import not_modelled

_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_$][\w$.]*")
_NUMBER = re.compile(r"-?(?:0x[\da-fA-F]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)")
_LITERALS = {"true": True, "false": False, "null": None, "undefined": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0"}


class NoScript(Exception):
    """Node would not take the file: `line` is where, the message is a SyntaxError's."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def exported(text: str, folder: str) -> Any:
    """The value of `module.exports`. Raises NoScript where Node would, Failure (3) for JavaScript that is more than a literal."""
    reader = _Reader(text, folder)
    reader.word_is("'use strict'", '"use strict"')
    reader.skip(";")
    if not reader.word_is("module.exports", "exports.default"):
        if reader.done():
            return {}
        raise not_modelled("pm2", "an ecosystem file with more in it than `module.exports = {...}`")
    reader.expect("=")
    value = reader.value()
    reader.skip(";")
    if not reader.done():
        if reader.here() in ")]}":
            raise reader.unexpected()
        raise not_modelled("pm2", "an ecosystem file with more in it than `module.exports = {...}`")
    return value


class _Reader:
    """A place in the text."""

    def __init__(self, text: str, folder: str) -> None:
        self._text, self._at, self._folder = text, 0, folder

    def here(self) -> str:
        """The next character that means something; empty at the end."""
        if found := _BLANK.match(self._text, self._at):
            self._at = found.end()
        return self._text[self._at : self._at + 1]

    def done(self) -> bool:
        return not self.here()

    def skip(self, character: str) -> bool:
        if self.here() == character:
            self._at += 1
            return True
        return False

    def word_is(self, *words: str) -> bool:
        self.here()
        for word in words:
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return True
        return False

    def expect(self, character: str) -> None:
        if not self.skip(character):
            raise self.unexpected()

    def unexpected(self) -> NoScript:
        line = self._text.count("\n", 0, self._at) + 1
        letter = self.here()
        if not letter:
            return NoScript(line, "SyntaxError: Unexpected end of input")
        if letter in "\"'`":
            return NoScript(line, "SyntaxError: Unexpected string")
        word = _WORD.match(self._text, self._at)
        return NoScript(line, f"SyntaxError: Unexpected {'identifier ' if word else 'token '}'{word[0] if word else letter}'")

    def value(self) -> Any:
        """One literal, or several with `||` or `+` between them."""
        found = self._single()
        while True:
            if self.word_is("||", "??"):
                other = self._single()
                found = found or other
            elif self.here() == "+":
                self._at += 1
                found = f"{found}{self._single()}"
            else:
                return found

    def _single(self) -> Any:
        first = self.here()
        if first == "{":
            return self._object()
        if first == "[":
            return self._array()
        if first and first in "\"'`":
            return self._string(first)
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            text = found[0].replace("_", "")
            return int(text, 0) if re.fullmatch(r"-?(0x[\da-fA-F]+|0|[1-9]\d*)", text) else float(text)
        word = _WORD.match(self._text, self._at)
        if not word:
            raise self.unexpected()
        self._at = word.end()
        if word[0] in _LITERALS:
            return _LITERALS[word[0]]
        if word[0].startswith("process.env."):
            return os.environ.get(word[0].removeprefix("process.env."))
        if word[0] == "__dirname":
            return self._folder
        raise not_modelled("pm2", f"an ecosystem file with {word[0]} in it")

    def _object(self) -> dict[str, Any]:
        self.expect("{")
        found: dict[str, Any] = {}
        while not self.skip("}"):
            key = self._key()
            self.expect(":")
            found[key] = self.value()
            if not self.skip(",") and self.here() != "}":
                raise self.unexpected()
        return found

    def _key(self) -> str:
        first = self.here()
        if first and first in "\"'":
            return self._string(first)
        found = _WORD.match(self._text, self._at) or _NUMBER.match(self._text, self._at)
        if self._text.startswith("...", self._at):
            raise not_modelled("pm2", "an ecosystem file with ... in it")
        if not found or "." in found[0]:
            raise self.unexpected()
        self._at = found.end()
        return found[0]

    def _array(self) -> list[Any]:
        self.expect("[")
        found = []
        while not self.skip("]"):
            found.append(self.value())
            if not self.skip(",") and self.here() != "]":
                raise self.unexpected()
        return found

    def _string(self, quote: str) -> str:
        line = self._text.count("\n", 0, self._at) + 1
        self._at += 1
        letters: list[str] = []
        while True:
            letter = self._text[self._at : self._at + 1]
            self._at += 1
            if letter == quote:
                return "".join(letters)
            if not letter or (letter == "\n" and quote != "`"):
                raise NoScript(line, "SyntaxError: Invalid or unexpected token")
            if quote == "`" and self._text.startswith("${", self._at - 1):
                raise not_modelled("pm2", "an ecosystem file with ${...} in it")
            if letter == "\\":
                letter = self._text[self._at : self._at + 1]
                letter = _ESCAPES.get(letter, letter)
                self._at += 1
            letters.append(letter)
