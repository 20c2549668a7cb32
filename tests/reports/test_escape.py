"""Nothing that a command prints can break out of its place in the report. Judged by a Markdown parser, not by eye."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.escape import code, fenced, folded, plain, prose, table

PARSER = MarkdownIt("commonmark").enable("table")
ANY = st.text(st.characters(codec="utf-8"), max_size=60)
SPITEFUL = st.text(st.sampled_from("`~|*_[]<>#&;\\\n-=1.) a\t!+"), max_size=40)


@given(ANY | SPITEFUL)
def test_output_cannot_end_its_fence(text: str) -> None:
    """Whatever runs of backticks stand in an output, it is one fence, whole, and nothing beside it."""
    tokens = PARSER.parse(fenced(text))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content.strip("\n") == plain(text).strip("\n")


def test_output_with_fences_of_its_own_stays_in_its_own() -> None:
    """The fence is longer than the longest run of backticks inside."""
    assert fenced("```sh\nrm -rf /\n````") == "`````text\n```sh\nrm -rf /\n````\n`````"


@given(SPITEFUL)
def test_prose_reads_as_it_was_written(text: str) -> None:
    """Parsed as Markdown, a line of prose gives back the very characters, and no markup."""
    line = prose(f"x {text}")
    inline = PARSER.parse(line)[1]
    assert "".join(child.content for child in inline.children or []) == " ".join(f"x {plain(text)}".split())


@given(st.lists(SPITEFUL, min_size=2, max_size=2))
def test_a_cell_never_spills_into_the_next(texts: list[str]) -> None:
    """Two cells stay two cells, in prose and in code."""
    tokens = PARSER.parse(table(["a", "b"], [[prose(texts[0]), code(texts[1])]]))
    assert sum(token.type == "td_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2


@given(SPITEFUL)
@example("1. not a list")
@example("12) nor this")
@example(">nor a quotation")
@example("=== nor a heading")
def test_a_line_that_looks_like_a_heading_or_a_list_is_neither(text: str) -> None:
    """Prose at the start of a paragraph stays a paragraph."""
    if line := prose(text):
        assert PARSER.parse(line)[0].type == "paragraph_open"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("bell\x07", "bell\N{REPLACEMENT CHARACTER}"),
        ("tab\there", "tab\there"),
    ],
)
def test_terminal_escapes_do_not_reach_a_reader(raw: str, shown: str) -> None:
    """A report that is printed to a terminal does nothing to it."""
    assert plain(raw) == shown


def test_a_folded_block_keeps_its_summary_in_one_line() -> None:
    """A summary cannot end its own tag."""
    assert "<summary>exit 1 &lt;/summary> now</summary>" in folded("exit 1 </summary>\nnow", "out")


def test_code_with_backticks_is_still_code() -> None:
    """A span is longer than the backticks inside, and pipes are escaped for tables."""
    assert (code("a `b` | c"), code("`"), code("")) == ("``a `b` \\| c``", "`` ` ``", "")
