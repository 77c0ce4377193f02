from __future__ import annotations

import gc
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.native.instruction_sets import FLOAT32_SETS, InstructionSet, instruction_sets
from sinefit.native.one_network import OneNetwork
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize

from .arithmetic import draw_layers, reference, relative_error

if TYPE_CHECKING:
    from .arithmetic import Layers

pytestmark = [
    pytest.mark.processor,
    pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part"),
]

every_set = pytest.mark.parametrize("instructions", instruction_sets())
float32_sets = pytest.mark.parametrize(
    "instructions", [one for one in instruction_sets() if one in FLOAT32_SETS]
)
BOUND = {
    **dict.fromkeys(FLOAT32_SETS, 1e-5),
    InstructionSet.AVX512_BF16: 4 * 8 * 2.0**-9,
    InstructionSet.AMX: 4 * 8 * 2.0**-9,
    InstructionSet.AMX_SPLIT: 4 * 8 * 2.0**-17,
}
"""Of four layers each of which rounds weights, sines, cosines and what flows back."""


def row_of(size: NetworkSize, layers: Layers) -> torch.Tensor:
    """Weights and biases, or their gradients, as a row of values."""
    parameters = {}
    for layer, (weight, bias) in enumerate(zip(*layers, strict=True)):
        parameters[weight_name(layer)], parameters[bias_name(layer)] = weight[None], bias[None]
    return Network.of(SINE, size, parameters).values[0]


def differentiated(
    size: NetworkSize, count: int, instructions: InstructionSet, threads: int = 2, seed: int = 0
) -> tuple[float, torch.Tensor]:
    """The loss and its gradient, from the second of two calls."""
    layers, (coordinates, targets) = draw_layers(size, count, seed)
    network = OneNetwork(size, threads, instructions)
    gradient = torch.full((size.parameter_count,), math.nan)
    for _ in range(2):  # nothing of a call may reach into the next
        loss = network.differentiate(row_of(size, layers), coordinates, targets, gradient)
    return loss, gradient


@float32_sets
@settings(deadline=None, max_examples=20)
@given(
    size=st.builds(
        NetworkSize,
        in_features=st.integers(1, 4),
        width=st.one_of(st.integers(1, 70), st.sampled_from([128, 200])),
        depth=st.integers(1, 4),
        out_features=st.sampled_from([1, 3, 16, 17]),
    ),
    count=st.one_of(st.integers(1, 70), st.integers(500, 1200)),
    threads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_against_autograd_in_float64(
    instructions: InstructionSet, size: NetworkSize, count: int, threads: int, seed: int
) -> None:
    loss, gradient = differentiated(size, count, instructions, threads, seed)
    expected_loss, expected, _ = reference(*draw_layers(size, count, seed))
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert relative_error(gradient, row_of(size, expected)) < 1e-5


@every_set
@pytest.mark.parametrize("count", [1, 31, 700, 1500])
@pytest.mark.parametrize("depth", [1, 4])
def test_usual_sizes_against_autograd_in_float64(
    instructions: InstructionSet, depth: int, count: int
) -> None:
    size = NetworkSize(2, 96, depth, 3)
    loss, gradient = differentiated(size, count, instructions)
    expected_loss, expected, _ = reference(*draw_layers(size, count, 0))
    assert loss == pytest.approx(expected_loss, rel=BOUND[instructions])
    assert relative_error(gradient, row_of(size, expected)) < BOUND[instructions]


@every_set
@pytest.mark.parametrize("count", [100, 5000])
def test_threads_change_no_bit(instructions: InstructionSet, count: int) -> None:
    size = NetworkSize(2, 64, 3, 3)
    found = [differentiated(size, count, instructions, threads) for threads in (1, 2, 7, 30)]
    for loss, gradient in found[1:]:
        assert loss == found[0][0]
        assert torch.equal(gradient, found[0][1])


@every_set
def test_every_call_sees_the_weights_that_it_is_given(instructions: InstructionSet) -> None:
    size = NetworkSize(2, 32, 2, 1)
    network, gradient = OneNetwork(size, 2, instructions), torch.empty(size.parameter_count)
    for seed in range(3):
        layers, batch = draw_layers(size, 300, seed)
        loss = network.differentiate(row_of(size, layers), batch[0], batch[1], gradient)
        assert loss == pytest.approx(reference(layers, batch)[0], rel=BOUND[instructions])


@every_set
def test_weights_that_are_no_numbers_leave_nothing_behind(instructions: InstructionSet) -> None:
    size = NetworkSize(2, 32, 2, 1)
    layers, (coordinates, targets) = draw_layers(size, 300, 0)
    row, gradient = row_of(size, layers), torch.empty(size.parameter_count)
    network = OneNetwork(size, 2, instructions)
    nothing = torch.full_like(row, math.nan)
    assert math.isnan(network.differentiate(nothing, coordinates, targets, gradient))
    network.differentiate(row, coordinates, targets, gradient)
    expected = row_of(size, reference(layers, [coordinates, targets])[1])
    assert relative_error(gradient, expected) < BOUND[instructions]


def test_networks_that_are_gone_take_no_threads() -> None:
    def threads() -> int:
        gc.collect()
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    network = OneNetwork(NetworkSize(2, 32, 2, 1), 3)
    assert threads() == before + 2
    del network
    assert threads() == before


def test_tensors_of_another_kind_are_refused() -> None:
    size = NetworkSize(2, 32, 2, 1)
    layers, (coordinates, targets) = draw_layers(size, 30, 0)
    row = row_of(size, layers)
    with pytest.raises(ValueError, match="thread"):
        OneNetwork(size, 0)
    network = OneNetwork(size, 1)
    for wrong in (
        (row[:-1].clone(), coordinates, targets, row),
        (row, coordinates.double(), targets, row),
        (row, coordinates, targets[:5], row),
        (row, coordinates, targets, row.half()),
    ):
        with pytest.raises(ValueError, match="contiguous"):
            network.differentiate(*wrong)
    with pytest.raises(ValueError, match="sample"):
        network.differentiate(row, coordinates[:0], targets[:0], row)


# More threads than cores, so that some wait for others that are not running.
BUSY = """
import torch
from sinefit.native.one_network import OneNetwork
from sinefit.networks.size import NetworkSize
size = NetworkSize(2, 64, 3, 3)
generator = torch.Generator().manual_seed(0)
values = torch.rand(size.parameter_count, generator=generator) - 0.5
batch = [torch.rand((1200, count), generator=generator) for count in (2, 3)]
gradient = torch.empty_like(values)
network = OneNetwork(size, 4)
found = set()
for _ in range(100):
    loss = network.differentiate(values, *batch, gradient)
    found.add((loss, float(gradient.double().sum())))
print(found)
"""


def test_processes_that_share_the_cores() -> None:
    """Threads that sleep are woken, however the system lets them run."""
    running = [
        subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    shown = [process.communicate(timeout=100)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert shown == [shown[0]] * 3
    assert shown[0].count("(") == 1


@every_set
def test_networks_side_by_side(instructions: InstructionSet) -> None:
    """Each has threads of its own, and calls from several threads do not meet."""
    size = NetworkSize(2, 64, 3, 3)
    expected = differentiated(size, 600, instructions)[0]
    found: list[float] = []

    def work() -> None:
        found.extend(differentiated(size, 600, instructions)[0] for _ in range(5))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 15
