from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.native import small_networks
from sinefit.native.instruction_sets import (
    FLOAT32_SETS,
    InstructionSet,
    instruction_sets,
)
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize
from sinefit.processor.capability import limit_processor, parse_limit, processor_limit

from .arithmetic import draw_layers, reference, relative_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .arithmetic import Layers

pytestmark = [
    pytest.mark.processor,
    pytest.mark.skipif(not small_networks.supported(), reason="there is no compiled part"),
]

CONSTANTS = (0.9, 0.99, 1e-12)
every_set = pytest.mark.parametrize(
    "instructions", [one for one in instruction_sets() if one in FLOAT32_SETS]
)
rounding_sets = pytest.mark.parametrize(
    "instructions", [one for one in instruction_sets() if one not in FLOAT32_SETS]
)
sizes = st.builds(
    NetworkSize,
    in_features=st.integers(1, 5),
    width=st.one_of(st.integers(1, 80), st.sampled_from([96, 128, 130, 256])),
    depth=st.integers(1, 5),
    out_features=st.one_of(st.integers(1, 5), st.sampled_from([16, 17, 40])),
)


def stack_of(size: NetworkSize, members: Sequence[Layers]) -> Network:
    """A stack of networks given layer by layer."""
    parameters = {}
    for layer in range(size.depth + 1):
        parameters[weight_name(layer)] = torch.stack([weights[layer] for weights, _ in members])
        parameters[bias_name(layer)] = torch.stack([biases[layer] for _, biases in members])
    return Network.of(SINE, size, parameters)


def layers_of(network: Network, rows: Tensor, member: int) -> Layers:
    views, layers = network.views(rows), range(network.size.depth + 1)
    return [
        [views[weight_name(layer)][member] for layer in layers],
        [views[bias_name(layer)][member] for layer in layers],
    ]


class Stack:
    """Random networks, the first `members` of a seed's, with samples and Adam's averages."""

    def __init__(self, size: NetworkSize, members: int, samples: int, seed: int = 0) -> None:
        drawn = [draw_layers(size, samples + member, seed + member) for member in range(members)]
        self.size = size
        self.network = stack_of(size, [layers for layers, _ in drawn])
        self.tables = [torch.cat(batch, dim=1) for _, batch in drawn]
        values = self.network.values
        self.averages = (torch.zeros_like(values), torch.zeros_like(values))
        self.taken = [0] * members

    def draw(self, steps: int, batch: int) -> Tensor:
        """Indices (members, steps, batch) of samples."""
        generator = torch.Generator().manual_seed(7)
        drawn = [
            torch.randint(len(table), (steps, batch), generator=generator) for table in self.tables
        ]
        return torch.stack(drawn).int()

    def train(
        self,
        indices: Tensor,
        *,
        offsets: Tensor | None = None,
        rates: Tensor | float = 1e-3,
        factors: Tensor | None = None,
        bounds: Tensor | None = None,
        threads: int = 1,
        instructions: InstructionSet | None = None,
    ) -> Tensor:
        if not isinstance(rates, torch.Tensor):
            rates = torch.full((1, self.size.parameter_count), rates)
        steps = indices.shape[1]
        losses = small_networks.train(
            self.size,
            self.network.values,
            self.averages,
            rates=rates,
            bounds=bounds,
            samples=self.tables,
            indices=indices,
            offsets=offsets,
            factors=torch.ones(1, steps) if factors is None else factors,
            taken=self.taken,
            constants=CONSTANTS,
            threads=threads,
            instructions=instructions,
        )
        self.taken = [taken + steps for taken in self.taken]
        return losses

    def state(self) -> Tensor:
        return torch.stack([self.network.values, *self.averages])

    def batch(self, member: int, indices: Tensor) -> list[Tensor]:
        """The coordinates and targets of a step's indices (batch,)."""
        rows = self.tables[member][indices.long()]
        return [rows[:, : self.size.in_features], rows[:, self.size.in_features :]]


def gradients(
    stack: Stack, indices: Tensor, instructions: InstructionSet
) -> tuple[list[Tensor], list[Tensor]]:
    """The loss and the gradients by all parameters, members first, that one step leaves in Adam's
    first average; and the truth."""
    truths = [
        reference(
            layers_of(stack.network, stack.network.values.clone(), member),
            stack.batch(member, rows[0]),
        )
        for member, rows in enumerate(indices)
    ]
    losses = stack.train(indices, instructions=instructions)
    actual = stack.network.views(stack.averages[0].double() / (1 - CONSTANTS[0]))
    expected = stack_of(stack.size, [layers for _, layers, _ in truths]).parameters
    return (
        [losses, *actual.values()],
        [torch.tensor([loss for loss, _, _ in truths]), *expected.values()],
    )


