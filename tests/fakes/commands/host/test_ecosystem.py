"""Reading ecosystem files without Node."""

from __future__ import annotations

import pytest

from fakes.commands.entry import Failure
from fakes.commands.host.ecosystem import NoScript, exported


def test_literals_comments_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What such files are made of."""
    monkeypatch.setenv("PORT", "9")
    monkeypatch.delenv("HOST", raising=False)
    text = """'use strict';
    /* all of it */
    module.exports = {
      apps: [{ name: `a`, "exec-mode": 'fork', instances: 2, ratio: 0.5, on: true, off: false, no: null, // a comment
               cwd: __dirname, port: process.env.PORT || '1', host: process.env.HOST || 'local' + 'host', line: 'a\\nb', }],
    };
    """
    assert exported(text, "/srv") == {
        "apps": [{
            "name": "a", "exec-mode": "fork", "instances": 2, "ratio": 0.5, "on": True, "off": False, "no": None, "cwd": "/srv",
            "port": "9", "host": "localhost", "line": "a\nb",
        }]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("module.exports = {", 1, "SyntaxError: Unexpected end of input"),
        ("module.exports = {\n a: 1\n b: 2 }", 3, "SyntaxError: Unexpected identifier 'b'"),
        ("module.exports = { a: ] }", 1, "SyntaxError: Unexpected token ']'"),
        ("module.exports = { a: 'b }", 1, "SyntaxError: Invalid or unexpected token"),
        ("module.exports = { a: 1 }\n}", 2, "SyntaxError: Unexpected token '}'"),
    ],
)
def test_what_node_would_not_take(text: str, line: int, message: str) -> None:
    """The line and Node's words."""
    with pytest.raises(NoScript) as caught:
        exported(text, "/")
    assert (caught.value.line, str(caught.value)) == (line, message)


@pytest.mark.parametrize(
    "text",
    [
        "const a = 1; module.exports = {}",
        "module.exports = { a: f() }",
        "module.exports = { ...b }",
        "module.exports = { a: `${b}` }",
    ],
)
def test_more_than_a_literal_is_not_guessed_at(text: str) -> None:
    """It is said that the stand-in lacks it."""
    with pytest.raises(Failure) as caught:
        exported(text, "/")
    assert caught.value.code == 3
