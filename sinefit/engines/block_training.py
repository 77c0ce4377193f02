"""The training of a stack by the kernel of `block_kernels`: what it is launched with.

Import it only where Triton is installed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
import triton  # type: ignore[import-not-found,import-untyped,unused-ignore]

from sinefit.engines import block_kernels
from sinefit.engines.graphics import sent
from sinefit.native.shuffles import Shuffles
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Precision
    from sinefit.networks.size import NetworkSize

WIDEST: Final = 128
"""Widest networks whose activations and gradients a multiprocessor's registers hold."""
MOST_FEATURES: Final = 8
MOST_CHANNELS: Final = 16
"""Coordinates and channels up to which their loops are worth writing out."""
DEEPEST: Final = 8
"""Sine layers up to which the same holds."""
TILE: Final = 1024
"""Values that a program updates at a time."""
LAUNCHED: Final = 512
"""Steps of a launch, so that none takes seconds: a device that shows a screen would be reset."""


@dataclass(frozen=True)
class Shape:
    """How a program cuts up its work."""

    columns: int
    """The width, padded to what products on tensor cores take."""
    rows: int
    """Samples at a time."""
    warps: int


def fits(size: NetworkSize) -> bool:
    """Tell whether the kernel can take networks of this size."""
    return (
        size.width <= WIDEST
        and size.depth <= DEEPEST
        and size.in_features <= MOST_FEATURES
        and size.out_features <= MOST_CHANNELS
    )


def shape_for(width: int, batch: int) -> Shape:
    """Return the work of a program at a time: sines and cosines of all layers stay in registers."""
    columns = max(16, triton.next_power_of_2(width))
    most, warps = {16: (64, 4), 32: (64, 4), 64: (64, 4), 128: (32, 8)}[columns]
    return Shape(columns, min(most, max(16, triton.next_power_of_2(batch))), warps)


class BlockTraining:
    """Trains every member by a program of its own, all its steps in one launch."""

    def __init__(
        self,
        size: NetworkSize,
        adam: Adam,
        tables: Sequence[Tensor],
        precision: Precision,
        shape: Shape | None = None,
    ) -> None:
        """Take tables (samples, in + out) of all members; precision is float16 or float32.

        Without a `shape` that of `shape_for` is taken.
        """
        values = adam.values
        self._size = size
        self._adam = adam
        self._shape = shape
        self._samples = torch.cat([*tables])
        lengths = torch.tensor([0, *(len(table) for table in tables)])
        self._begins = lengths.cumsum(0)[:-1].to(values.device)
        self._halved = precision == "float16"
        hidden = max(1, (size.depth - 1) * size.width**2) if self._halved else 1
        self._factors = torch.empty((len(values), hidden), dtype=torch.float16).to(values.device)
        self._gradients = torch.zeros_like(values)

    def take(self, indices: Tensor | Shuffles, factors: Tensor) -> Tensor:
        """Take steps on samples (steps, members, batch) at factors (steps, members) on the rates.

        Factors are float64, on the CPU. Returns the sums of the members' losses before the steps
        (members,), on the device. Nothing waits for it.
        """
        adam = self._adam
        device = adam.values.device
        drawn = indices.indices() if isinstance(indices, Shuffles) else indices
        drawn = drawn.to(device, torch.int32, non_blocking=True).contiguous()
        paces = sent(adam.paces(factors), device)
        losses = torch.zeros((-(-len(drawn) // LAUNCHED), len(adam.values)), device=device)
        with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
            for number, row in enumerate(losses):
                part = slice(number * LAUNCHED, (number + 1) * LAUNCHED)
                self._launch(drawn[part], paces[part], row)
        adam.steps += len(drawn)
        return losses.sum(dim=0)

    def _launch(self, indices: Tensor, paces: Tensor, losses: Tensor) -> None:
        adam, size = self._adam, self._size
        steps, members, batch = indices.shape
        shape = self._shape or shape_for(size.width, batch)
        block_kernels.train[(members,)](
            adam.values,
            *adam.averages,
            adam.rates,
            adam.rates if adam.bounds is None else adam.bounds,
            self._samples,
            self._begins,
            indices,
            paces,
            self._factors,
            self._gradients,
            losses,
            members,
            steps,
            batch,
            1.0 / (batch * size.out_features),
            *adam.constants,
            adam.bounds is not None,
            self._halved,
            size.in_features,
            size.width,
            size.depth,
            size.out_features,
            shape.columns,
            shape.rows,
            TILE,
            num_warps=shape.warps,
            # A load of the next step that is begun early would find the weights of this one.
            num_stages=1,
        )


def attempt(size: NetworkSize, batch: int, device: torch.device, precision: Precision) -> None:
    """Make the kernel and train with it as a fit does; raises whatever stands in the way."""
    if not fits(size):
        raise ValueError("a multiprocessor has not the registers for networks of this size")
    from sinefit.engines.adam import Adam

    network = Network(SINE, size, torch.zeros((2, size.parameter_count), device=device))
    one = torch.ones_like(network.values)
    table = torch.ones((batch, size.in_features + size.out_features), device=device)
    indices = torch.arange(batch, device=device).expand(2, 2, batch)
    for bounds in (None, one):
        network.values.zero_()
        training = BlockTraining(size, Adam(network, one, bounds), [table, table], precision)
        # Outputs of 0 where 1 is wanted; then the biases of the outputs have moved there.
        losses = training.take(indices, torch.ones((2, 2), dtype=torch.float64))
        if not bool(torch.isclose(losses, torch.ones_like(losses), rtol=0.02).all()):
            raise ValueError("its kernel computes something else")
