"""Bash, parsed: what a rule needs to know of a command."""

from __future__ import annotations

import subprocess

import pytest

from scenarios.reading.grammar import complete, tree_of
from scenarios.reading.shell import Simple
from scenarios.reading.syntax import parse_script

ACCEPTED = [
    "for i in a b; do echo $i; done", "while read -r l; do :; done < f", "until ping -c1 h; do sleep 1; done", "if a; then b; elif c; then d; else e; fi",
    'case "$1" in a|b) x ;; *) y ;; esac', "f() { local x=1; return 0; }", "function g { echo; }", "( cd /tmp && ls ) | sort", "{ a; b; } > c 2>&1",
    "cat <<EOF | grep x\na $b\nEOF", "cat <<-'END'\n\ta\n\tEND", "cat <<< \"$x\"", "a && b || ! c", "a | b |& c", "a & b; c", "x=1 y=$(z) cmd", "arr=(1 2); echo ${arr[@]}",
    "[ -f a ] && [[ $b =~ ^c+$ ]]", "((i++))", "for ((i=0; i<3; i++)); do :; done", "echo $'a\\n' \"b $c\" 'd'", "diff <(a) <(b)", "a \\\n  --b \\\n  c",
    "echo \"two\nlines\"", "export A=b C", "echo ${a:-b} ${c#*-} ${d//x/y} ${#e}", "trap 'rm -f x' EXIT", "time ls", "a >& /dev/null", "a &> b", "exec 3<> f",
    "select x in a b; do break; done", "echo {1..3} *.txt a[1]", "coproc cat", "let x=1+2", "echo $((1 + 2)) $(( x * 3 ))", "! true", "a; # comment", "[[ -n $x && ( $y == z ) ]]",
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_bash_accepts_is_parsed_without_an_error(text: str) -> None:
    """Held against `bash -n` itself."""
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False).returncode == 0
    assert parse_script(text).errors == ()
    assert complete(text)


@pytest.mark.parametrize(
    "text",
    [
        "a |",
        "a &&",
        "if x; then",
        "for i in a; do",
        "cat <<EOF",
        "echo 'a",
        'echo "a',
        "echo $(",
        "x=(",
        "a \\",
        "{",
        "f()",
        "ls >",
    ],
)
def test_what_bash_would_wait_for_is_not_complete(text: str) -> None:
    """So the next line belongs to the same command."""
    assert not complete(text)


@pytest.mark.parametrize(
    ("text", "line", "column"), [("docker stop <name>\n", 1, 18), ("echo 'a", 1, 6), ("a\n  b )", 2, 5), ("ls >\necho x", 1, 4)]
)
def test_broken_syntax_is_told_at_its_place(text: str, line: int, column: int) -> None:
    """By bash's measure, too: a redirection does not look for its target on the next line."""
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False).returncode != 0
    errors = parse_script(text).errors
    assert (errors[0].line, errors[0].column) == (line, column)


def only(text: str) -> Simple:
    (found,) = parse_script(text).commands
    return found


def test_words_are_known_with_their_quotes() -> None:
    """What bash makes of a word, as far as that is certain, and how it was written."""
    words = only("""/usr/bin/cmd a\\ b 'c d' "e\\"f" g"h"'i' "$x" $y * $'z' a$b""")
    assert (words.program, words.name.value if words.name else None) == ("cmd", "/usr/bin/cmd")
    assert [each.value for each in words.arguments] == ["a b", "c d", 'e"f', "ghi", None, None, "*", None, None]
    assert [each.quoting for each in words.arguments] == [
        "none",
        "single",
        "double",
        "mixed",
        "double",
        "none",
        "none",
        "ansi",
        "none",
    ]


