"""A recorder for the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


class Tape:
    """Records as a device does: what is recorded is not done, and is done at every replay."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.events: list[str] = []
        """What it was asked for, in order."""
        self.scarce_after: int | None = None
        """Rehearsals after which there is no memory for another; None: always."""
        self._failure = failure

    def rehearse(self, work: Callable[[], None]) -> None:
        if self.events.count("rehearse") == self.scarce_after:
            self.scarce_after = None
            raise torch.OutOfMemoryError("no memory for this step")
        self.events.append("rehearse")
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.events.append("record")
        if self._failure is not None:
            raise self._failure

        def replay() -> None:
            self.events.append("replay")
            work()

        return replay
