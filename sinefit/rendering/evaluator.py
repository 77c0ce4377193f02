"""Evaluation of a network over many coordinates, with memory that does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.forks import begin_threads
from sinefit.native import TileNetwork, tiles_supported
from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.sine import SineNetwork
    from sinefit.signals.signal import SignalSpec

PIECE: Final = 8192
"""Samples per piece on the CPU: two buffers of this many times a usual width stay in cache."""
DEVICE_PIECE: Final = 2**18
"""Samples per piece on other devices, which need more work per launch."""


TILE_PIECE: Final = 2**16
"""Samples per piece on tile registers, which cut it up themselves."""
TILE_BITS: Final = 16
"""Deepest samples that are evaluated on tile registers: they err by about 1e-5 of the full range,
less than half a step of 16 bits."""


class Evaluator(Protocol):
    """Computes a network's outputs for a piece of samples; how it does, a machine decides."""

    piece: int
    """Most samples per call."""
    device: torch.device
    """Where coordinates are expected."""

    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (count, channels) at coordinates (count, features), count <= `piece`."""


def choose_evaluator(network: SineNetwork, spec: SignalSpec) -> Evaluator:
    """Return the fastest evaluator whose error a signal's samples cannot show.

    Raises SettingError in a process that was forked after several threads had computed.
    """
    device = network.weights[0].device
    begin_threads(torch.get_num_threads())
    if (
        spec.bit_depth <= TILE_BITS
        and device.type == "cpu"
        and network.weights[0].dtype == torch.float32
        and tiles_supported(network.size)
    ):
        return TileEvaluator(network)
    return FloatEvaluator(network)


class TileEvaluator:
    """The forward pass in C on the tile registers of the CPU, factors split in two.

    The weights are those at construction.
    """

    def __init__(self, network: SineNetwork) -> None:
        self.device = network.weights[0].device
        self.piece = TILE_PIECE
        self._tiles = TileNetwork(network.size, torch.get_num_threads(), split=True, training=False)
        self._tiles.load(
            [weight.detach().contiguous() for weight in network.weights],
            [bias.detach().contiguous() for bias in network.biases],
        )

    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (count, channels) at coordinates (count, features)."""
        return self._tiles.evaluate(coordinates.contiguous())


class FloatEvaluator:
    """The network's forward pass in float32 over two buffers that are allocated once.

    On Linux a large temporary tensor goes back to the system when it is freed, and asking for its
    pages again takes as long as computing its values; hence the buffers.
    """

    def __init__(self, network: SineNetwork) -> None:
        self._weights = [parameter.detach() for parameter in network.weights]
        self._biases = [parameter.detach() for parameter in network.biases]
        self.device = self._weights[0].device
        self.piece = PIECE if self.device.type == "cpu" else DEVICE_PIECE
        while True:
            shape = (2, self.piece, network.size.width)
            try:
                self._buffers = torch.empty(shape, device=self.device)
                break
            except torch.OutOfMemoryError:
                if self.piece == 1:
                    raise
            self.piece = (self.piece + 1) // 2

    @torch.no_grad()
    def __call__(self, coordinates: Tensor) -> Tensor:
        """Return values (count, channels) at coordinates (count, features), count <= `piece`."""
        count = len(coordinates)
        current, spare = self._buffers[0][:count], self._buffers[1][:count]
        hidden = coordinates
        with products_of(torch.float32):
            for weight, bias in zip(self._weights[:-1], self._biases[:-1], strict=True):
                torch.addmm(bias, hidden, weight.T, out=current)  # (count, width)
                hidden = torch.sin(current, out=current)
                current, spare = spare, current
            return torch.addmm(self._biases[-1], hidden, self._weights[-1].T)