@every_set
@pytest.mark.parametrize("width", [32, 64, 96, 128, 256])
def test_gradients_of_the_usual_sizes(instructions: InstructionSet, width: int) -> None:
    stack = Stack(NetworkSize(2, width, 4, 3), 2, 400)
    for actual, expected in zip(*gradients(stack, stack.draw(1, 256), instructions), strict=True):
        assert relative_error(actual, expected) < 1e-5


@every_set
@settings(max_examples=30)
@given(size=sizes, members=st.integers(1, 3), batch=st.integers(1, 300), seed=st.integers(0, 99))
def test_any_size_against_float64(
    instructions: InstructionSet, size: NetworkSize, members: int, batch: int, seed: int
) -> None:
    stack = Stack(size, members, 50, seed)
    coordinates = torch.rand(members, 70, size.in_features) * 2 - 1
    outputs = small_networks.evaluate(
        size, stack.network.values, coordinates, threads=2, instructions=instructions
    )
    for member in range(members):
        layers = layers_of(stack.network, stack.network.values, member)
        unused = torch.zeros(70, size.out_features)
        truth = reference(layers, [coordinates[member], unused])[2]
        assert relative_error(outputs[member], truth) < 2e-5
    pairs = list(zip(*gradients(stack, stack.draw(1, batch), instructions), strict=True))
    # A single bias's gradient may be the small rest of large numbers: all stand together.
    largest = max(float(expected.norm()) for _, expected in pairs[1:])
    assert max(float((actual - expected).norm()) for actual, expected in pairs) < 1e-5 * largest


def rounding_of(instructions: InstructionSet, depth: int) -> float:
    """How far results may be off: a value of bfloat16 keeps 8 bits, two of them 16; each layer
    rounds weights, sines, cosines and what flows back, and phases of up to about 4 carry that."""
    return depth * 8 * 2.0 ** -(17 if instructions is InstructionSet.AMX_SPLIT else 9)


@rounding_sets
@settings(deadline=None, max_examples=20)
@given(
    size=st.builds(
        NetworkSize,
        in_features=st.integers(1, 4),
        width=st.sampled_from([32, 64, 96, 160]),
        depth=st.integers(1, 5),
        out_features=st.sampled_from([1, 3, 16, 17, 40]),
    ),
    batch=st.integers(1, 700),
    seed=st.integers(0, 99),
)
def test_rounded_factors_against_float64(
    instructions: InstructionSet, size: NetworkSize, batch: int, seed: int
) -> None:
    stack, bound = Stack(size, 2, 50, seed), rounding_of(instructions, size.depth)
    coordinates = torch.rand(2, 70, size.in_features) * 2 - 1
    outputs = small_networks.evaluate(
        size, stack.network.values, coordinates, threads=2, instructions=instructions
    )
    for member in range(2):
        layers = layers_of(stack.network, stack.network.values, member)
        truth = reference(layers, [coordinates[member], torch.zeros(70, size.out_features)])[2]
        assert relative_error(outputs[member], truth) < bound
    pairs = list(zip(*gradients(stack, stack.draw(1, batch), instructions), strict=True))
    largest = max(float(expected.norm()) for _, expected in pairs[1:])
    assert max(float((actual - expected).norm()) for actual, expected in pairs) < bound * largest


@rounding_sets
def test_rounded_factors_are_as_exact_as_they_should(instructions: InstructionSet) -> None:
    stack = Stack(NetworkSize(2, 64, 4, 3), 1, 400)
    actual, expected = gradients(stack, stack.draw(1, 500), instructions)
    error = relative_error(actual[2], expected[2])
    if instructions is InstructionSet.AMX_SPLIT:
        assert error < 1e-5
    else:
        assert 1e-4 < error < rounding_of(instructions, 4)


@rounding_sets
def test_rounded_factors_want_whole_blocks(instructions: InstructionSet) -> None:
    for width in (16, 33):
        stack = Stack(NetworkSize(2, width, 2, 1), 1, 9)
        with pytest.raises(ValueError, match="instructions"):
            stack.train(stack.draw(1, 5), instructions=instructions)


