"""What a family of networks is: names and shapes of its parameters, and a forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.networks.size import NetworkSize


class Family(Protocol):
    """A kind of trainable function; its forward pass is the reference for every faster one."""

    @property
    def name(self) -> str:
        """What weights files and the command line call it."""

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of each parameter of one member by its name, in the order of storage.

        The values are float32; a complex parameter has a last axis of two, real and imaginary part.
        """

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out).

        Every parameter has a leading axis of members, each of which sees its own coordinates.
        """
