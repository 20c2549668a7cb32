from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.markdown import anchor_of, read_sections
from tests.scenarios.files import said, write


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Primary database failure", "primary-database-failure"),
        ("1. Check it (now), twice", "1-check-it-now-twice"),
        ("Scenario 1: `psql` & friends", "scenario-1-psql--friends"),
        ("🚨 Emergency", "-emergency"),
        ("snake_case and hy-phen", "snake_case-and-hy-phen"),
        ("Größe", "größe"),
    ],
)
def test_anchors_are_those_of_github(title: str, anchor: str) -> None:
    """A link that works on the page works here."""
    assert anchor_of(title) == anchor


def test_sections_have_lines_paths_and_their_own_blocks(tmp_path: Path) -> None:
    """A section ends where the next heading begins, of whatever level."""
    text = "# Top *one*\n\n```bash a\n1\n```\n\n## Sub\n\n- item\n\n  ```sh\n  2\n  ```\n\nSub\n---\n\n# `Last`\n"
    sections = read_sections(write(tmp_path, text, "x.md"))
    assert [(each.title, each.anchor, each.line, each.path) for each in sections] == [
        ("Top one", "top-one", 1, ("Top one",)),
        ("Sub", "sub", 7, ("Top one", "Sub")),
        ("Sub", "sub-1", 15, ("Top one", "Sub")),
        ("Last", "last", 18, ("Last",)),
    ]
    assert [(fence.line, fence.language, fence.attributes, fence.body) for each in sections for fence in each.fences] == [
        (3, "bash", "a", "1\n"),
        (11, "sh", "", "2\n"),
    ]


def test_a_heading_in_a_block_is_no_heading(tmp_path: Path) -> None:
    """Comments of shell scripts begin with a hash too."""
    assert [each.title for each in read_sections(write(tmp_path, "# A\n\n```bash\n# B\n```\n\n> # C\n", "x.md"))] == ["A"]


def test_a_missing_document_is_told(tmp_path: Path) -> None:
    """In the words of any other file."""
    assert said(lambda: read_sections(tmp_path / "gone.md")) == ["gone.md: there is no such file"]


def test_a_byte_order_mark_hides_no_heading(tmp_path: Path) -> None:
    """Some editors write one at the beginning of the first line."""
    path = tmp_path / "x.md"
    path.write_bytes(b"\xef\xbb\xbf# A\n")
    assert [each.title for each in read_sections(path)] == ["A"]
