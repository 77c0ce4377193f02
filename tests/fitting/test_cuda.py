"""Fits and renders on a CUDA device, held against the CPU; skipped where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import sinefit
from sinefit.fitting.engines import AutogradEngine, ManualEngine, fast_operands
from sinefit.fitting.objective import MeanSquaredError
from sinefit.fitting.samples import TrainingSamples
from sinefit.rendering.evaluator import FloatEvaluator

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

LAKE = Path(__file__).parent.parent.parent / "samples" / "lake.png"


@pytest.fixture(scope="module")
def field() -> sinefit.Field:
    return sinefit.fit(LAKE, steps=100, device="cuda")


def test_a_fit_is_as_good_as_on_the_cpu(field: sinefit.Field) -> None:
    reference = sinefit.fit(LAKE, steps=100, device="cpu")
    assert field.record.psnr == pytest.approx(reference.record.psnr, abs=0.3)


def test_samples_are_the_same_on_both_devices() -> None:
    signal = sinefit.read_signal(LAKE)
    indices = torch.arange(0, signal.spec.sample_count, 1001)
    on_cpu = TrainingSamples(signal, torch.device("cpu")).batch(indices)
    on_cuda = TrainingSamples(signal, torch.device("cuda")).batch(indices)
    for first, second in zip(on_cpu, on_cuda, strict=True):
        torch.testing.assert_close(first, second.cpu(), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("operands", "bound"), [(torch.float32, 1e-4), (fast_operands(torch.device("cuda")), 0.05)]
)
def test_gradients_agree_with_autograd(
    field: sinefit.Field, operands: torch.dtype, bound: float
) -> None:
    network = field.network.cuda()
    samples = TrainingSamples(sinefit.read_signal(LAKE), torch.device("cuda"))
    coordinates, targets = samples.batch(torch.arange(0, samples.count, samples.count // 512)[:512])
    AutogradEngine(network, MeanSquaredError()).step(coordinates, targets)
    expected = [parameter.grad.clone() for parameter in network.parameters()]
    ManualEngine(network, MeanSquaredError(), operands, 512).step(coordinates, targets)
    for parameter, reference in zip(network.parameters(), expected, strict=True):
        assert (parameter.grad - reference).norm() <= bound * reference.norm()


def test_an_evaluation_is_that_of_the_cpu(field: sinefit.Field) -> None:
    coordinates = torch.rand(5000, 2) * 2 - 1
    on_cpu = FloatEvaluator(field.network.cpu())(coordinates).numpy()
    on_cuda = FloatEvaluator(field.network.cuda())(coordinates.cuda()).cpu().numpy()
    np.testing.assert_allclose(on_cuda, on_cpu, atol=1e-3)
