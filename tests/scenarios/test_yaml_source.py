from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.errors import InvalidInput
from scenarios.yaml_source import Place, read_scalar, read_source
from tests.scenarios.files import said, write


def read(folder: Path, text: str) -> list[str]:
    return said(lambda: read_source(write(folder, text)))


def test_keys_and_values_know_their_places(tmp_path: Path) -> None:
    """Lines and columns count from 1, in mappings and lists, in either style."""
    source = read_source(write(tmp_path, "a: 1\nb:\n  - c: x\n  - {d: [2, 3]}\n"))
    assert source.data == {"a": 1, "b": [{"c": "x"}, {"d": [2, 3]}]}
    assert source.keys["b", 1, "d"] == Place(4, 6)
    assert source.values["b", 1, "d", 1] == Place(4, 13)
    assert source.values["a",] == Place(1, 4)


def test_a_problem_with_something_missing_stands_at_what_is_around_it(tmp_path: Path) -> None:
    """A key that is not there has no place of its own."""
    source = read_source(write(tmp_path, "a:\n  b:\n    c: 1\n"))
    assert source.problem("gone", ("a", "b", "x", "y")).line == 3
    assert source.problem("gone", ("a", "b", "x"), key=True).line == 2
    assert source.problem("gone", ("z",)).line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("on", "on"), ("yes", "yes"), ("12", 12), ("-3", -3), ("0", 0), ("010", "010"), ("1.5", 1.5), ("1e3", 1000.0),
        ("1:30", "1:30"), ("30s", "30s"), ("", None), ("~", None), ("null", None), (".inf", ".inf"), ("1e999", "1e999"), ("0x10", "0x10"),
    ],
)  # fmt: skip
def test_scalars_are_what_they_look_like(text: str, value: object) -> None:
    """No word but true and false is a truth value, and no time of day is a number."""
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


def test_quoted_scalars_are_texts(tmp_path: Path) -> None:
    """Quotes and block styles keep a number a text."""
    assert read_source(write(tmp_path, "a: \"5\"\nb: 'true'\nc: >\n  5\n")).data == {"a": "5", "b": "true", "c": "5\n"}


def test_a_key_that_stands_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    """YAML readers take the last one in silence, which hides the first."""
    assert read(tmp_path, "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n") == [
        "test.yaml:5:3: the key 'c' stands here again; it was in line 3",
        "test.yaml:6:1: the key 'a' stands here again; it was in line 1",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c\n", "1:5: this is not YAML: mapping values are not allowed here"),
        ("a: [1, 2\n", "2:1: this is not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence"),
        ("a:\n\t- 1\n", "2:1: this is not YAML: found character '\\t' that cannot start any token while scanning for the next token"),
        ("a: 'x\n", "2:1: this is not YAML: found unexpected end of stream while scanning a quoted scalar"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; write one scenario a file"),
        ("a: &x 1\n", "1:4: anchors and aliases (& and *) are not supported; write it out"),
        ("a: *x\n", "1:4: anchors and aliases (& and *) are not supported; write it out"),
        ("a: !!str 5\n", "1:4: tags (!) are not supported; put texts in quotes"),
        ("[1]: 2\n", "1:1: a key must be a single word"),
        ("- a\n", "1:1: expected keys with values, found a list"),
        ("just words\n", "1:1: expected keys with values, found 'just words'"),
        ("", "1:1: the file is empty"),
        ("# only a remark\n", "1:1: the file is empty"),
        ("---\n", "1:1: the file is empty"),
        ("a: 1\nb: \x07\n", "2:4: character 0x07 is not allowed"),
    ],
)  # fmt: skip
def test_what_is_no_mapping_of_yaml_is_told_at_its_place(tmp_path: Path, text: str, message: str) -> None:
    """Syntax, other kinds of documents, and what this project does not use."""
    path = tmp_path / "test.yaml"
    path.write_text(text, encoding="utf-8")
    assert said(lambda: read_source(path)) == [f"test.yaml:{message}"]


def test_a_file_nested_beyond_reason_is_refused(tmp_path: Path) -> None:
    """It ends with a message, not with a traceback."""
    assert read(tmp_path, "a: " + "[" * 3000) == ["test.yaml:1:1: nested too deeply"]


def test_a_missing_file_has_no_line(tmp_path: Path) -> None:
    """There is nothing to count lines in."""
    assert said(lambda: read_source(tmp_path / "gone.yaml")) == ["gone.yaml: there is no such file"]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    """The system's own words, such as permission denied."""
    assert said(lambda: read_source(tmp_path)) == [f"{tmp_path.name}: cannot be read: Is a directory"]


def test_a_byte_that_is_not_utf_8_is_told_at_its_place(tmp_path: Path) -> None:
    """An editor that saves as Latin-1 is found by the first umlaut."""
    path = tmp_path / "test.yaml"
    path.write_bytes("a: 1\nb: ä".encode() + b" \xfc\n")
    assert said(lambda: read_source(path)) == ["test.yaml:2:6: byte 0xfc is not UTF-8; save the file as UTF-8"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "test.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_source(path).keys == {("a",): Place(1, 1)}


@settings(deadline=None)
@given(st.text(st.sampled_from("abé:-[]{}'\"#&*!|>%@`,? \t\n\r0123.~\x00\x85\ufeff"), max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    """Whatever a file holds: plain data, or InvalidInput; never another error."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "test.yaml"
        path.write_bytes(text.encode(errors="surrogatepass"))
        try:
            data, problems = read_source(path).data, []
        except InvalidInput as error:
            data, problems = {}, error.problems
    assert json.loads(json.dumps(data)) == data
    assert all(problem.message for problem in problems)
