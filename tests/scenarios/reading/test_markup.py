from __future__ import annotations

from scenarios.reading import Fence, Item, Prose, Table
from tests.scenarios.reading.books import book


def test_sections_have_levels_paths_anchors_and_ends() -> None:
    """A section ends before the next heading of any level; what stands before the first is one of level 0."""
    found = book("Hello.\n\n# A *b*\n\ntext\n\n## C\n\n### D\n\n## C\n").sections
    assert [(each.level, each.title, each.anchor, each.path, each.line, each.end_line) for each in found] == [
        (0, "", "", (), 1, 2),
        (1, "A b", "a-b", ("A b",), 3, 6),
        (2, "C", "c", ("A b", "C"), 7, 8),
        (3, "D", "d", ("A b", "C", "D"), 9, 10),
        (2, "C", "c-1", ("A b", "C"), 11, 12),
    ]


def test_front_matter_is_no_heading() -> None:
    """CommonMark would make one of its last line."""
    found = book("---\ndoc_id: X-1\nlast_reviewed: 2024-05-01\n---\n\n# A\n")
    assert [(each.title, each.line) for each in found.sections] == [("A", 6)]
    assert found.metadata == ((2, "doc_id: X-1"), (3, "last_reviewed: 2024-05-01"))
    assert [(each.kind, str(each.on)) for each in found.reviews] == [("reviewed", "2024-05-01")]


def test_blocks_stand_in_their_order() -> None:
    """Prose, items with depth, number and tick, and blocks with the item and the label they belong to."""
    text = """\
        # A

        **Steps:**
        ```bash
        true
        ```

        1. First
           ```sh x=1
           two
             three
           ```
        2. Second
           - [x] done
           - [ ] open

            > quoted
        """
    blocks = book(text).sections[0].blocks
    kinds = [type(each).__name__ for each in blocks]
    assert kinds == ["Prose", "Fence", "Item", "Fence", "Item", "Item", "Item", "Prose"]
    label, first, item, second, third, done, open_, quoted = blocks
    assert isinstance(label, Prose)
    assert label.text == "Steps:"
    assert isinstance(first, Fence)
    assert (first.label, first.item, first.body) == ("Steps", None, ("true",))
    assert isinstance(second, Fence)
    assert (second.line, second.end_line, second.body_line) == (9, 12, 10)
    assert (second.language, second.attributes, second.body, second.columns) == ("sh", "x=1", ("two", "  three"), (4, 4))
    assert second.item == item
    assert isinstance(item, Item)
    assert isinstance(third, Item)
    assert (item.number, third.number, third.depth) == (1, 2, 1)
    assert isinstance(done, Item)
    assert isinstance(open_, Item)
    assert (done.checked, done.text, done.depth, open_.checked) == (True, "done", 2, False)
    assert isinstance(quoted, Prose)
    assert quoted.quoted


def test_tables_have_cells_with_places_and_figures() -> None:
    """Header and rows; a column is found by its title."""
    table = book("# A\n\n| Kind | RTO |\n|---|---|\n| `x` \\| y | < 5 minutes |\n").tables[0]
    assert isinstance(table, Table)
    assert [each.text for each in table.header] == ["Kind", "RTO"]
    (cell,) = table.column("rto")
    assert (cell.text, cell.line, cell.column) == ("< 5 minutes", 5, 14)
    assert [(each.comparison, each.value) for each in cell.figures] == [("<", 300.0)]
    assert table.column("nothing") == ()


def test_an_open_block_is_told() -> None:
    """CommonMark closes it at the end of the document; its commands are read all the same."""
    found = book("# A\n\n```bash\ntrue\n")
    assert [each.text for each in found.commands] == ["true"]
    assert [(each.kind, each.line) for each in found.notes] == [("fence", 3)]


def test_quoted_and_tabbed_blocks_keep_their_columns() -> None:
    """The markers of a quote are no part of a command."""
    found = book("# A\n\n> ```bash\n> true  x\n> ```\n").commands[0]
    assert (found.text, found.line, found.column) == ("true  x", 4, 3)
