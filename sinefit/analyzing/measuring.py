"""Everything that is measured on one network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

from sinefit.analyzing.mixing import measure_mixing
from sinefit.analyzing.results import (
    KernelResult,
    LayerResult,
    NetworkResult,
    SingularValues,
    SpectrumResult,
)
from sinefit.initializers.tuner import Tuner
from sinefit.memory import check_memory
from sinefit.theory.fourier_modes import captured_shares, nearest_modes
from sinefit.theory.layer_statistics import measure_layers
from sinefit.theory.output_spectra import highest_frequency, layer_spectra, share_beyond
from sinefit.theory.passes import backward, forward, layers_of
from sinefit.theory.plane import layer_constants, predict_layers
from sinefit.theory.singular_values import hidden_singular_values, output_singular_values
from sinefit.theory.tangent_kernel import TangentKernel, eigenpairs, leading_eigenpairs

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from sinefit.analyzing.subject import Subject
    from sinefit.networks.network import Network
    from sinefit.theory.layer_statistics import LayerStatistics

EXACT_POINTS: Final = 3000
"""Up to so many points all eigenvalues of the kernel are computed."""
LEADING: Final = 64
"""Eigenvalues that are computed of a larger one."""
EIGENVECTORS: Final = 8
"""That are told."""
SINGULAR_POINTS: Final = 4
"""Points at which the Jacobian through the hidden layers is taken."""
OMEGA_FACTORS: Final = (0.25, 1.0, 4.0)
"""On the omega of a start, for its spectra."""


def points_for(subject: Subject, points: int | None) -> int:
    """Return how many points the kernel is to have at most."""
    return points or (512 if len(subject.shape) == 1 else 1024)


def measure_network(network: Network, subject: Subject, points: int | None) -> NetworkResult:
    """Measure a subject's network, which is its start or what a fit has made of it."""
    is_start = network is not subject.fitted
    counts, coordinates = subject.lattice(points_for(subject, points))
    _check_memory(network, coordinates)
    kernel = TangentKernel(network, coordinates)
    statistics = measure_layers(network, coordinates.float())
    values = subject.values_on(counts)
    period = subject.initializer.period if isinstance(subject.initializer, Tuner) else None
    return NetworkResult(
        layers=_layers(network, statistics, kernel, coordinates, values),
        spectra=_spectra(network, subject, is_start=is_start),
        singular_values=_singular_values(network, statistics, coordinates),
        kernel=_kernel(network, kernel, subject, counts, coordinates, values, is_start=is_start),
        mixing=None if period is None else measure_mixing(network, period),
    )


def _layers(
    network: Network,
    statistics: list[LayerStatistics],
    kernel: TangentKernel,
    coordinates: Tensor,
    values: np.ndarray | None,
) -> tuple[LayerResult, ...]:
    constants = layer_constants(network)
    predicted = predict_layers(constants, statistics[0].variance, statistics[0].jacobian_variance)
    gradients = kernel.diagonal_by_layer().mean(dim=1).sqrt().tolist()
    losses = [None] * len(gradients) if values is None else _losses(network, coordinates, values)
    return tuple(
        LayerResult(
            layer=measured.layer,
            c_w=layer.c_w,
            c_b=layer.c_b,
            std=math.sqrt(measured.variance),
            std_by_map=math.sqrt(by_map.variance),
            jacobian_std=math.sqrt(measured.jacobian_variance),
            jacobian_std_by_map=math.sqrt(by_map.jacobian_variance),
            gain=measured.jacobian_gain,
            gain_by_map=by_map.gain,
            gradient_norm=gradient,
            loss_gradient_norm=loss,
        )
        for measured, layer, by_map, gradient, loss in zip(
            statistics, constants, predicted, gradients, losses, strict=True
        )
    )


