from __future__ import annotations

import pytest

from scenarios.reading.text import Mojibake, Undecodable, decode, repaired


def test_bytes_that_are_not_utf8_stay_visible() -> None:
    """They are told at their place, and nothing around them is lost."""
    text = decode(b"one\r\ntw\xffo \xe2\x82 three")
    assert text.lines == ("one", "tw\\xffo \\xe2\\x82 three")
    assert text.undecodable == (Undecodable(2, 3, 0xFF), Undecodable(2, 9, 0xE2), Undecodable(2, 13, 0x82))


def test_a_byte_order_mark_is_no_text() -> None:
    """Some editors write one; columns count without it."""
    assert decode(b"\xef\xbb\xbf# A").lines == ("# A",)


def test_only_line_feeds_and_carriage_returns_end_a_line() -> None:
    """What Python calls a line end besides is part of a line in CommonMark: line numbers agree with an editor's."""
    assert decode("a\x0bb\x85c\u2028d\re\nf".encode()).lines == ("a\x0bb\x85c\u2028d", "e", "f")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("\uf8ffüö®", "🚨"),
        ("\u201aö†Ô∏è", "⚠️"),
        ("\u201aúÖ", "✅"),
        ("â€“", "–"),
        ("Ã©", "é"),
        ("é", None),
        ("✓", None),
        ("Größe", None),
        ("“", None),
    ],
)
def test_mojibake_is_known_by_what_it_was(text: str, meant: str | None) -> None:
    """UTF-8 read as Mac Roman or Windows-1252; a text that was written so is left alone."""
    found = repaired(text)
    assert (found[0] if found else None) == meant


def test_mojibake_is_told_at_its_place() -> None:
    """Line and column, and what was meant."""
    assert decode("# A\n\n## \u201aúÖ Done".encode()).mojibake == (Mojibake(3, 4, "\u201aúÖ", "✅", "mac_roman"),)