@rounding_sets
def test_rounded_members_are_what_they_are_alone(instructions: InstructionSet) -> None:
    size = NetworkSize(2, 64, 3, 3)
    together = Stack(size, 3, 90)
    together.network.values[0] = math.nan
    alone = Stack(size, 1, 91, seed=1)
    indices = alone.draw(4, 300).clamp(max=89)
    together.train(indices, threads=2, instructions=instructions)
    alone.train(indices, instructions=instructions)
    assert torch.equal(together.state()[:, 1], alone.state()[:, 0])


@pytest.mark.parametrize("instructions", instruction_sets())
@pytest.mark.parametrize(("points", "batch"), [(9, 50), (4, 3), (70, 2), (1, 30)])
def test_targets_that_are_means_over_points(
    instructions: InstructionSet, points: int, batch: int
) -> None:
    exact = instructions in FLOAT32_SETS
    stack = Stack(NetworkSize(2, 24 if exact else 32, 3, 3), 2, 60)
    bound = 1e-5 if exact else rounding_of(instructions, 3)
    indices = stack.draw(2, batch)
    offsets = torch.rand(2, points, 2) * 0.2 - 0.1
    start = stack.network.values.clone()
    losses = stack.train(indices, offsets=offsets, rates=0.0, instructions=instructions)
    decay = CONSTANTS[0]
    for member in range(2):
        gradients, total = [], 0.0
        for step in range(2):
            row = start[member : member + 1].double().requires_grad_()
            coordinates, targets = stack.batch(member, indices[member, step])
            around = coordinates[:, None].double() + offsets[member]
            network = Network(SINE, stack.size, row)
            means = network(around.view(1, -1, 2)).view(batch, points, -1).mean(dim=1)
            loss = (means - targets).square().mean()
            gradients.append(torch.autograd.grad(loss, row)[0])
            total += float(loss.detach())
        average = (1 - decay) * (decay * gradients[0] + gradients[1])[0]
        assert float(losses[member]) == pytest.approx(total, rel=bound)
        assert relative_error(stack.averages[0][member], average) < bound


@every_set
def test_steps_against_adam_in_float64(instructions: InstructionSet) -> None:
    stack = Stack(NetworkSize(2, 24, 3, 2), 2, 300)
    steps, batch, rate = 12, 64, 1e-3
    indices = stack.draw(steps, batch)
    factors = torch.rand(2, steps) + 0.5
    starts = stack.network.values.clone()
    losses = stack.train(indices, rates=rate, factors=factors, instructions=instructions)
    decay, square_decay, epsilon = CONSTANTS
    for member in range(2):
        values = starts[member : member + 1].double()
        average, square, total = torch.zeros_like(values), torch.zeros_like(values), 0.0
        for step in range(steps):
            layers = layers_of(stack.network, values, 0)
            loss, gradients, _ = reference(layers, stack.batch(member, indices[member, step]))
            gradient = stack_of(stack.size, [gradients]).values
            average = decay * average + (1 - decay) * gradient
            square = square_decay * square + (1 - square_decay) * gradient**2
            mean = average / (1 - decay ** (step + 1))
            spread = (square / (1 - square_decay ** (step + 1))).sqrt()
            values = values - rate * float(factors[member, step]) * mean / (spread + epsilon)
            total += loss
        assert float(losses[member]) == pytest.approx(total, rel=1e-5)
        assert relative_error(stack.averages[0][member], average[0]) < 1e-4
        assert relative_error(stack.averages[1][member], square[0]) < 1e-4
        # Against the way that the values have gone.
        gone = (values[0] - starts[member]).norm()
        assert (stack.network.values[member] - values[0]).norm() < 1e-4 * gone


def sines_and_cosines(phases: Tensor, instructions: InstructionSet) -> tuple[Tensor, Tensor]:
    """Both functions, from networks of one neuron: outputs are sines, and the derivatives by the
    first and the last bias differ by the factor of a cosine."""
    size = NetworkSize(1, 1, 1, 1)
    outputs = small_networks.evaluate(
        size,
        torch.tensor([[0.0, 1, 1, 0]]),
        phases[None, :, None],
        threads=1,
        instructions=instructions,
    )
    members = len(phases)
    values = torch.tensor([[0.0, 1, 1, 0]]).repeat(members, 1)
    averages = (torch.zeros_like(values), torch.zeros_like(values))
    small_networks.train(
        size,
        values,
        averages,
        rates=torch.zeros(1, 4),
        samples=[torch.tensor([[float(phase), 3.0]]) for phase in phases],
        indices=torch.zeros(1, 1, 1, dtype=torch.int32),
        factors=torch.ones(1, 1),
        taken=[0] * members,
        constants=CONSTANTS,
        threads=1,
        instructions=instructions,
    )
    gradient = averages[0].double()
    return outputs[0, :, 0].double(), gradient[:, 0] / gradient[:, 3]


