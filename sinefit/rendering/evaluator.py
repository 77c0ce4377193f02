"""Evaluation of a network over many coordinates, in float32, with memory that does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.sine import SineNetwork

PIECE: Final = 8192
"""Samples per piece on the CPU: two buffers of this many times a usual width stay in cache."""
DEVICE_PIECE: Final = 2**18
"""Samples per piece on other devices, which need more work per launch."""


class Evaluator:
    """The network's forward pass over two buffers that are allocated once.

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
        for weight, bias in zip(self._weights[:-1], self._biases[:-1], strict=True):
            torch.addmm(bias, hidden, weight.T, out=current)  # (count, width)
            hidden = torch.sin(current, out=current)
            current, spare = spare, current
        return torch.addmm(self._biases[-1], hidden, self._weights[-1].T)
