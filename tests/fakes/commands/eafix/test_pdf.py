"""A PDF that readers can read: every object stands where the table says."""

from __future__ import annotations

import re

from fakes.commands.eafix.pdf import document


def test_the_table_leads_to_every_object() -> None:
    """Whatever characters the lines have and however many pages they take; the trailer leads to the table."""
    made = document([f"line {number} (\\) \u00e9 \u2603" for number in range(200)], title="A (B)")
    start = int(made.rpartition(b"startxref\n")[2].split()[0])
    assert made[start:].startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"^(\d{10}) 00000 n $", made[start:], re.MULTILINE)]
    for number, place in enumerate(places, start=1):
        assert made[place:].startswith(b"%d 0 obj\n" % number)
    assert b"/Count 4" in made
    assert made.count(b"/Type /Page ") == 4
    assert len(places) == 3 + 2 * 4 + 1
    assert b"(line 7 \\(\\\\\\) \xe9 ?) Tj T*" in made
    for length, content in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", made, re.DOTALL):
        assert int(length) == len(content)


def test_long_lines_are_wrapped_at_their_words() -> None:
    """Nothing runs over the edge and nothing is lost."""
    words = [f"word{number}" for number in range(60)]
    made = document([" ".join(words), "x" * 200], title="t")
    rows = re.findall(rb"\((.*)\) Tj T\*", made)
    assert max(map(len, rows)) <= 92
    assert b" ".join(rows).split()[:60] == [word.encode() for word in words]
    assert b"".join(rows).count(b"x") == 200