def test_variables_are_known_with_defaults_and_quotes() -> None:
    """A default, a guard, quotes; special parameters are none."""
    uses = parse_script('a "$b" ${c:-5} ${d:?no} ${e} ${f%x} $? $1 "${g[0]}" \'$h\'').uses
    assert [(each.name, each.quoted, each.default, each.guarded) for each in uses] == [
        ("b", True, None, False), ("c", False, "5", False), ("d", False, None, True), ("e", False, None, False), ("f", False, None, False), ("g", True, None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("x=1; echo $x $y", ["y"]),
        ("echo $x; x=1", ["x"]),
        ("x=$x", ["x"]),
        ("for i in $list; do echo $i; done", ["list"]),
        ("read -r -p 'who? ' name rest; echo $name $rest", []),
        ("while read -r l; do echo $l; done", []),
        ("printf -v out %s a; echo $out", []),
        ("mapfile -t rows < f; echo ${rows[0]}", []),
        ("getopts ab: o; echo $o", []),
        (": ${a:=1}; echo $a", []),
        ("f() { local v; echo $v; }", []),
        ("echo ${a:-b} ${c:+d}", []),
        ("cat <<'E'\n$x\nE", []),
        ("cat <<E\n$x\nE", ["x"]),
        ("awk '{print $n}' f", []),
    ],
)
def test_variables_that_nothing_sets_are_known(text: str, unset: list[str]) -> None:
    """Assignments, loops and the commands that assign come before the use."""
    assert [each.name for each in parse_script(text).unset] == unset


def test_redirections_and_here_documents() -> None:
    """Operators, descriptors, targets; the body of a here-document and whether bash fills it in."""
    found = only("psql -d x <<EOF > out 2>&1 -q\nselect $z;\nEOF")
    assert found.values == ("-d", "x", "-q")
    assert [(each.operator, each.descriptor, each.target.value if each.target else "") for each in found.redirections] == [
        ("<<", None, "EOF"), (">", None, "out"), (">&", 2, "1"),
    ]  # fmt: skip
    here = found.redirections[0]
    assert (here.body, here.body_line, here.expands) == ("select $z;\n", 2, True)
    assert not only("cat <<'E'\n$x\nE").redirections[0].expands
    assert only("cat <<-E\n\ta\n\tE").redirections[0].body == "a\n"


def test_a_here_document_without_its_end_is_taken_as_bash_takes_it() -> None:
    """With a warning, up to the last line."""
    found = parse_script("cat <<E\na\n")
    assert (found.errors, found.commands[0].redirections[0].body) == ((), "a\n")


def test_where_a_command_stands_is_known() -> None:
    """Operators before it, its pipeline, and what it stands in."""
    script = parse_script("if ! a $(s); then\n  b | c && d &\nfi; f() { e; }; for i in 1; do g; done\n")
    assert [(each.program, each.within, each.joined, each.pipeline, each.negated) for each in script.commands] == [
        ("a", ("if", "condition"), "", 0, True),
        ("s", ("if", "condition", "substitution"), "", 0, False),
        ("b", ("if",), "", 1, False),
        ("c", ("if",), "|", 1, False),
        ("d", ("if",), "&&", 0, False),
        ("e", ("function", "group"), "", 0, False),
        ("g", ("loop",), "", 0, False),
    ]
    assert (script.kinds, script.functions) == (("if", "function", "for"), ("f",))
    assert [[each.program for each in line] for line in script.pipelines()] == [["b", "c"]]


def test_an_ampersand_in_an_address_ends_the_command() -> None:
    """As bash sees it: the rest of the address becomes assignments."""
    script = parse_script("curl http://h/q?a=1&start=$(date)&step=60s")
    assert [(each.program, each.background) for each in script.commands] == [
        ("curl", True),
        ("", True),
        ("date", False),
        ("", False),
    ]
    assert [each.name for each in script.assigns] == ["start", "step"]


def test_a_depth_that_nobody_reads_is_an_error_not_a_crash() -> None:
    """However deep the nesting."""
    assert parse_script("$(" * 3000 + ")" * 3000).commands is not None


def test_the_grammar_is_given_nothing_but_ascii() -> None:
    """Its scanner reads beyond a table otherwise, and ends the process: `{` before an emoji. Places and texts stay those of the source."""
    assert tree_of("{🚨 é".encode()).text == b"{.... .."
    found = only("echo é '🚨' x")
    assert [(each.value, each.column) for each in found.arguments] == [("é", 6), ("🚨", 8), ("x", 12)]
    assert [each.name for each in parse_script("echo $ID—x").uses] == ["ID"]
