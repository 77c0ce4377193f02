"""Evaluation of networks over many coordinates, with memory that does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.forks import begin_threads
from sinefit.native import small_networks
from sinefit.native.instruction_sets import InstructionSet, float32_set, tiles_supported
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.processor.products import products_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from sinefit.networks.network import Network

PIECE: Final = 8192
"""Samples per piece on the CPU: two buffers of this many times a usual width stay in cache."""
DEVICE_PIECE: Final = 2**18
"""Samples per piece on other devices, which need more work per launch."""
COMPILED_PIECE: Final = 2**15
"""Samples per piece in C, where they are cut up further."""
COMPILED_BITS: Final = 16
"""Deepest samples that are evaluated in C: tile registers err by about 1e-5 of the full range, less
than half a step of 16 bits."""

EXACT_BITS: Final = 32
"""Depth of samples that show every error of float32."""


class Evaluator(Protocol):
    """Computes networks' outputs for a piece of samples; how it does, a machine decides."""

    piece: int
    """Most samples per call, of each member where all are evaluated, in all where some are."""
    device: torch.device
    """Where coordinates are expected."""

    def __call__(self, coordinates: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in).

        They are those of the members with these numbers, None for all.
        """


def choose_evaluator(network: Network, bits: int, *, by_member: bool = False) -> Evaluator:
    """Return the fastest evaluator whose error samples of so many bits cannot show.

    One `by_member` has no room for all members of a stack at once, only for those that each call
    names. Raises SettingError in a process that was forked after several threads had computed.
    """
    begin_threads(torch.get_num_threads())
    if network.family is not SINE:
        return FamilyEvaluator(network)
    on_cpu = network.device.type == "cpu" and network.values.dtype == torch.float32
    if on_cpu and bits <= COMPILED_BITS and small_networks.supported():
        return CompiledEvaluator(network)
    return SineEvaluator(network, by_member=by_member)


class FamilyEvaluator:
    """The family's own forward pass."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.device = network.device
        self.piece = PIECE if self.device.type == "cpu" else DEVICE_PIECE

    @torch.no_grad()
    def __call__(self, coordinates: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""
        with products_of(torch.float32):
            return self._network.family.forward(_parameters(self._network, members), coordinates)


class SineEvaluator:
    """The forward pass of sine networks in float32 over two buffers that are allocated once.

    On Linux a large temporary tensor goes back to the system when it is freed, and asking for its
    pages again takes as long as computing its values; hence the buffers.
    """

    def __init__(self, network: Network, *, by_member: bool = False) -> None:
        self._network = network
        self.device = network.device
        self.piece = PIECE if self.device.type == "cpu" else DEVICE_PIECE
        members = 1 if by_member else network.members
        while True:
            try:
                room = members * self.piece * network.size.width
                self._buffers = torch.empty((2, room), device=self.device)
                break
            except torch.OutOfMemoryError:
                if self.piece == 1:
                    raise
            self.piece = (self.piece + 1) // 2

    @torch.no_grad()
    def __call__(self, coordinates: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""
        parameters, size = _parameters(self._network, members), self._network.size
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


class CompiledEvaluator:
    """The forward pass in C, a member per thread at a time.

    On tile registers it is in two bfloat16, else in float32. Where there are fewer members than
    threads, each thread takes a part of a member's samples.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.device = network.device
        self.piece = COMPILED_PIECE
        self._instructions = float32_set()
        if tiles_supported(network.size.width):
            self._instructions = InstructionSet.AMX_SPLIT

    def __call__(self, coordinates: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Return values (members, count, out) at coordinates (members, count, in)."""
        rows = self._network.values if members is None else self._network.values[list(members)]
        threads = torch.get_num_threads()
        count = coordinates.shape[1]
        parts = min(count, max(1, threads // max(1, len(rows))))
        if parts > 1:
            length = -(-count // parts)
            coordinates = torch.nn.functional.pad(coordinates, (0, 0, 0, parts * length - count))
            coordinates = coordinates.reshape(-1, length, coordinates.shape[2])
            rows = rows.repeat_interleave(parts, dim=0)
        outputs = small_networks.evaluate(
            self._network.size,
            rows.contiguous(),
            coordinates.contiguous(),
            threads=threads,
            instructions=self._instructions,
        )
        channels = outputs.shape[2]
        return outputs.view(len(rows) // parts, -1, channels)[:, :count]


def _parameters(network: Network, members: Sequence[int] | None) -> Mapping[str, Tensor]:
    """Return the parameters of some members: views of the stack's memory where they lie in turn."""
    if members is None:
        return network.parameters
    first, count = members[0], len(members)
    if list(members) == list(range(first, first + count)):
        return network.views(network.values[first : first + count])
    return network.views(network.values[torch.tensor(members, device=network.device)])
