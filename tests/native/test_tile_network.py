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

from sinefit.native import TileNetwork, tiles_supported
from sinefit.networks.size import NetworkSize

from .arithmetic import draw_layers, reference, relative_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from .arithmetic import Layers

pytestmark = pytest.mark.skipif(
    not tiles_supported(NetworkSize(2, 32, 2, 1)),
    reason="this machine has no tile registers, or no compiled part",
)

sizes = st.builds(
    NetworkSize,
    in_features=st.integers(1, 4),
    width=st.sampled_from([32, 64, 96, 160]),
    depth=st.integers(1, 5),
    out_features=st.sampled_from([1, 3, 4, 16]),
)


def trained(
    size: NetworkSize, layers: Layers, batch: list[Tensor], *, threads: int, split: bool
) -> tuple[float, Layers]:
    """The loss and its gradients, from the second of two calls."""
    network = TileNetwork(size, threads, split=split, training=True)
    network.load(layers[0], layers[1])
    gradients = [[torch.full_like(part, math.nan) for part in kind] for kind in layers]
    for _ in range(2):  # nothing of a call may reach into the next
        loss = network.train(batch[0], batch[1], gradients[0], gradients[1])
    return loss, gradients


@settings(deadline=None, max_examples=40)
@given(
    size=sizes,
    count=st.integers(1, 700),
    threads=st.integers(1, 3),
    split=st.booleans(),
    seed=st.integers(0, 99),
)
def test_against_autograd_in_float64(
    size: NetworkSize, count: int, threads: int, split: bool, seed: int
) -> None:
    layers, batch = draw_layers(size, count, seed)
    expected_loss, expected, outputs = reference(layers, batch)
    loss, actual = trained(size, layers, batch, threads=threads, split=split)
    # bfloat16 rounds by 2^-9, two of them by 2^-17; each layer rounds weights, sines, cosines and
    # what flows back, and phases of up to about 4 carry the rounding of their factors.
    bound = size.depth * 8 * (2.0**-17 if split else 2.0**-9)
    assert loss == pytest.approx(expected_loss, rel=bound)
    for kind, expected_kind in zip(actual, expected, strict=True):
        for gradient, truth in zip(kind, expected_kind, strict=True):
            assert relative_error(gradient, truth) < bound
    evaluated = TileNetwork(size, threads, split=split, training=False)
    evaluated.load(layers[0], layers[1])
    assert relative_error(evaluated.evaluate(batch[0]), outputs) < bound


def test_the_two_precisions_differ_as_they_should() -> None:
    size = NetworkSize(2, 64, 4, 3)
    layers, batch = draw_layers(size, 500, 0)
    truth = reference(layers, batch)[1][0][1]
    errors = [
        relative_error(trained(size, layers, batch, threads=1, split=split)[1][0][1], truth)
        for split in (False, True)
    ]
    assert errors[1] < 1e-5 < 1e-4 < errors[0]


@pytest.mark.parametrize("frequency", [1e-3, 1.0, 300.0, 2e4])
def test_sines_of_any_frequency(frequency: float) -> None:
    """One layer, whose outputs are the sines themselves."""
    size = NetworkSize(1, 32, 1, 16)
    torch.manual_seed(0)
    weights = [torch.rand(32, 1) * frequency, torch.eye(16, 32)]
    biases = [torch.rand(32) * 3, torch.zeros(16)]
    network = TileNetwork(size, 1, split=True, training=False)
    network.load(weights, biases)
    coordinates = torch.linspace(-1, 1, 999)[:, None]
    # Phases are float32 in the reference too: what their rounding does to a sine is not at stake.
    phases = torch.addcmul(biases[0], coordinates, weights[0].T)[:, :16]
    error = (network.evaluate(coordinates) - torch.sin(phases)).abs().max()
    assert error < 2.0**-16 + 2.0**-24 * frequency * 2


