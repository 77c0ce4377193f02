"""What a family of networks is: names and shapes of its parameters, and a forward pass."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sinefit.parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Family(ABC):
    """A kind of trainable function; its forward pass is the reference for every faster one.

    Its settings are its dataclass fields, each with a default and with its help text and range as
    metadata (see `sinefit.parameters`); a value out of range raises `SettingError`. They can be
    written in one word, `wire:omega=10`, and are kept in the weights file.
    """

    name: ClassVar[str]
    """What weights files and the command line call it."""
    formula: ClassVar[str]
    """A layer, and what is around the layers, in one line."""
    advice: ClassVar[str]
    """What it is good for, in one sentence."""
    reference: ClassVar[str]
    """Authors, year, title or venue, and section or equation."""
    kept_values: ClassVar[int] = 2
    """About how many values of a neuron and sample training by autograd keeps."""

    def __post_init__(self) -> None:
        check_parameters(self, f"network {self.name}")

    @abstractmethod
    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of each parameter of one member by its name, in the order of storage.

        The values are float32; a complex parameter has a last axis of two, real and imaginary part.
        """

    @abstractmethod
    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out).

        Every parameter has a leading axis of members, each of which sees its own coordinates.
        """

    def outputs(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> tuple[Tensor, ...]:
        """Return all that training holds against the targets, each like that of `forward`.

        That comes last; most families have no other.
        """
        return (self.forward(parameters, coordinates),)

    def parameter_count(self, size: NetworkSize) -> int:
        """Return the number of values of one member."""
        return sum(math.prod(shape) for shape in self.shapes(size).values())

    def suited(self, shape: tuple[int, ...]) -> Self:
        """Return the same with what the settings leave to the signal.

        `shape` holds the samples along each coordinate. Most families leave nothing to it.
        """
        del shape
        return self


class Published(Family):
    """A family that starts and learns as its paper has it.

    A plain sine network does not: its start is an initializer's matter.
    """

    start: ClassVar[str]
    """How the weights are drawn, in one line."""
    usual_rate: ClassVar[float]
    """Adam's peak learning rate on all weights."""
    rate_source: ClassVar[str]
    """Where that is from."""

    @abstractmethod
    def draw(
        self, size: NetworkSize, shape: tuple[int, ...], generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """Draw the starting values of one member by parameter, float32.

        `shape` holds the samples of the signal along each coordinate.
        """

    def frozen(self, size: NetworkSize) -> frozenset[str]:
        """Return the parameters that training leaves as they are drawn."""
        del size
        return frozenset()
