"""The stages of a CUDA step in Triton. Import it only where Triton is installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import torch
import triton  # type: ignore[import-not-found,import-untyped,unused-ignore]

from sinefit.engines import kernels
from sinefit.engines.stages import SumLayout, multiply

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.size import NetworkSize

TILE: Final = 4096
"""Values that a program holds of one matrix: 32 for each thread of its four warps."""
PROGRAMS: Final = 256
"""Most programs that share the samples where sums are taken; about two per multiprocessor."""
MOST_SUMS: Final = 2**13
"""Sums over samples up to which a program has registers for them, 64 in each thread."""
ADAM_TILE: Final = 1024
LAYER_ROWS: Final = 64
LAYER_COLUMNS: Final = 128
LAYER_INNER: Final = 64
LAYER_WARPS: Final = 8
"""Samples, neurons and neurons of the layer below that a program multiplies at a time: a batch of
4096 and a width of 256 make 128 programs, about one for each multiprocessor of a large device.
Fewer warps than these would have to keep values outside of their registers."""


def fits(size: NetworkSize) -> bool:
    """Tell whether the kernels can take a network of this size."""
    most: int = triton.next_power_of_2(max(size.in_features, size.out_features))
    columns: int = triton.next_power_of_2(size.width)
    return columns <= TILE and most * columns <= MOST_SUMS


class TritonStages:
    """`PlainStages`, each stage one kernel; for sizes that `fits` admits."""

    def __init__(
        self,
        size: NetworkSize,
        piece: int,
        device: torch.device,
        *,
        tile: int = TILE,
        programs: int = PROGRAMS,
        fused: bool = True,
    ) -> None:
        """Make stages for parts of so many samples; `fused` takes sines in the products' kernels.

        That is for factors in 16 bit: a library's products of float32 are faster.
        """
        self._size = size
        self._fused = fused
        self._layout = SumLayout(size)
        self._columns: int = triton.next_power_of_2(size.width)
        self._rows = max(1, tile // self._columns)
        tiles = triton.cdiv(piece, self._rows)
        self._tiles: int = triton.cdiv(tiles, programs)
        # Programs without samples, in a piece that is not full, leave sums of zero.
        self._programs: int = triton.cdiv(tiles, self._tiles)
        self.partials = torch.zeros((self._programs, self._layout.count), device=device)

    def first_layer(
        self, coordinates: Tensor, weight: Tensor, bias: Tensor, sines: Tensor, cosines: Tensor
    ) -> None:
        """Write sine and cosine of W x + b."""
        kernels.first_layer[self._grid(coordinates)](
            coordinates,
            *coordinates.stride(),
            weight,
            bias,
            sines,
            cosines,
            len(coordinates),
            self._size.width,
            self._size.in_features,
            self._rows,
            self._columns,
        )

    def layer(
        self,
        below: Tensor,
        weight: Tensor,
        bias: Tensor,
        sines: Tensor,
        cosines: Tensor,
        products: Tensor,
    ) -> None:
        """Write sine and cosine of W x + b: of factors in 16 bit in the product's own kernel."""
        count, width = sines.shape
        if self._fused and below.dtype != torch.float32:
            columns = min(LAYER_COLUMNS, max(16, self._columns))
            grid = (triton.cdiv(count, LAYER_ROWS), triton.cdiv(width, columns))
            kernels.layer[grid](
                below,
                weight,
                bias,
                sines,
                cosines,
                count,
                width,
                LAYER_ROWS,
                columns,
                min(LAYER_INNER, columns),
                num_warps=LAYER_WARPS,
            )
            return
        multiply(below, weight.T, products)
        kernels.activate[self._grid(products)](
            products,
            bias,
            sines,
            cosines,
            count,
            width,
            self._rows,
            self._columns,
        )

    def last_layer(
        self,
        sines: Tensor,
        targets: Tensor,
        weight: Tensor,
        bias: Tensor,
        batch: int,
        flow: Tensor,
        *,
        fresh: bool,
    ) -> None:
        """Write the flow below the last layer, and sum its gradients and the loss."""
        layout, channels = self._layout, self._size.out_features
        kernels.last_layer[(self._programs,)](
            sines,
            targets,
            *targets.stride(),
            weight,
            bias,
            flow,
            self.partials,
            len(sines),
            1.0 / (batch * channels),
            self._tiles,
            self._size.width,
            channels,
            self._rows,
            self._columns,
            triton.next_power_of_2(channels),
            layout.count,
            layout.last,
            layout.last_bias,
            layout.loss,
            fresh,
        )

    def pass_cosines(self, flow: Tensor, cosines: Tensor, layer: int, *, fresh: bool) -> None:
        """Multiply the flow by the cosines, and sum the gradient of the bias."""
        kernels.pass_cosines[(self._programs,)](
            flow,
            cosines,
            self.partials,
            len(flow),
            self._tiles,
            self._size.width,
            self._rows,
            self._columns,
            self._layout.count,
            self._layout.bias(layer),
            fresh,
        )

    def first_gradient(
        self, flow: Tensor, cosines: Tensor, coordinates: Tensor, *, fresh: bool
    ) -> None:
        """Sum the gradients of layer 0."""
        features = self._size.in_features
        kernels.first_gradient[(self._programs,)](
            flow,
            cosines,
            coordinates,
            *coordinates.stride(),
            self.partials,
            len(flow),
            self._tiles,
            self._size.width,
            features,
            self._rows,
            self._columns,
            triton.next_power_of_2(features),
            self._layout.count,
            self._layout.first,
            fresh,
        )

    def _grid(self, samples: Tensor) -> tuple[int]:
        return (triton.cdiv(len(samples), self._rows),)