@every_set
def test_sines_and_cosines_against_float64(instructions: InstructionSet) -> None:
    quarters = torch.arange(-5216, 5217) * (math.pi / 2)
    phases = torch.cat(
        [
            torch.linspace(-8192, 8192, 20011),
            torch.linspace(-4, 4, 3001),
            quarters,
            torch.nextafter(quarters, torch.tensor(math.inf)),
            torch.logspace(-30, 0, 50),
        ]
    )
    sines, cosines = sines_and_cosines(phases, instructions)
    assert (sines - phases.double().sin()).abs().max() < 2e-7
    # What it is read from is rounded too.
    assert (cosines - phases.double().cos()).abs().max() < 4e-7


@every_set
def test_phases_beyond_all_reason_stay_finite(instructions: InstructionSet) -> None:
    phases = torch.tensor([1e5, 1e6, 1e7, 1e10, 1e20, 1e30, -1e7, -1e30])
    for found in sines_and_cosines(phases, instructions):
        assert (found.abs() < 1.2).all()
    sines, cosines = sines_and_cosines(torch.linspace(-1e5, 1e5, 2001), instructions)
    assert (sines.square() + cosines.square() - 1).abs().max() < 1e-5
    assert all(
        found.isnan().all()
        for found in sines_and_cosines(torch.tensor([math.inf, math.nan]), instructions)
    )


@every_set
def test_neither_threads_nor_calls_change_a_bit(instructions: InstructionSet) -> None:
    states = []
    for threads, cuts in [(1, [0, 9]), (2, [0, 9]), (5, [0, 1, 4, 9])]:
        stack = Stack(NetworkSize(2, 37, 3, 3), 7, 200)
        indices, factors = stack.draw(9, 100), torch.rand(7, 9, generator=torch.Generator())
        for begin, end in pairwise(cuts):
            stack.train(
                indices[:, begin:end].contiguous(),
                factors=factors[:, begin:end].contiguous(),
                threads=threads,
                instructions=instructions,
            )
        states.append(stack.state())
    assert all(torch.equal(state, states[0]) for state in states)
    assert not torch.isclose(states[0][0][:-1], states[0][0][1:]).all(dim=1).any()


@every_set
def test_a_member_is_what_it_is_alone(instructions: InstructionSet) -> None:
    size = NetworkSize(3, 20, 2, 2)
    together = Stack(size, 3, 90)
    # A member that breaks must not reach another that uses its memory after it.
    together.network.values[0] = math.nan
    alone = Stack(size, 1, 91, seed=1)
    indices = alone.draw(4, 30).clamp(max=89)  # the first member has 90 samples
    together.train(indices, instructions=instructions)
    alone.train(indices, instructions=instructions)
    assert torch.equal(together.state()[:, 1], alone.state()[:, 0])
    assert together.network.values[0].isnan().any()
    outputs = [
        small_networks.evaluate(
            size, values, torch.ones(len(values), 5, 3), threads=1, instructions=instructions
        )
        for values in (together.network.values, alone.network.values)
    ]
    assert torch.equal(outputs[0][1], outputs[1][0])


@every_set
def test_bounds_and_frozen_values(instructions: InstructionSet) -> None:
    stack = Stack(NetworkSize(2, 19, 3, 2), 2, 80)
    before = stack.network.values.clone()
    generator = torch.Generator().manual_seed(1)
    frozen = torch.rand(before.shape, generator=generator) < 0.3
    rates = torch.where(frozen, 0.0, 1e-2)
    bounds = before.abs() + 0.015
    bounds[:, ::2] = math.inf
    stack.train(stack.draw(5, 40), rates=rates, bounds=bounds, instructions=instructions)
    after = stack.network.values
    assert torch.equal(after[frozen], before[frozen])
    assert not torch.isclose(after, before)[~frozen].any()
    assert (after.abs() <= bounds).all()
    assert (after.abs() == bounds).sum() > 20
    assert ((after - before).abs()[:, ::2] > 0.015).any()


