"""What the device can do at best: measured rates of its products and sines, and a floor of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.benchmark.clock import calls_per_second

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch import Tensor

    from sinefit.benchmark.clock import Clock
    from sinefit.networks.size import NetworkSize

ROWS: Final = 4096
"""Samples per product on the CPU."""
DEVICE_ROWS: Final = 2**15
"""Samples per product on other devices, where fewer would measure how fast work is launched."""
SINES_PER_THREAD: Final = 2**15
"""Elements whose sines are taken: 128 kB of float32 stay in a core's own cache."""
DEVICE_SINES: Final = 2**22
"""The same for other devices, whose cache is one for all."""


@dataclass(frozen=True)
class ProductRates:
    """Rates of the three products of a hidden layer in training, in FLOP/s."""

    operands: str
    """Type of the factors, "float32" or "bfloat16"."""
    forward: float
    """(rows, width) times (width, width)."""
    input_gradient: float
    """The same shapes, the weights not transposed."""
    weight_gradient: float
    """(width, rows) times (rows, width)."""


@dataclass(frozen=True)
class Peak:
    """The measured rates of a device."""

    products: tuple[ProductRates, ...]
    """One per type of operands that the device multiplies."""
    sines: float
    """Elements per second of torch.sin in cache, float32."""


class Operations(Protocol):
    """What is measured, as the module torch has it."""

    def mm(self, first: Tensor, second: Tensor, /, *, out: Tensor) -> object:
        """Write the product of two matrices to `out`."""
        ...

    def sin(self, values: Tensor, /, *, out: Tensor) -> object:
        """Write the sines of values to `out`."""
        ...


def measure_peak(
    size: NetworkSize,
    device: torch.device,
    clock: Clock,
    seconds: float,
    operations: ModuleType | Operations = torch,
) -> Peak:
    """Measure products of the hidden layers' shape and sines, `seconds` for each of seven."""
    rows = ROWS if device.type == "cpu" else DEVICE_ROWS
    products = []
    for operands in (torch.float32, torch.bfloat16):
        # A device that does not multiply a type says so in several ways.
        with contextlib.suppress(RuntimeError, TypeError, NotImplementedError):
            products.append(
                _product_rates(operands, rows, size.width, device, clock, seconds, operations)
            )
    count = SINES_PER_THREAD * torch.get_num_threads() if device.type == "cpu" else DEVICE_SINES
    phases = torch.linspace(-10.0, 10.0, count, device=device)
    values = torch.empty_like(phases)
    sines = count * calls_per_second(lambda: operations.sin(phases, out=values), clock, seconds)
    return Peak(tuple(products), sines)


def floor_pace(size: NetworkSize, peak: Peak) -> float:
    """Return the samples per second of a training step of nothing but products and sines.

    The forward and input-gradient products, the weight-gradient products and a sine and a cosine
    per neuron, one after the other, each at its measured rate and for the products in the faster
    type of operands. The first layer has no input gradient.
    """
    weights = [fan_out * fan_in for fan_out, fan_in in size.layers]
    seconds = 2 * sum(weights) / max(rates.forward for rates in peak.products)
    seconds += 2 * sum(weights[1:]) / max(rates.input_gradient for rates in peak.products)
    seconds += 2 * sum(weights) / max(rates.weight_gradient for rates in peak.products)
    seconds += 2 * size.width * size.depth / peak.sines
    return 1.0 / seconds


def _product_rates(
    operands: torch.dtype,
    rows: int,
    width: int,
    device: torch.device,
    clock: Clock,
    seconds: float,
    operations: ModuleType | Operations,
) -> ProductRates:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device, operands)

    inputs, gradient, weight = draw(rows, width), draw(rows, width), draw(width, width)
    outputs, small = torch.empty_like(inputs), torch.empty_like(weight)

    def rate(work: Callable[[], object]) -> float:
        return 2.0 * rows * width * width * calls_per_second(work, clock, seconds)

    return ProductRates(
        str(operands).removeprefix("torch."),
        rate(lambda: operations.mm(inputs, weight.T, out=outputs)),
        rate(lambda: operations.mm(gradient, weight, out=outputs)),
        rate(lambda: operations.mm(gradient.T, inputs, out=small)),
    )
