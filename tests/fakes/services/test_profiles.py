"""Heap profiles in pprof's format."""

from __future__ import annotations

import gzip

from fakes.services.profiles import heap, profile


class Held:
    """Something that is found again in a profile."""


def test_what_is_held_is_counted_by_type() -> None:
    """Its number, and bytes of it; and the rest of the memory is not left out."""
    held = [Held() for _ in range(500)]
    found = heap()
    count, size = found["tests.fakes.services.test_profiles.Held"]
    assert count >= len(held)
    assert size >= 500 * 16
    assert sum(size for _, size in found.values()) > 1_000_000


def test_a_profile_is_gzipped_and_names_what_it_counts() -> None:
    """Field 6 of profile.proto is the table of texts, whose first is empty."""
    content = gzip.decompress(profile({"a.Type": (3, 300)}))
    texts = [b"", b"inuse_objects", b"count", b"inuse_space", b"bytes", b"a.Type"]
    assert b"".join(b"\x32" + bytes([len(text)]) + text for text in texts) in content
    assert b"\x12\x08\x0a\x01\x01\x12\x03\x03\xac\x02" in content  # the sample: location 1; 3 objects, 300 bytes
