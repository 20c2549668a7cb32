"""A PDF of plain lines: A4 pages in Courier, one of the fonts that every reader has. Nothing but PDF 1.4's least."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTH, _HEIGHT, _MARGIN, _SIZE, _LEADING = 595, 842, 50, 9, 12
_COLUMNS = int((_WIDTH - 2 * _MARGIN) / (_SIZE * 0.6))  # a letter of Courier is 0.6 of its size wide
_ROWS = (_HEIGHT - 2 * _MARGIN) // _LEADING


def document(lines: Sequence[str], *, title: str) -> bytes:
    """The whole file. Lines that are too long are wrapped; what Latin-1 lacks becomes a question mark."""
    rows = [part for line in lines for part in _wrapped(line)] or [""]
    pages = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = _content(page)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}]"
            f" /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects.append(b"<< /Title %s /Producer (eafix-cli) >>" % _string(title))
    return _file(objects)


def _wrapped(line: str) -> list[str]:
    found, rest = [], line.expandtabs(4)
    while len(rest) > _COLUMNS:
        at = rest.rfind(" ", _COLUMNS // 2, _COLUMNS + 1)
        at = at if at > 0 else _COLUMNS
        found.append(rest[:at])
        rest = "    " + rest[at:].lstrip()
    return [*found, rest]


def _content(rows: Sequence[str]) -> bytes:
    shown = b"\n".join(b"%s Tj T*" % _string(row) for row in rows)
    return b"BT /F1 %d Tf %d TL %d %d Td\n%s\nET" % (_SIZE, _LEADING, _MARGIN, _HEIGHT - _MARGIN - _SIZE, shown)


def _string(text: str) -> bytes:
    """A literal string: its parentheses and backslashes escaped, no control characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text).encode("latin-1", "replace")
    return b"(" + plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"


def _file(objects: Sequence[bytes]) -> bytes:
    """Objects numbered from 1, the first the catalogue, the last the information; then the table of where each begins."""
    body, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    body += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        len(objects),
        start,
    )
    return bytes(body)