def adam(
    values: Tensor,
    gradient: Tensor,
    averages: tuple[Tensor, Tensor],
    rates: Tensor,
    bounds: Tensor | None,
    pace: Tensor,
    constants: tuple[float, float, float],
) -> None:
    """Update rows of values in place, as `plain_update` does; only gradients may lie apart."""
    members, count = values.shape
    kernels.adam[(triton.cdiv(count, ADAM_TILE), members)](
        values,
        gradient,
        gradient.stride(0),
        *averages,
        rates,
        rates if bounds is None else bounds,
        pace,
        pace.stride(0),
        count,
        *constants,
        bounds is not None,
        ADAM_TILE,
    )


def attempt(size: NetworkSize, piece: int, device: torch.device, operands: torch.dtype) -> None:
    """Make and run every stage as a training step does; raises whatever stands in the way."""
    if not fits(size):
        raise ValueError("it has not the registers for networks of this size")
    stages = TritonStages(size, piece, device)
    coordinates = torch.zeros((piece, size.in_features), device=device)
    targets = torch.ones((piece, size.out_features), device=device)
    first = torch.ones((size.width, size.in_features), device=device)
    last = torch.zeros((size.out_features, size.width), device=device)
    bias, last_bias = torch.ones(size.width, device=device), torch.zeros_like(targets[0])
    sines, cosines, flow = (
        torch.zeros((piece, size.width), device=device, dtype=operands) for _ in range(3)
    )
    products = torch.zeros((piece, size.width), device=device)
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        stages.first_layer(coordinates, first, bias, sines, cosines)
        weight = torch.zeros((size.width, size.width), device=device, dtype=operands)
        below = torch.zeros_like(sines)
        stages.layer(below, weight, bias, sines, cosines, products)
        for fresh in (True, False):  # each is a kernel of its own
            stages.last_layer(sines, targets, last, last_bias, piece, flow, fresh=fresh)
            for layer in range(1, size.depth):
                stages.pass_cosines(flow, cosines, layer, fresh=fresh)
            stages.first_gradient(flow, cosines, coordinates, fresh=fresh)
    _expect(sines.float().square() + cosines.float().square(), 1.0)
    # Outputs of 0 where 1 is wanted, seen twice.
    _expect(stages.partials[:, SumLayout(size).loss].sum(), 2.0)


def attempt_adam(device: torch.device) -> None:
    """Make and run the update; raises whatever stands in the way."""
    count = 3 * ADAM_TILE // 2
    values, first, second = (torch.zeros((2, count), device=device) for _ in range(3))
    gradient, pace = torch.ones_like(values), torch.ones((2, 2, 1), device=device)
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        for bounds in (None, gradient):
            adam(values, gradient, (first, second), gradient, bounds, pace, (0.0, 0.0, 1e-12))
    _expect(values, -1.0)  # two steps of -1 each, the second held at its bound


def _expect(found: Tensor, value: float) -> None:
    if not bool(torch.isclose(found, found.new_tensor(value), rtol=0.02).all()):
        raise ValueError("its kernels compute something else")