@pytest.mark.parametrize("split", [False, True])
def test_the_same_bits_every_time(split: bool) -> None:
    size = NetworkSize(2, 64, 3, 3)
    layers, batch = draw_layers(size, 1000, 3)
    first, second = (trained(size, layers, batch, threads=2, split=split) for _ in range(2))
    assert first[0] == second[0]
    for one, other in zip(first[1], second[1], strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_networks_side_by_side() -> None:
    """Each has threads of its own, and calls from several threads do not meet."""
    size = NetworkSize(2, 64, 3, 3)
    layers, batch = draw_layers(size, 600, 5)
    expected = trained(size, layers, batch, threads=2, split=False)
    found: list[float] = []

    def work() -> None:
        found.extend(trained(size, layers, batch, threads=2, split=False)[0] for _ in range(20))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected[0]] * 60


# More threads than cores, so that some wait for others that are not running.
BUSY = """
import torch
from sinefit.native import TileNetwork
from sinefit.networks.size import NetworkSize
size = NetworkSize(2, 64, 3, 3)
generator = torch.Generator().manual_seed(0)
weights = [torch.rand(shape, generator=generator) - 0.5 for shape in size.layers]
biases = [torch.rand(shape[0], generator=generator) for shape in size.layers]
batch = [torch.rand((600, count), generator=generator) for count in (2, 3)]
gradients = [[torch.empty_like(part) for part in kind] for kind in (weights, biases)]
network = TileNetwork(size, 4, split=False, training=True)
network.load(weights, biases)
found = set()
for _ in range(300):
    loss = network.train(*batch, *gradients)
    found.add((loss, *(float(part.double().sum()) for kind in gradients for part in kind)))
print(found)
"""


def test_processes_that_share_the_cores() -> None:
    """Members that sleep are woken, however the system lets them run."""
    running = [
        subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    shown = [process.communicate(timeout=100)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert shown == [shown[0]] * 3
    assert shown[0].count("(") == 1


def test_networks_that_are_gone_take_no_threads() -> None:
    gc.collect()
    before = len(list(threads_of_this_process()))
    for _ in range(5):
        network = TileNetwork(NetworkSize(2, 32, 2, 1), 3, split=False, training=False)
        assert len(list(threads_of_this_process())) == before + 2
        del network
        gc.collect()
        assert len(list(threads_of_this_process())) == before


def threads_of_this_process() -> Iterator[Path]:
    return Path("/proc/self/task").iterdir()


@pytest.mark.parametrize(
    "size",
    [
        NetworkSize(2, 33, 2, 1),
        NetworkSize(2, 16, 2, 1),
        NetworkSize(2, 32, 33, 1),
        NetworkSize(2, 32, 2, 17),
    ],
)
def test_sizes_that_are_not_provided_for(size: NetworkSize) -> None:
    assert not tiles_supported(size)
    with pytest.raises(ValueError, match="tile"):
        TileNetwork(size, 1, split=False, training=True)


def test_tensors_of_another_kind_are_refused() -> None:
    size = NetworkSize(2, 32, 2, 1)
    (weights, biases), (coordinates, targets) = draw_layers(size, 10, 0)
    network = TileNetwork(size, 1, split=False, training=True)
    with pytest.raises(ValueError, match="no weights"):
        network.evaluate(coordinates)
    with pytest.raises(ValueError, match="float32"):
        network.load([weight.double() for weight in weights], biases)
    with pytest.raises(ValueError, match="float32"):
        network.load([weights[0].T.contiguous().T, *weights[1:]], biases)
    network.load(weights, biases)
    for wrong in (coordinates[:, :1], coordinates.double(), coordinates.T.contiguous().T):
        with pytest.raises(ValueError, match="float32"):
            network.evaluate(wrong)
    with pytest.raises(ValueError, match="float32"):
        network.train(coordinates, targets[:5], weights, biases)
    only_evaluates = TileNetwork(size, 1, split=False, training=False)
    only_evaluates.load(weights, biases)
    with pytest.raises(ValueError, match="training"):
        only_evaluates.train(coordinates, targets, weights, biases)


def test_no_samples_at_all() -> None:
    size = NetworkSize(2, 32, 2, 1)
    layers, _ = draw_layers(size, 1, 0)
    network = TileNetwork(size, 2, split=False, training=False)
    network.load(layers[0], layers[1])
    assert network.evaluate(torch.empty(0, 2)).shape == (0, 1)
