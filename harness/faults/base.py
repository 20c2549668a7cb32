"""What a fault is."""

from __future__ import annotations

from typing import Protocol


class Fault(Protocol):
    """One way to hurt the stack. Both verbs are safe to repeat and raise FaultError when they could not do it."""

    name: str

    async def inject(self) -> None: ...

    async def heal(self) -> None: ...

    async def bitten(self) -> str | None:
        """Evidence that the fault acts on the stack, seen by looking at the stack; None while there is none."""
        ...
