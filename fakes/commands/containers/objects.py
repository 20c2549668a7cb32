"""What the container engine remembers beside the stack's processes: images, and containers that were removed.

Both are objects in the control API's store, of kinds that no cluster has, so that every command of a drill knows of them.
"""

from __future__ import annotations

import time
import zlib
from typing import NamedTuple

from fakes.commands.control import Control, Refused, Unit

PLACE = "_"  # the store's name for what belongs to no namespace
_IMAGE, _REMOVED = "EngineImage", "RemovedContainer"


class Image(NamedTuple):
    """An image that was built or tagged here."""

    reference: str  # REPOSITORY:TAG
    identity: str
    made_s: float
    size: int

    @property
    def repository(self) -> str:
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.reference.rpartition(":")[2]


def images(control: Control) -> list[Image]:
    """Newest first."""
    found = [
        Image(str(spec["reference"]), str(spec["identity"]), float(spec["made_s"]), int(spec["size"]))
        for spec in (each["spec"] for each in control.objects(_IMAGE))
    ]
    return sorted(found, key=lambda image: -image.made_s)


def keep_image(control: Control, image: Image) -> None:
    control.put_object(_manifest(_IMAGE, _key(image.reference), image._asdict()))


def drop_image(control: Control, image: Image) -> None:
    control.delete_object(_IMAGE, PLACE, _key(image.reference))


def new_image(reference: str, digest: str, size: int) -> Image:
    return Image(reference, digest[:12], time.time(), size)


def removed(control: Control) -> frozenset[str]:
    """The units whose containers were removed and have not come back since."""
    return frozenset(str(each["metadata"]["name"]) for each in control.objects(_REMOVED))


def remove(control: Control, unit: Unit) -> None:
    control.put_object(_manifest(_REMOVED, unit.name, {}))


def restore(control: Control, unit: Unit) -> None:
    """A new container takes the place of a removed one."""
    try:
        control.delete_object(_REMOVED, PLACE, unit.name)
    except Refused as error:
        if error.status != 404:  # it was there all along
            raise


def _key(reference: str) -> str:
    return f"image-{zlib.crc32(reference.encode()):08x}"


def _manifest(kind: str, name: str, spec: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": "engine/v1", "kind": kind, "metadata": {"name": name, "namespace": PLACE}, "spec": spec}
