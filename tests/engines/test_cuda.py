"""The CUDA step, on the CPU: with plain stages, and with Triton's interpreter where it is there."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.adam import CONSTANTS, Adam, plain_update
from sinefit.engines.cuda import CUDA, CudaEngine, without_tf32
from sinefit.engines.objective import Batch
from sinefit.engines.registry import shortfalls
from sinefit.engines.stages import PlainStages
from sinefit.engines.triton_support import (
    failure_of,
    stages_failure,
    stages_for,
    triton_update,
    update_failure,
)
from sinefit.networks.size import NetworkSize

from .interpreting import interpreted
from .making import CPU, SIZES, draw_batch, exact, random_network, work_of, worst_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from sinefit.engines.adam import Update
    from sinefit.engines.engine import Precision
    from sinefit.engines.stages import Stages
    from sinefit.networks.network import Network

    MakeStages = Callable[[NetworkSize, int], Stages]
    Suite = tuple[MakeStages, Update]

SIZE = NetworkSize(2, 24, 3, 2)


@pytest.fixture(scope="module")
def triton_stages() -> Iterator[ModuleType]:
    """The stages in Triton, whose kernels its interpreter runs on the CPU."""
    with interpreted("triton_stages") as stages:
        yield stages


@pytest.fixture(scope="module", params=["plain", "triton"])
def suite(request: pytest.FixtureRequest) -> Suite:
    """The maker of stages and the update of weights, both in one of two implementations."""
    if request.param == "plain":
        return lambda size, piece: PlainStages(size, piece, CPU), plain_update
    stages = request.getfixturevalue("triton_stages")
    # The interpreter multiplies no bfloat16; what the products' kernel does has a test of its own.
    return lambda size, piece: stages.TritonStages(size, piece, CPU, fused=False), stages.adam


def engine_of(
    network: Network, piece: int, make: MakeStages, precision: Precision = "float32"
) -> CudaEngine:
    return CudaEngine(network, work_of(network, piece), precision, make(network.size, piece))


@pytest.mark.parametrize(("size", "targets"), [*SIZES, (NetworkSize(2, 64, 3, 3), 500)])
def test_in_float32_the_gradient_is_exact(size: NetworkSize, targets: int, suite: Suite) -> None:
    network, batch = random_network(size), draw_batch(size, targets)
    losses, gradient = exact(network, batch)
    engine = engine_of(network, targets, suite[0])
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-5


@pytest.mark.parametrize("piece", [5, 20, 39, 64])
def test_parts_add_up_to_the_batch(piece: int, suite: Suite) -> None:
    network, batch = random_network(SIZE), draw_batch(SIZE, 39)
    losses, gradient = exact(network, batch)
    engine = engine_of(network, piece, suite[0])
    place = engine.gradient
    for _ in range(2):  # the second step must not add to the gradient of the first
        torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
    assert engine.gradient is place
    assert worst_error(network, engine.gradient, gradient) < 1e-5


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_in_bfloat16_it_errs_by_the_rounding_of_factors(depth: int, suite: Suite) -> None:
    size = NetworkSize(2, 48, depth, 3)
    network, batch = random_network(size), draw_batch(size, 512)
    losses, gradient = exact(network, batch)
    engine = engine_of(network, 512, suite[0], "bfloat16")
    # Each sine layer rounds weights, sines and cosines once and what flows back twice, by 2^-9 at
    # most each.
    bound = depth * 5 * 2.0**-9
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=bound, atol=0)
    assert engine.gradient.dtype == torch.float32
    assert 1e-5 < worst_error(network, engine.gradient, gradient) < bound


def test_sines_of_large_phases_keep_their_accuracy(suite: Suite) -> None:
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


def test_rows_of_a_wider_matrix_are_taken_as_they_are(suite: Suite) -> None:
    size = NetworkSize(2, 24, 2, 3)
    network, batch = random_network(size), draw_batch(size, 30)
    rows = torch.cat([batch.coordinates, batch.targets], dim=2)
    engine = engine_of(network, 30, suite[0])
    engine.step(batch)
    expected = engine.gradient.clone()
    engine.step(Batch(rows[:, :, :2], rows[:, :, 2:]))
    assert torch.equal(engine.gradient, expected)


def test_every_step_sees_the_present_weights(suite: Suite) -> None:
    network = random_network(SIZE)
    engine = engine_of(network, 40, suite[0], "bfloat16")
    for seed in range(3):
        batch = draw_batch(SIZE, 40, seed=seed)
        before = network.values.clone()
        engine.step(batch)
        assert torch.equal(network.values, before)
        other = engine_of(network.clone(), 40, suite[0], "bfloat16")
        other.step(batch)
        assert torch.equal(engine.gradient, other.gradient)
        network.values.sub_(engine.gradient)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("bounded", [False, True])
def test_the_update_is_adam(bounded: bool, members: int, suite: Suite) -> None:
    network = random_network(NetworkSize(2, 24, 5, 2), members)
    own = torch.linspace(1.0, 2.0, members)[:, None]  # factors differ from member to member
    generator = torch.Generator().manual_seed(0)
    rates = torch.rand(network.values.shape, generator=generator)
    bounds = torch.full_like(rates, 0.9) if bounded else None
    limit = 0.9 if bounded else math.inf
    adam = Adam(network, rates, bounds, update=suite[1])
    decay, second_decay, epsilon = CONSTANTS
    value = network.values.double()
    first = second = torch.zeros_like(value)
    for step, factor in enumerate((0.1, 1.0, 0.5), start=1):
        gradient = torch.randn(rates.shape, generator=generator)
        adam.step(gradient, (factor * own[:, 0]).tolist())
        first = decay * first + (1 - decay) * gradient
        second = second_decay * second + (1 - second_decay) * gradient.double() ** 2
        spread = (second / (1 - second_decay**step)).sqrt() + epsilon
        value = (value - factor * own * rates * first / (1 - decay**step) / spread).clamp(
            -limit, limit
        )
    torch.testing.assert_close(network.values.double(), value, rtol=1e-5, atol=1e-5)


def test_a_diverging_weight_is_seen_through_its_bound(suite: Suite) -> None:
    network = random_network(SIZE)
    ones = torch.ones_like(network.values)
    Adam(network, ones, ones, update=suite[1]).step(torch.full_like(ones, math.nan), [1.0])
    assert bool(network.values.isnan().all())


def test_without_cuda_the_plain_stages_and_update_serve() -> None:
    assert stages_failure(SIZE, 16, CPU, torch.float32) == update_failure(CPU)
    assert stages_for(SIZE, 16, CPU, torch.float32) is None
    assert triton_update(CPU) is None
    network, batch = random_network(SIZE), draw_batch(SIZE, 20)
    made = CUDA.make(network, work_of(network, 16), "float32")
    made.step(batch)
    assert worst_error(network, made.gradient, exact(network, batch)[1]) < 1e-5


@pytest.mark.parametrize("size", [SIZE, NetworkSize(1, 64, 1, 1), NetworkSize(3, 100, 4, 4)])
@pytest.mark.parametrize("operands", [torch.bfloat16, torch.float32])
def test_the_kernels_that_a_step_needs_can_be_tried(
    size: NetworkSize, operands: torch.dtype, triton_stages: ModuleType
) -> None:
    triton_stages.attempt(size, 50, CPU, operands)
    triton_stages.attempt_adam(CPU)
    with pytest.raises(ValueError, match="registers"):
        triton_stages.attempt(NetworkSize(2, 256, 4, 33), 50, CPU, operands)


def test_what_stands_in_the_way_is_told_in_a_line() -> None:
    def fail(error: Exception) -> None:
        raise error

    assert failure_of(lambda: None) is None
    assert (
        failure_of(lambda: fail(RuntimeError("no C\n compiler"))) == "RuntimeError: no C compiler"
    )
    assert failure_of(lambda: fail(KeyError())) == "KeyError"
    assert len(failure_of(lambda: fail(ValueError("x" * 10**5))) or "") < 300
    with pytest.raises(torch.OutOfMemoryError):  # that is cured otherwise
        failure_of(lambda: fail(torch.OutOfMemoryError()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_step_without_triton_says_so() -> None:
    network = random_network(SIZE)
    there, here = (work_of(network, 20, device=torch.device(name)) for name in ("cuda:0", "cpu"))
    assert shortfalls(here) == []
    (told,) = shortfalls(there)
    assert "Triton" in told
    assert "there is no CUDA device" in told


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


@pytest.mark.parametrize("size", [NetworkSize(2, 24, 2, 1), NetworkSize(2, 150, 2, 1)])
def test_sines_are_taken_in_the_products_kernel(
    size: NetworkSize, triton_stages: ModuleType
) -> None:
    # 70 samples make two tiles of rows; 150 neurons two of columns, and three of the layer below.
    width, count = size.width, 70
    generator = torch.Generator().manual_seed(0)
    weight, below = (
        torch.randn((rows, width), generator=generator).half() for rows in (width, count)
    )
    bias = torch.randn(width, generator=generator)
    phases = below.double() @ weight.double().T + bias.double()
    products = torch.empty((count, width))
    for fused in (True, False):
        stages = triton_stages.TritonStages(size, count, CPU, fused=fused)
        sines, cosines = (torch.full((count, width), 9.0).half() for _ in range(2))
        stages.layer(below, weight, bias, sines, cosines, products)
        # They are rounded to 11 bits once.
        torch.testing.assert_close(sines.double(), phases.sin(), rtol=2.0**-11, atol=2e-5)
        torch.testing.assert_close(cosines.double(), phases.cos(), rtol=2.0**-11, atol=2e-5)


@pytest.mark.parametrize(("targets", "piece"), [(53, 53), (9, 53), (60, 33)])
def test_programs_share_the_tiles_of_a_piece(
    targets: int, piece: int, triton_stages: ModuleType
) -> None:
    # As large pieces on a device: programs with several tiles, the last one with none or few.
    # Rows have 16 columns, and there are 4 to a tile.
    size = NetworkSize(2, 12, 3, 3)
    network, batch = random_network(size), draw_batch(size, targets)
    stages = triton_stages.TritonStages(size, piece, CPU, tile=64, programs=3)
    engine = CudaEngine(network, work_of(network, piece), "float32", stages)
    engine.step(batch)
    assert worst_error(network, engine.gradient, exact(network, batch)[1]) < 1e-5


def test_networks_whose_sums_exceed_the_registers_are_left_to_plain_stages(
    triton_stages: ModuleType,
) -> None:
    assert triton_stages.fits(NetworkSize(2, 256, 4, 3))
    assert triton_stages.fits(NetworkSize(3, 1024, 4, 4))
    assert not triton_stages.fits(NetworkSize(2, 256, 4, 33))
    assert not triton_stages.fits(NetworkSize(33, 256, 4, 1))
    assert not triton_stages.fits(NetworkSize(1, 4097, 2, 1))


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sinefit.engines import block_kernels, kernels

WIDE, INDEX = "*i64", "*i32"
HALF, SINGLE, NUMBER = "*bf16", "*fp32", "i32"
STRIDES = [NUMBER, NUMBER]
ARGUMENTS = {
    "first_layer": [SINGLE, *STRIDES, SINGLE, SINGLE, HALF, HALF, NUMBER, 24, 2, 8, 32],
    "activate": [SINGLE, SINGLE, HALF, HALF, NUMBER, 24, 8, 32],
    "layer": [HALF, HALF, SINGLE, HALF, HALF, NUMBER, 24, 64, 32, 32],
    "last_layer": [
        HALF, SINGLE, *STRIDES, SINGLE, SINGLE, HALF, SINGLE, NUMBER, "fp32", 2, 24, 3, 8, 32, 4,
        196, 120, 192, 195, True,
    ],
    "pass_cosines": [HALF, HALF, SINGLE, NUMBER, 2, 24, 8, 32, 196, 24, False],
    "first_gradient": [
        HALF, HALF, SINGLE, *STRIDES, SINGLE, NUMBER, 2, 24, 2, 8, 32, 2, 196, 72, False,
    ],
    "adam": [SINGLE, SINGLE, NUMBER, *[SINGLE] * 5, NUMBER, NUMBER, 0.9, 0.99, 1e-12, True, 1024],
}
ARGUMENTS["train"] = [
    *[SINGLE] * 6, WIDE, INDEX, SINGLE, "*fp16", SINGLE, SINGLE, *[NUMBER] * 3, "fp32",
    0.9, 0.99, 1e-12, True, True, 2, 12, 3, 1, 16, 16, 1024,
]
for name, arguments in ARGUMENTS.items():
    kernel = getattr(kernels, name, None) or block_kernels.train
    types, constants = {}, {}
    for place, (argument, value) in enumerate(zip(kernel.arg_names, arguments, strict=True)):
        types[argument] = value if isinstance(value, str) else "constexpr"
        if not isinstance(value, str):
            constants[(place,)] = value
    options = {"num_stages": 1}
    compile(ASTSource(kernel, types, constants), target=GPUTarget("cuda", 80, 32), options=options)
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
