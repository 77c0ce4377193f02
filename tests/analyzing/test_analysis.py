"""An analysis as a whole: its figures agree with one another and with closed forms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

import sinefit
from sinefit.errors import InputError, SettingError
from sinefit.initializers.registry import INITIALIZERS

if TYPE_CHECKING:
    from sinefit.analyzing.results import Analysis, NetworkResult

VALUES = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
PICTURE = Image.fromarray(VALUES)


@pytest.fixture(scope="module")
def lambert() -> NetworkResult:
    analysis = sinefit.analyze("lambert:sigma_a=1", width=256, depth=6, points=96)
    assert analysis.start is not None
    assert analysis.fitted is None
    return analysis.start


@pytest.fixture(scope="module")
def fitted() -> tuple[sinefit.Field, Analysis]:
    field = sinefit.fit(PICTURE, width=24, depth=3, steps=60, init="siren")
    return field, sinefit.analyze(field, signal=PICTURE, points=48)


def test_layers_are_near_the_map_and_the_fixed_point(lambert: NetworkResult) -> None:
    assert [row.layer for row in lambert.layers] == list(range(7))
    for row in lambert.layers[1:-1]:
        assert row.c_w == pytest.approx(2.2989, rel=0.02)
        assert row.std == pytest.approx(row.std_by_map, rel=0.1)
        assert row.jacobian_std == pytest.approx(row.jacobian_std_by_map, rel=0.1)
        assert row.gain == pytest.approx(row.gain_by_map, rel=0.1)
    assert lambert.layers[5].std == pytest.approx(1.0, rel=0.1)
    assert lambert.layers[5].gain == pytest.approx(1.0, rel=0.1)
    assert all(row.loss_gradient_norm is None for row in lambert.layers)


def test_of_one_output_the_last_jacobian_is_the_gradient(lambert: NetworkResult) -> None:
    (output,) = lambert.singular_values.output
    assert output == pytest.approx(lambert.layers[-1].jacobian_std, rel=1e-4)


def test_the_kernel_is_consistent(lambert: NetworkResult) -> None:
    kernel = lambert.kernel
    assert kernel.points == (96,)
    assert kernel.exact
    assert kernel.mean_eigenvalue == pytest.approx(sum(kernel.eigenvalues) / 96)
    # The trace is the sum over layers of the squared norms of gradients.
    squares = sum(row.gradient_norm**2 for row in lambert.layers)
    assert kernel.mean_eigenvalue == pytest.approx(squares, rel=1e-6)
    assert kernel.alignment[-1] == pytest.approx(1.0)
    assert kernel.aligned_with == "start"
    for vector in kernel.eigenvectors:
        assert math.hypot(*vector) == pytest.approx(1.0)


def test_spectra_are_of_three_omegas(lambert: NetworkResult) -> None:
    omegas = [spectrum.omega for spectrum in lambert.spectra]
    assert omegas == pytest.approx([8 * math.pi, 32 * math.pi, 128 * math.pi])
    for spectrum in lambert.spectra:
        assert spectrum.first_layer == pytest.approx(spectrum.omega, rel=0.05)
        assert len(spectrum.layers) == 7


def test_deeper_starts_have_larger_kernels_at_gain_1() -> None:
    analysis = sinefit.analyze("lambert:sigma_a=1", width=256, depth=6, points=64)
    assert [row.depth for row in analysis.mean_eigenvalues] == [1, 2, 3, 4, 5, 6]
    means = [row.mean_eigenvalue for row in analysis.mean_eigenvalues]
    # Each layer adds N E[sin²] = N (1 - exp(-2))/2.
    slope = np.polyfit(range(1, 7), means, 1)[0]
    assert slope == pytest.approx(256 * 0.4323, rel=0.25)


def test_a_fit_stands_beside_its_start(fitted: tuple[sinefit.Field, Analysis]) -> None:
    field, analysis = fitted
    assert analysis.start is not None
    assert analysis.fitted is not None
    assert analysis.init == field.record.initializer == "siren"
    assert analysis.start.layers[1].c_w == pytest.approx(math.sqrt(6), rel=0.1)
    assert analysis.fitted.kernel.aligned_with == "signal"
    # Both axes of a picture; of the start at three omegas.
    assert [each.layers[0].axis for each in analysis.fitted.spectra] == [0, 1]
    assert len(analysis.start.spectra) == 6
    assert len(analysis.fitted.singular_values.output) == 2


def test_gradients_of_the_error_are_those_of_autograd(
    fitted: tuple[sinefit.Field, Analysis],
) -> None:
    field, analysis = fitted
    assert analysis.fitted is not None
    rows, columns = analysis.fitted.kernel.points
    y, x = (torch.linspace(-1, 1, 2 * count + 1)[1::2] for count in (rows, columns))
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).reshape(1, -1, 2)
    picked = VALUES[
        ((np.arange(rows) + 0.5) * 24 / rows).astype(int)[:, None],
        ((np.arange(columns) + 0.5) * 32 / columns).astype(int),
    ]
    target = torch.tensor(picked.reshape(1, -1, 3) / 127.5 - 1)
    network = field.network.clone()
    network.values.requires_grad_()
    parameters = network.views(network.values)
    loss = (network.family.forward(parameters, grid) - target).square().mean()
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    by_layer: dict[int, float] = {}
    for name, gradient in zip(parameters, gradients, strict=True):
        layer = int(name.split(".")[1])
        by_layer[layer] = by_layer.get(layer, 0.0) + float(gradient.square().sum())
    for row in analysis.fitted.layers:
        assert row.loss_gradient_norm == pytest.approx(math.sqrt(by_layer[row.layer]), rel=1e-3)


def test_fitting_turns_the_kernel_towards_the_signal() -> None:
    x = np.linspace(-1, 1, 200)
    wave = np.sin(40 * x).astype(np.float32)
    field = sinefit.fit(wave, init="lambert", omega=60, width=32, depth=2, steps=300)
    analysis = sinefit.analyze(field, signal=wave, points=100)
    assert analysis.start is not None
    assert analysis.fitted is not None
    before, after = (np.asarray(n.kernel.alignment) for n in (analysis.start, analysis.fitted))
    assert after[19] > before[19]


def test_tuner_has_whole_frequencies() -> None:
    analysis = sinefit.analyze("tuner", width=48, depth=3, samples=128, points=32)
    assert analysis.start is not None
    mixing = analysis.start.mixing
    assert mixing is not None
    assert mixing.period == 4.0
    assert len(set(mixing.numbers)) == 3
    for line in mixing.lines:
        assert line.amplitude == pytest.approx(line.amplitude_by_series, abs=1e-6)
        assert line.amplitude <= line.bound * (1 + 1e-9)
        total = abs(sum(k * n for k, n in zip(line.leading_k, mixing.numbers, strict=True)))
        assert line.number == total
        assert line.frequency == pytest.approx(line.number * math.pi / 2)
    # Bounds of 1 and 0.6 on the weights, half of which no single term exceeds.
    assert all(each.bound <= 0.5 for each in mixing.frequencies)
    shallow = sinefit.analyze("tuner", width=48, depth=1, samples=128, points=32)
    assert shallow.start is not None
    assert shallow.start.mixing is None


def test_many_points_are_taken_without_the_matrix() -> None:
    analysis = sinefit.analyze("lambert", width=8, depth=2, samples=4000, points=3200)
    assert analysis.start is not None
    kernel = analysis.start.kernel
    assert not kernel.exact
    assert len(kernel.eigenvalues) == 64
    assert sum(kernel.eigenvalues) <= kernel.mean_eigenvalue * 3200 * (1 + 1e-9)
    few = sinefit.analyze("lambert", width=8, depth=2, samples=4000, points=1600)
    assert few.start is not None
    # A kernel's leading eigenvalues grow with the number of points.
    np.testing.assert_allclose(
        kernel.eigenvalues[:4], 2 * np.asarray(few.start.kernel.eigenvalues[:4]), rtol=0.01
    )


def test_every_scheme_has_its_mark() -> None:
    analysis = sinefit.analyze("custom:c_w=2:c_b=0.3", width=128, depth=2, points=16)
    marks = {mark.init: mark for mark in analysis.schemes}
    assert next(iter(marks)) == "custom:c_b=0.3"
    assert {name.partition(":")[0] for name in marks} == set(INITIALIZERS)
    lambert = marks["lambert:sigma_a=1"]
    assert lambert.sigma_a == pytest.approx(1.0, abs=0.05)
    assert lambert.sigma_g == pytest.approx(1.0, abs=0.02)


def test_on_the_sphere_nothing_is_beside_fourier_modes() -> None:
    globe = np.random.default_rng(0).normal(size=(10, 20)).astype(np.float32)
    field = sinefit.fit(globe, domain="sphere", width=8, steps=2)
    analysis = sinefit.analyze(field, signal=globe, points=40)
    assert analysis.fitted is not None
    assert analysis.fitted.kernel.modes is None
    assert len(analysis.nyquist) == 3


def test_what_cannot_be_asked() -> None:
    field = sinefit.fit(PICTURE, width=8, steps=1)
    with pytest.raises(SettingError, match="`width` is that of the weights file"):
        sinefit.analyze(field, width=9)
    with pytest.raises(SettingError, match="`block` is for a weights file"):
        sinefit.analyze("siren", block=0)
    with pytest.raises(SettingError, match="`subject` is 3: it must be an initializer"):
        sinefit.analyze(3)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        sinefit.analyze("siren", signal="missing.png")