def test_one_row_for_all_is_the_same_as_one_each() -> None:
    states = []
    for repeat in (1, 3):
        stack = Stack(NetworkSize(2, 16, 2, 1), 3, 60)
        stack.train(
            stack.draw(4, 16)[:1].repeat(repeat, 1, 1),
            rates=torch.rand(1, stack.size.parameter_count, generator=torch.Generator()).repeat(
                repeat, 1
            )
            * 1e-3,
            factors=torch.rand(1, 4, generator=torch.Generator()).repeat(repeat, 1),
            bounds=torch.full((repeat, stack.size.parameter_count), 0.9),
        )
        states.append(stack.state())
    assert torch.equal(*states)


def test_evaluation_in_parts() -> None:
    """A member's coordinates may be shared out to threads."""
    stack = Stack(NetworkSize(2, 30, 3, 3), 2, 10)
    coordinates = torch.rand(2, 9001, 2)
    outputs = [
        small_networks.evaluate(stack.size, stack.network.values, coordinates, threads=threads)
        for threads in (1, 3)
    ]
    assert torch.equal(*outputs)
    truth = stack.network(coordinates)
    assert relative_error(outputs[0], truth) < 1e-5


def test_the_limit_of_the_processor_is_kept() -> None:
    limit = processor_limit()
    try:
        for text, expected in {
            "avx2": {InstructionSet.BASE, InstructionSet.AVX2},
            "avx512": set(FLOAT32_SETS),
            "avx512_bf16": {*FLOAT32_SETS, InstructionSet.AVX512_BF16},
            "amx:torch": set(),
        }.items():
            limit_processor(parse_limit(text))
            assert set(instruction_sets()) <= expected
            assert small_networks.supported() == bool(expected)
        with pytest.raises(ValueError, match="instructions"):
            Stack(NetworkSize(1, 4, 1, 1), 1, 5).train(torch.zeros(1, 1, 1, dtype=torch.int32))
    finally:
        limit_processor(limit)


def test_nothing_to_do() -> None:
    stack = Stack(NetworkSize(2, 8, 2, 1), 2, 9)
    before = stack.state()
    assert stack.train(stack.draw(0, 5)).tolist() == [0, 0]
    assert torch.equal(stack.state(), before)
    values = stack.network.values
    for coordinates in (torch.empty(2, 0, 2), torch.empty(0, 3, 2)):
        found = small_networks.evaluate(
            stack.size, values[: len(coordinates)], coordinates, threads=2
        )
        assert found.shape == (*coordinates.shape[:2], 1)


@pytest.mark.parametrize("index", [-1, 9, 2**31 - 1, -(2**31)])
def test_indices_outside_change_nothing(index: int) -> None:
    stack = Stack(NetworkSize(2, 8, 2, 1), 2, 8)  # the second member has 9 samples
    before = stack.state()
    indices = stack.draw(3, 5)
    indices[1, 2, 4] = index
    with pytest.raises(ValueError, match="no sample"):
        stack.train(indices)
    assert torch.equal(stack.state(), before)
    indices[1, 2, 4] = 8
    stack.train(indices)


def test_tensors_of_another_kind_are_refused() -> None:
    stack = Stack(NetworkSize(2, 8, 2, 1), 2, 9)
    indices = stack.draw(3, 5)
    for wrong in (indices.long(), indices.mT.contiguous().mT, indices[:, :, :0].contiguous()):
        with pytest.raises(ValueError, match=r"int32|a sample"):
            stack.train(wrong)
    count = stack.size.parameter_count
    for rates in (torch.ones(3, count), torch.ones(count), torch.ones(1, count).double()):
        with pytest.raises(ValueError, match="float32"):
            stack.train(indices, rates=rates)
    with pytest.raises(ValueError, match="float32"):
        stack.train(indices, factors=torch.ones(1, 4))
    with pytest.raises(ValueError, match="thread"):
        stack.train(indices, threads=0)
    with pytest.raises(ValueError, match="steps"):
        stack.train(indices[0])
    with pytest.raises(ValueError, match="count"):
        small_networks.evaluate(stack.size, stack.network.values, torch.ones(5, 2), threads=1)
    stack.tables.pop()
    with pytest.raises(ValueError, match="table"):
        stack.train(indices)
    for coordinates in (torch.ones(1, 5, 2), torch.ones(2, 5, 3), torch.ones(2, 5, 2).double()):
        with pytest.raises(ValueError, match="float32"):
            small_networks.evaluate(stack.size, stack.network.values, coordinates, threads=1)
