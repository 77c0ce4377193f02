"""The CUDA step, on the CPU: with plain stages, and with Triton's interpreter where it is there."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting import engines
from sinefit.fitting.engines import AutogradEngine, CudaEngine, FlatNetwork
from sinefit.fitting.engines.adam import plain_update
from sinefit.fitting.engines.choice import choose_stages, choose_update, piece_size, triton_works
from sinefit.fitting.engines.cuda import without_tf32
from sinefit.fitting.engines.stages import PlainStages
from sinefit.fitting.objective import MeanSquaredError
from sinefit.networks.size import NetworkSize

from ..making import random_network
from .batches import SIZES, draw_batch, gradients, relative_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sinefit.fitting.engines.adam import Update
    from sinefit.fitting.engines.stages import Stages
    from sinefit.networks.sine import SineNetwork

    MakeStages = Callable[[NetworkSize, int], Stages]

CPU = torch.device("cpu")
KERNELS = "sinefit.fitting.engines.kernels"
STAGES = "sinefit.fitting.engines.triton_stages"


@pytest.fixture(scope="module", params=["plain", "triton"])
def suite(request: pytest.FixtureRequest) -> Iterator[tuple[MakeStages, Update]]:
    """The makers of stages and the update of weights, both in one of two implementations."""
    if request.param == "plain":
        yield lambda size, piece: PlainStages(size, piece, CPU), plain_update
        return
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    # Triton decides when kernels are defined whether they are compiled or interpreted.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        for name in (KERNELS, STAGES):
            patch.delitem(sys.modules, name, raising=False)
            patch.delattr(engines, name.rpartition(".")[2], raising=False)
        stages = importlib.import_module(STAGES)
        yield lambda size, piece: stages.TritonStages(size, piece, CPU), stages.adam
        for name in (KERNELS, STAGES):  # others must not find the interpreted ones
            del sys.modules[name]
            delattr(engines, name.rpartition(".")[2])


def engine_of(
    network: SineNetwork, piece: int, make: MakeStages, operands: torch.dtype = torch.float32
) -> CudaEngine:
    return CudaEngine(FlatNetwork(network), operands, piece, make(network.size, piece))


@pytest.mark.parametrize(("size", "batch"), [*SIZES, (NetworkSize(2, 64, 3, 3), 500)])
def test_in_float32_the_gradient_is_the_reference_s(
    size: NetworkSize, batch: int, suite: tuple[MakeStages, Update]
) -> None:
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, batch)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    loss = engine_of(network, batch, suite[0]).step(coordinates, targets)
    assert loss.shape == ()
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert relative_error(actual, expected) < 1e-5


@pytest.mark.parametrize("piece", [5, 20, 39, 64])
def test_pieces_add_up_to_the_batch(piece: int, suite: tuple[MakeStages, Update]) -> None:
    size = NetworkSize(2, 24, 3, 2)
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, 39)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    engine = engine_of(network, piece, suite[0])
    for _ in range(2):  # the second step must not add to the gradient of the first
        loss = engine.step(coordinates, targets)
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert relative_error(actual, expected) < 1e-5


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_in_bfloat16_the_gradient_is_near_the_reference_s(
    depth: int, suite: tuple[MakeStages, Update]
) -> None:
    size = NetworkSize(2, 48, depth, 3)
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, 512)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    engine = engine_of(network, 512, suite[0], torch.bfloat16)
    loss = engine.step(coordinates, targets)
    # Each sine layer rounds weights, sines and cosines once and what flows back twice, by 2^-9 at
    # most each.
    bound = depth * 5 * 2.0**-9
    assert float(loss) == pytest.approx(float(expected_loss), rel=bound)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert actual.dtype == torch.float32
        assert relative_error(actual, expected) < bound
    assert relative_error(gradients(network)[0], gradients(twin)[0]) > 1e-5


def test_sines_of_large_phases_keep_their_accuracy(suite: tuple[MakeStages, Update]) -> None:
    size = NetworkSize(1, 4, 1, 1)
    stages = suite[0](size, 1000)
    # Phases as a sound's first layer has them; slopes whose products with these are exact.
    coordinates = (torch.arange(1000) - 500)[:, None] / 512
    weight = torch.tensor([[1.0], [3.0], [64.0], [1024.0]])
    bias = torch.tensor([0.0, 0.5, -2.0, 8.0])
    sines, cosines = torch.empty((1000, 4)), torch.empty((1000, 4))
    stages.first_layer(coordinates, weight, bias, sines, cosines)
    phases = coordinates.double() @ weight.T.double() + bias.double()
    # Without fused multiplication, as interpreted, the reduction by pi rounds at 2^-24 of a phase.
    bound = 2e-7 + 2.0**-23 * phases.abs()
    assert bool(((sines - phases.sin()).abs() < bound).all())
    assert bool(((cosines - phases.cos()).abs() < bound).all())


def test_rows_of_a_wider_matrix_are_taken_as_they_are(suite: tuple[MakeStages, Update]) -> None:
    size = NetworkSize(2, 24, 2, 3)
    coordinates, targets = draw_batch(size, 30)
    rows = torch.cat([coordinates, targets], dim=1)
    network, twin = random_network(size), random_network(size)
    engine_of(network, 30, suite[0]).step(rows[:, :2], rows[:, 2:])
    engine_of(twin, 30, suite[0]).step(coordinates, targets)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert torch.equal(actual, expected)


def test_every_step_sees_the_present_weights(suite: tuple[MakeStages, Update]) -> None:
    size = NetworkSize(2, 24, 3, 2)
    network = random_network(size)
    engine = engine_of(network, 40, suite[0], torch.bfloat16)
    for seed in range(3):
        coordinates, targets = draw_batch(size, 40, seed)
        engine.step(coordinates, targets)
        again = random_network(size)
        again.load_state_dict(network.state_dict())
        engine_of(again, 40, suite[0], torch.bfloat16).step(coordinates, targets)
        for actual, expected in zip(gradients(network), gradients(again), strict=True):
            assert torch.equal(actual, expected)
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients(network), strict=True):
                parameter.sub_(gradient)


@pytest.mark.parametrize("bounded", [False, True])
def test_the_update_is_adam(bounded: bool, suite: tuple[MakeStages, Update]) -> None:
    count, decay, second_decay, epsilon = 2500, 0.9, 0.99, 1e-12
    generator = torch.Generator().manual_seed(0)
    values, rates = (torch.rand(count, generator=generator) for _ in range(2))
    bounds = torch.full((count,), 0.9) if bounded else None
    averages = torch.zeros(count), torch.zeros(count)
    value = values.double()
    first = second = torch.zeros(count, dtype=torch.float64)
    for step, factor in enumerate((0.1, 1.0, 0.5), start=1):
        gradient = torch.randn(count, generator=generator)
        correction, second_correction = 1 - decay**step, 1 - second_decay**step
        pace = torch.tensor([factor / correction, second_correction**-0.5])
        suite[1](values, gradient, averages, rates, bounds, pace, (decay, second_decay, epsilon))
        first = decay * first + (1 - decay) * gradient
        second = second_decay * second + (1 - second_decay) * gradient.double() ** 2
        change = first / correction / ((second / second_correction).sqrt() + epsilon)
        value = value - factor * rates * change
        if bounded:
            value = value.clamp(-0.9, 0.9)
    torch.testing.assert_close(values.double(), value, rtol=1e-5, atol=1e-5)


def test_a_flat_network_is_the_network() -> None:
    size = NetworkSize(2, 5, 3, 2)
    network, twin = random_network(size), random_network(size)
    before = list(network.parameters())
    flat = FlatNetwork(network)
    assert all(one is other for one, other in zip(network.parameters(), before, strict=True))
    for parameter, expected in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(parameter, expected)
        assert parameter.is_contiguous()
        assert flat.part(flat.values, parameter).data_ptr() == parameter.data_ptr()
        assert parameter.grad is not None
        assert flat.part(flat.gradients, parameter).data_ptr() == parameter.grad.data_ptr()
    assert flat.values.numel() == sum(parameter.numel() for parameter in before)
    flat.gradients.fill_(1.0)
    assert float(flat.loss) == 0.0


def test_without_cuda_the_plain_stages_serve() -> None:
    assert not triton_works(CPU)
    assert isinstance(choose_stages(NetworkSize(2, 8, 2, 1), 16, CPU), PlainStages)
    assert choose_update(CPU) is plain_update


def test_pieces_on_cuda_fit_its_cache() -> None:
    assert 8192 <= piece_size(torch.device("cuda")) <= 32768


@pytest.mark.parametrize("precision", ["tf32", "ieee", "none"])
def test_a_caller_s_tf32_is_put_aside_and_back(precision: str) -> None:
    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    try:
        settings.fp32_precision = precision
        with without_tf32():
            assert settings.fp32_precision != "tf32"
        assert settings.fp32_precision == precision
        with pytest.raises(KeyError), without_tf32():
            raise KeyError
        assert settings.fp32_precision == precision
    finally:
        settings.fp32_precision = before


def test_programs_share_the_tiles_of_a_piece(
    suite: tuple[MakeStages, Update], monkeypatch: pytest.MonkeyPatch
) -> None:
    if STAGES in sys.modules:
        monkeypatch.setattr(sys.modules[STAGES], "TILE", 64)
        monkeypatch.setattr(sys.modules[STAGES], "PROGRAMS", 3)
    size = NetworkSize(2, 12, 3, 3)
    # Rows of 16 columns, 4 to a tile: programs with several tiles, the last one with none or few.
    for batch, piece in ((53, 53), (9, 53), (60, 33)):
        network, twin = random_network(size), random_network(size)
        coordinates, targets = draw_batch(size, batch)
        AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
        engine_of(network, piece, suite[0]).step(coordinates, targets)
        for actual, expected in zip(gradients(network), gradients(twin), strict=True):
            assert relative_error(actual, expected) < 1e-5


def test_networks_whose_sums_exceed_the_registers_are_left_to_plain_stages(
    suite: tuple[MakeStages, Update],
) -> None:
    if STAGES not in sys.modules:
        pytest.skip("only Triton's kernels have a limit")
    fits = sys.modules[STAGES].fits
    assert fits(NetworkSize(2, 256, 4, 3))
    assert fits(NetworkSize(3, 1024, 4, 4))
    assert not fits(NetworkSize(2, 256, 4, 33))
    assert not fits(NetworkSize(33, 256, 4, 1))
    assert not fits(NetworkSize(1, 4097, 2, 1))


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sinefit.fitting.engines import kernels

HALF, SINGLE, NUMBER = "*bf16", "*fp32", "i32"
STRIDES = [NUMBER, NUMBER]
ARGUMENTS = {
    "first_layer": [SINGLE, *STRIDES, SINGLE, SINGLE, HALF, HALF, NUMBER, 24, 2, 8, 32],
    "activate": [SINGLE, SINGLE, HALF, HALF, NUMBER, 24, 8, 32],
    "last_layer": [
        HALF, SINGLE, *STRIDES, SINGLE, SINGLE, HALF, SINGLE, NUMBER, "fp32", 2, 24, 3, 8, 32, 4,
        196, 120, 192, 195, True,
    ],
    "pass_cosines": [HALF, HALF, SINGLE, NUMBER, 2, 24, 8, 32, 196, 24, False],
    "first_gradient": [
        HALF, HALF, SINGLE, *STRIDES, SINGLE, NUMBER, 2, 24, 2, 8, 32, 2, 196, 72, False,
    ],
    "adam": [*[SINGLE] * 7, NUMBER, 0.9, 0.99, 1e-12, True, 1024],
}
for name, arguments in ARGUMENTS.items():
    kernel = getattr(kernels, name)
    types, constants = {}, {}
    for place, (argument, value) in enumerate(zip(kernel.arg_names, arguments, strict=True)):
        types[argument] = value if isinstance(value, str) else "constexpr"
        if not isinstance(value, str):
            constants[(place,)] = value
    compile(ASTSource(kernel, types, constants), target=GPUTarget("cuda", 80, 32))
"""


def test_kernels_compile_where_there_is_no_device(tmp_path: Path) -> None:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    # The interpreter takes much that the compiler does not; the latter needs a process of its own.
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    process = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
