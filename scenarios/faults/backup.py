"""Faults of backups: they are not taken, not whole, not off site, or nobody can read them. They want the setting `backup.enabled`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from scenarios.faults.base import BaseFault


class _BackupFault(BaseFault):
    strikes = "nothing"


class BackupFailing(_BackupFault):
    """The role that takes the backups may not log in any more: every job fails. Healed: it may; what was due comes at its next turn."""

    fault: Literal["backup.failing"]


class BackupTruncated(_BackupFault):
    """A file of the newest base backup is cut in half. Healing mends nothing: somebody must take another one."""

    fault: Literal["backup.truncated"]
    place: Literal["on-site", "off-site"] = Field(
        "on-site", description="Where: on site its largest table, off site its archive."
    )


class BackupUnshipped(_BackupFault):
    """Off site can't be reached any more: nothing that is taken leaves the site. Healed: it can; the next shipment brings what waited."""

    fault: Literal["backup.unshipped"]


class BackupUnreadable(_BackupFault):
    """What lies there can't be read. Healed: the key is what it was; flipped bits stay, and somebody must take another one."""

    fault: Literal["backup.unreadable"]
    how: Literal["key-lost", "wrong-key", "bits-flipped"] = Field(
        description="The key of what lies off site is gone; it is another one; or bytes of the newest base backup are others."
    )
    place: Literal["on-site", "off-site"] = Field("off-site", description="Where bits are flipped; keys are for off site alone.")

    @model_validator(mode="after")
    def _consistent(self) -> BackupUnreadable:
        if self.how != "bits-flipped" and self.place == "on-site":
            raise ValueError(f"how: {self.how}, but nothing is encrypted on site; use bits-flipped, or place: off-site")
        if self.how == "bits-flipped" and self.heal_after_s is not None:
            raise ValueError("heal-after: flipped bits are not healed: somebody must take another backup; leave it out")
        return self


BackupFault = BackupFailing | BackupTruncated | BackupUnshipped | BackupUnreadable
NEVER_HEALED = (BackupTruncated,)  # by the harness: it ends when somebody takes another backup
