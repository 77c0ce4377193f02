"""What training in C makes of a core, by each instruction set that the machine has.

Everything is measured on one thread by the time that the processor spends on it, best bursts, so
that what runs beside it matters little.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from sinefit.benchmark.clock import calls_per_second
from sinefit.benchmark.textbook import LEARNING_RATE, Siren
from sinefit.engines.adam import CONSTANTS
from sinefit.fitting.devices import cpu_threads
from sinefit.native import small_networks
from sinefit.native.instruction_sets import InstructionSet, float32_set, instruction_sets
from sinefit.native.one_network import OneNetwork
from sinefit.native.peaks import multiply_in_registers, take_sines
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.benchmark.clock import Clock


@dataclass(frozen=True)
class Shape:
    """A network, and how it is trained."""

    width: int
    batch: int
    one: bool
    """Whether it is the one network of a signal, else a block: of that whole steps are timed, of
    the other gradients."""


SHAPES: Final = (Shape(32, 256, False), Shape(64, 256, False), Shape(256, 4096, True))
DEPTH: Final = 4
SAMPLES: Final = 4096
"""Samples of a block's table."""
TEXTBOOK_SAMPLES: Final = 2**15
"""Samples of a step of the textbook method, more than caches hold, like those of a picture."""
PRODUCT_ROUNDS: Final = 50_000
SINE_ROUNDS: Final = 1000
STEPS: Final = 32
"""Steps of a block in one call."""


@dataclass(frozen=True)
class SetPace:
    """How a core trains a shape."""

    width: int
    one: bool
    pace: float
    """Samples per second."""
    floor: float
    """The same if there were nothing but products in registers and sines in cache."""
    ratio: float
    """To the textbook's step of the same network on one thread."""

    @property
    def share(self) -> float:
        """Share of the floor that is reached."""
        return self.pace / self.floor


@dataclass(frozen=True)
class SetFigures:
    """What a core does by an instruction set."""

    name: str
    products: float
    """Multiplications and additions per second, in registers alone."""
    sines: float
    """Phases per second of which both sine and cosine are taken, in cache."""
    paces: tuple[SetPace, ...]
    """One per shape."""


def measure_sets(seconds: float, clock: Clock = time.process_time) -> tuple[SetFigures, ...]:
    """Measure every set that the machine has, `seconds` for each figure; nothing without C."""
    exact = float32_set()
    if exact is None:
        return ()

    def rate(work: Callable[[], float]) -> float:
        return work() * calls_per_second(work, clock, seconds)

    with cpu_threads(1):
        textbook = [_textbook_pace(shape, clock, seconds) for shape in SHAPES]
        exact_products = rate(functools.partial(multiply_in_registers, exact, PRODUCT_ROUNDS))
        found = []
        for one in instruction_sets():
            products = rate(functools.partial(multiply_in_registers, one, PRODUCT_ROUNDS))
            sines = rate(functools.partial(take_sines, one, SINE_ROUNDS))
            paces = []
            for shape, slow in zip(SHAPES, textbook, strict=True):
                size = NetworkSize(2, shape.width, DEPTH, 3)
                pace = rate(_trained(shape, size, one))
                ends = exact_products if one > exact else products
                floor = set_floor(size, one, products, ends, sines)
                paces.append(SetPace(shape.width, shape.one, pace, floor, pace / slow))
            found.append(SetFigures(one.name, products, sines, tuple(paces)))
    return tuple(found)


def set_floor(
    size: NetworkSize, instructions: InstructionSet, products: float, ends: float, sines: float
) -> float:
    """Return the samples per second of a step of nothing but products and sines.

    Hidden layers' products run at the pace of `products`, three for each where factors are two
    values, those of the first and the last layer, in float32, at that of `ends`. Each weight is
    multiplied and added once forward and twice backward, of the first layer once.
    """
    hidden = 6 * (size.depth - 1) * size.width**2
    if instructions is InstructionSet.AMX_SPLIT:
        hidden *= 3
    outer = (4 * size.in_features + 6 * size.out_features) * size.width
    return 1.0 / (hidden / products + outer / ends + size.depth * size.width / sines)


def _trained(shape: Shape, size: NetworkSize, instructions: InstructionSet) -> Callable[[], float]:
    """Return a function that trains on some samples and returns how many."""
    generator = torch.Generator().manual_seed(0)
    values = (torch.rand((1, size.parameter_count), generator=generator) * 2 - 1) * 0.1
    columns = size.in_features + size.out_features
    table = torch.rand((SAMPLES, columns), generator=generator) * 2 - 1
    if shape.one:
        network = OneNetwork(size, 1, instructions)
        coordinates = table[: shape.batch, : size.in_features].contiguous()
        targets = table[: shape.batch, size.in_features :].contiguous()
        gradient = torch.empty_like(values)

        def differentiate() -> float:
            network.differentiate(values[0], coordinates, targets, gradient[0])
            return shape.batch

        return differentiate
    averages = (torch.zeros_like(values), torch.zeros_like(values))
    indices = torch.randint(
        SAMPLES, (1, STEPS, shape.batch), generator=generator, dtype=torch.int32
    )
    rates, factors = torch.full_like(values, LEARNING_RATE), torch.ones(1, STEPS)

    def train() -> float:
        small_networks.train(
            size,
            values,
            averages,
            rates=rates,
            samples=[table],
            indices=indices,
            factors=factors,
            taken=[0],
            constants=CONSTANTS,
            threads=1,
            instructions=instructions,
        )
        return STEPS * shape.batch

    return train


def _textbook_pace(shape: Shape, clock: Clock, seconds: float) -> float:
    """Return the samples per second of the textbook's step on one thread."""
    generator = torch.Generator().manual_seed(0)
    network = Siren(NetworkSize(2, shape.width, DEPTH, 3), generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    coordinates = torch.rand((TEXTBOOK_SAMPLES, 2), generator=generator)
    targets = torch.rand((TEXTBOOK_SAMPLES, 3), generator=generator)

    def step() -> None:
        optimizer.zero_grad()
        loss = (network(coordinates) - targets).square().mean()
        loss.backward()
        optimizer.step()

    return TEXTBOOK_SAMPLES * calls_per_second(step, clock, seconds)
