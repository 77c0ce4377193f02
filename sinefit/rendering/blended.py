"""What rendering asks of a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.networks.network import Network
    from sinefit.signals.blocks import BlockGrid


class Blended(Protocol):
    """What is rendered: networks and the blocks that they are on, as a `Field` has them."""

    @property
    def network(self) -> Network:
        """A stack with a member per block; it is evaluated where its weights are."""

    @property
    def blocks(self) -> BlockGrid:
        """Where the blocks lie."""

    @property
    def numbers(self) -> Sequence[int] | None:
        """Which blocks the members are on, None for all of them in turn."""
