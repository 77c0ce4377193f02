"""Evaluation of networks over many coordinates, with memory that does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.forks import begin_threads
from sinefit.native import TileNetwork, tiles_supported
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network

PIECE: Final = 8192
"""Samples per piece on the CPU: two buffers of this many times a usual width stay in cache."""
DEVICE_PIECE: Final = 2**18
"""Samples per piece on other devices, which need more work per launch."""
TILE_PIECE: Final = 2**16
"""Samples per piece on tile registers, which cut it up themselves."""
TILE_BITS: Final = 16
"""Deepest samples that are evaluated on tile registers: they err by about 1e-5 of the full range,
less than half a step of 16 bits."""


EXACT_BITS: Final = 32
"""Depth of samples that show every error of float32."""


class Evaluator(Protocol):
    """Computes networks' outputs for a piece of samples; how it does, a machine decides."""

    piece: int
    """Most samples per call and member."""
    device: torch.device
    """Where coordinates are expected."""

    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""


def choose_evaluator(network: Network, bits: int) -> Evaluator:
    """Return the fastest evaluator whose error samples of so many bits cannot show.

    Raises SettingError in a process that was forked after several threads had computed.
    """
    begin_threads(torch.get_num_threads())
    if network.family is not SINE:
        return FamilyEvaluator(network)
    tiles = network.members == 1 and network.device.type == "cpu" and tiles_supported(network.size)
    if tiles and bits <= TILE_BITS and network.values.dtype == torch.float32:
        return TileEvaluator(network)
    return SineEvaluator(network)


class FamilyEvaluator:
    """The family's own forward pass."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.device = network.device
        self.piece = PIECE if self.device.type == "cpu" else DEVICE_PIECE

    @torch.no_grad()
    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""
        with products_of(torch.float32):
            return self._network(coordinates)


class SineEvaluator:
    """The forward pass of sine networks in float32 over two buffers that are allocated once.

    On Linux a large temporary tensor goes back to the system when it is freed, and asking for its
    pages again takes as long as computing its values; hence the buffers.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.device = network.device
        self.piece = PIECE if self.device.type == "cpu" else DEVICE_PIECE
        while True:
            try:
                room = network.members * self.piece * network.size.width
                self._buffers = torch.empty((2, room), device=self.device)
                break
            except torch.OutOfMemoryError:
                if self.piece == 1:
                    raise
            self.piece = (self.piece + 1) // 2

    @torch.no_grad()
    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""
        parameters, size = self._network.parameters, self._network.size
        shape = (*coordinates.shape[:2], size.width)
        room = shape[0] * shape[1] * shape[2]
        current, spare = (buffer[:room].view(shape) for buffer in self._buffers)
        hidden = coordinates
        with products_of(torch.float32):  # whatever the caller's process allows
            for layer in range(size.depth):
                weight, bias = parameters[weight_name(layer)], parameters[bias_name(layer)]
                torch.baddbmm(bias[:, None], hidden, weight.mT, out=current)
                hidden = torch.sin(current, out=current)
                current, spare = spare, current
            weight, bias = parameters[weight_name(size.depth)], parameters[bias_name(size.depth)]
            return torch.baddbmm(bias[:, None], hidden, weight.mT)


class TileEvaluator:
    """The forward pass of one network in C on the tile registers of the CPU, in two bfloat16.

    The weights are those at construction.
    """

    def __init__(self, network: Network) -> None:
        self.device = network.device
        self.piece = TILE_PIECE
        self._tiles = TileNetwork(network.size, torch.get_num_threads(), split=True, training=False)
        layers = range(network.size.depth + 1)
        self._tiles.load(
            [network.parameters[weight_name(layer)][0].contiguous() for layer in layers],
            [network.parameters[bias_name(layer)][0].contiguous() for layer in layers],
        )

    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (1, count, out) at coordinates (1, count, in)."""
        return self._tiles.evaluate(coordinates[0].contiguous())[None]
