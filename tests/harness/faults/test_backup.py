"""Claims about the faults of backups: each is real, and is found by reading back before anybody needs the backup."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.errors import FaultError, HarnessError
from harness.faults.base import Fault
from harness.faults.build import build_fault
from harness.stack.backups import Backups
from scenarios.faults import Fault as FaultModel
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted

_READ: TypeAdapter[FaultModel] = TypeAdapter(FaultModel)
_NEVER = 1e6
real = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    cadences = {f"backup.{job}_every_s": _NEVER for job in ("log", "full", "incremental", "redis", "verify")}
    try:
        with booted("eafix", folder, {"backup.enabled": True, **cadences}) as found:
            yield found
    finally:
        shutil.rmtree(folder)


def backups(platform: Platform) -> Backups:
    assert platform.stack.backups is not None
    return platform.stack.backups


def fault_of(platform: Platform, kind: str, **fields: Any) -> Fault:
    return build_fault(_READ.validate_python({"fault": kind, **fields}), 1, platform.stack)


@contextmanager
def injected(platform: Platform, kind: str, **fields: Any) -> Iterator[str]:
    """Each verb twice, as it may be; what was seen of it."""
    fault = fault_of(platform, kind, **fields)
    platform.call(fault.heal())
    assert platform.call(fault.bitten()) is None
    try:
        platform.call(fault.inject())
        evidence = eventually(lambda: platform.call(fault.bitten()))
        platform.call(fault.inject())
        yield evidence
    finally:
        platform.call(fault.heal())
        platform.call(fault.heal())


def reported(platform: Platform, series: str, value: float) -> None:
    """The exporter says so, to whoever scrapes it."""
    eventually(lambda: True if platform.metric("exporter", series) == value else None)


def good_again(platform: Platform) -> None:
    """A new base backup, and everything can be read."""
    platform.call(backups(platform).take())
    for place in ("on-site", "off-site"):
        reported(platform, f'backup_readable{{place="{place}"}}', 1)


class TestOnAStack:
    """Of one stack, booted once."""

    pytestmark = real

    def test_no_job_succeeds_while_its_role_may_not_log_in(self, platform: Platform) -> None:
        """Base backup and log fail with the server's own words, the exit code says so, and all is well once the role may again."""
        jobs: dict[str, Callable[[], Any]] = {"full": backups(platform).take, "log": backups(platform).ship}
        with injected(platform, "backup.failing") as evidence:
            assert "not permitted to log in" in evidence
            for job, work in jobs.items():
                with pytest.raises(HarnessError):
                    platform.call(work())
                reported(platform, f'backup_exit_code{{backup="{job}"}}', 1)
        for job, work in jobs.items():
            platform.call(work())
            reported(platform, f'backup_exit_code{{backup="{job}"}}', 0)

    @pytest.mark.parametrize("place", ["on-site", "off-site"])
    def test_half_a_file_is_found_when_it_is_read_back(self, platform: Platform, place: str) -> None:
        """At that place, and not at the other; a new base backup ends it."""
        other = "off-site" if place == "on-site" else "on-site"
        with injected(platform, "backup.truncated", place=place) as evidence:
            assert " of " in evidence
            with pytest.raises(HarnessError, match=place):
                platform.call(backups(platform).verify())
            reported(platform, f'backup_readable{{place="{place}"}}', 0)
            reported(platform, f'backup_readable{{place="{other}"}}', 1)
        good_again(platform)

    @pytest.mark.parametrize("place", ["on-site", "off-site"])
    def test_flipped_bits_are_found_when_it_is_read_back(self, platform: Platform, place: str) -> None:
        """The size of every file is right, and what stands in it is not."""
        with injected(platform, "backup.unreadable", how="bits-flipped", place=place):
            with pytest.raises(HarnessError, match=place):
                platform.call(backups(platform).verify())
            reported(platform, f'backup_readable{{place="{place}"}}', 0)
        good_again(platform)

    @pytest.mark.parametrize(("how", "words"), [("key-lost", "the key of the backups is gone"), ("wrong-key", "is not the key")])
    def test_without_its_key_nothing_off_site_can_be_read_or_added(self, platform: Platform, how: str, words: str) -> None:
        """A backup under another key would be one that nobody opens later: it is refused. On site everything can be read."""
        with injected(platform, "backup.unreadable", how=how):
            with pytest.raises(HarnessError, match=words):
                platform.call(backups(platform).verify())
            reported(platform, 'backup_readable{place="off-site"}', 0)
            reported(platform, 'backup_readable{place="on-site"}', 1)
            eventually(
                lambda: platform.order(f"sealed-{how}").is_success or None
            )  # where nothing is new, nothing is to be sealed
            with pytest.raises(HarnessError, match=words):
                platform.call(backups(platform).ship())
        platform.call(backups(platform).ship())
        platform.call(backups(platform).verify())
        reported(platform, 'backup_readable{place="off-site"}', 1)

    def test_what_does_not_leave_the_site_grows_old(self, platform: Platform) -> None:
        """Nothing is shipped, which the job says, and the age of what lies off site grows; then everything that waited is there."""
        platform.call(backups(platform).ship())
        before = backups(platform).reaches_s
        with injected(platform, "backup.unshipped"):
            with pytest.raises(HarnessError, match="off site can't be reached"):
                platform.call(backups(platform).ship())
            reported(platform, 'backup_exit_code{backup="log"}', 1)
            assert backups(platform).reaches_s == before
            age = platform.metric("exporter", 'backup_age_seconds{backup="log"}')
            assert age is not None
            eventually(lambda: (platform.metric("exporter", 'backup_age_seconds{backup="log"}') or 0) > age or None)
        platform.call(backups(platform).ship())
        reported(platform, 'backup_exit_code{backup="log"}', 0)
        reached = backups(platform).reaches_s
        assert before is not None
        assert reached is not None
        assert reached > before


def test_a_key_on_site_is_refused() -> None:
    """Nothing is encrypted there."""
    with pytest.raises(ValidationError, match="nothing is encrypted on site"):
        _READ.validate_python({"fault": "backup.unreadable", "how": "key-lost", "place": "on-site"})


def test_flipped_bits_heal_by_nobody() -> None:
    """Somebody must take another backup."""
    with pytest.raises(ValidationError, match="flipped bits are not healed"):
        _READ.validate_python({"fault": "backup.unreadable", "how": "bits-flipped", "heal-after": "1m"})


@pytest.mark.real
def test_a_stack_without_backups_has_none_to_hurt(tmp_path: Path) -> None:
    """It is said, and nothing is injected."""
    platform = Platform("eafix", tmp_path)
    try:
        for kind in ("backup.failing", "backup.truncated", "backup.unshipped"):
            with pytest.raises(FaultError, match=r"set backup\.enabled"):
                platform.call(fault_of(platform, kind).inject())
    finally:
        platform.stop()
