"""What may be had of a provider, and that a restart is no reset."""

from __future__ import annotations

from pathlib import Path

from fakes.services.quotas import Quota, QuotaFile


def quota(limit: int = 2) -> Quota:
    return Quota("alphavantage", "price-primary", limit, window_s=60.0)


def test_a_quota_is_used_up_and_comes_back_with_the_next_window() -> None:
    """The window begins with the first use, not with the start."""
    one = quota()
    assert one.left(100.0) == 2
    assert one.ends_in_s(100.0) is None
    assert [one.take(at_s) for at_s in (100.0, 110.0, 159.9)] == [True, True, False]
    assert one.ends_in_s(150.0) == 10.0
    assert one.take(160.0)
    assert one.left(160.0) == 1


def test_many_are_used_at_once_but_no_more_than_there_are() -> None:
    """The window begins with them; of nothing left, nothing is used."""
    one = quota(5)
    assert [one.take_many(3, 100.0), one.take_many(3, 110.0), one.take_many(3, 110.0)] == [3, 2, 0]
    assert (one.left(110.0), one.ends_in_s(110.0)) == (0, 50.0)


def test_a_reset_gives_all_of_it_at_once() -> None:
    """Whatever was used."""
    one = quota()
    while one.take(5.0):
        pass
    one.reset()
    assert (one.left(5.0), one.ends_in_s(5.0)) == (2, None)


def test_what_was_used_is_known_after_a_restart(tmp_path: Path) -> None:
    """Else a restart would be a reset, and the provider would know better."""
    path = tmp_path / "quotas.json"
    before = quota()
    file = QuotaFile(path, [before])
    before.take(7.0)
    file.write()
    after = quota()
    QuotaFile(path, [after])
    assert (after.used, after.ends_in_s(7.0)) == (1, 60.0)