def _losses(network: Network, coordinates: Tensor, values: np.ndarray) -> list[float]:
    """Return the norm of the gradient of the mean squared error by each layer's parameters."""
    layers = layers_of(network, coordinates.dtype)
    found = forward(layers, coordinates)
    seed = 2.0 * (found[-1] - torch.from_numpy(values)) / values.size
    norms = []
    for layer, slopes in enumerate(backward(layers, found, seed)):
        inputs = coordinates if layer == 0 else torch.sin(found[layer - 1])
        squares = (slopes.T @ inputs).square().sum() + slopes.sum(dim=0).square().sum()
        norms.append(float(squares.sqrt()))
    return norms


def _spectra(network: Network, subject: Subject, *, is_start: bool) -> tuple[SpectrumResult, ...]:
    found = []
    for factor in OMEGA_FACTORS if is_start else (1.0,):
        omega = tuple(factor * each for each in subject.omega)
        drawn = network if factor == 1.0 else subject.start(omega=omega)
        assert drawn is not None  # of what is itself a start
        for axis, nyquist in enumerate(subject.nyquist):
            found.append(
                SpectrumResult(
                    omega=omega[axis],
                    nyquist=nyquist,
                    first_layer=highest_frequency(drawn, axis),
                    layers=layer_spectra(drawn, axis, nyquist),
                )
            )
    return tuple(found)


def _singular_values(
    network: Network, statistics: list[LayerStatistics], coordinates: Tensor
) -> SingularValues:
    step = max(1, len(coordinates) // SINGULAR_POINTS)
    hidden = hidden_singular_values(network, coordinates[step // 2 :: step][:SINGULAR_POINTS])
    predicted = predict_layers(layer_constants(network), statistics[0].variance, 1.0)
    output = output_singular_values(network, coordinates).square().mean(dim=0).sqrt()
    return SingularValues(
        hidden=tuple(hidden.mean(dim=0).tolist()),
        hidden_mean_square=float(hidden.square().mean()),
        hidden_mean_square_by_map=math.prod(layer.gain for layer in predicted[1:-1]),
        output=tuple(output.tolist()),
    )


def _kernel(
    network: Network,
    kernel: TangentKernel,
    subject: Subject,
    counts: tuple[int, ...],
    coordinates: Tensor,
    values: np.ndarray | None,
    *,
    is_start: bool,
) -> KernelResult:
    exact = kernel.points <= EXACT_POINTS
    if exact:
        eigenvalues, vectors = eigenpairs(kernel.matrix(), kernel.points)
    else:
        generator = torch.Generator().manual_seed(0)
        eigenvalues, vectors = leading_eigenpairs(kernel, LEADING, generator)
    aligned_with = "signal"
    if values is None:
        aligned_with = "start" if is_start else "field"
        values = forward(layers_of(network, coordinates.dtype), coordinates)[-1].numpy()
    leading = vectors[:, :EIGENVECTORS]
    return KernelResult(
        points=counts,
        exact=exact,
        eigenvalues=tuple(eigenvalues.tolist()),
        mean_eigenvalue=kernel.mean_eigenvalue(),
        eigenvectors=tuple(tuple(column) for column in leading.T.tolist()),
        modes=None if subject.domain == "sphere" else nearest_modes(leading.numpy(), counts),
        beyond_first=_beyond_first(network, leading) if len(counts) == 1 else None,
        aligned_with=aligned_with,
        alignment=tuple(captured_shares(vectors.numpy(), values).tolist()),
    )


def _beyond_first(network: Network, vectors: Tensor) -> tuple[float, ...]:
    edge = highest_frequency(network, 0)
    return tuple(share_beyond(vectors.T.numpy(), 2.0, edge).tolist())


def _check_memory(network: Network, coordinates: Tensor) -> None:
    """Raise MemoryLimitError for a kernel that memory cannot hold."""
    size, points = network.size, len(coordinates)
    layers = 2 * size.out_features + 2
    matrix = 6 * points if points <= EXACT_POINTS else 6 * (3 * LEADING + 10)
    check_memory(
        8 * points * (layers * size.width * (size.depth + 1) + matrix),
        f"the tangent kernel on {points} points needs {{}}",
        "ask for fewer `points`",
    )
