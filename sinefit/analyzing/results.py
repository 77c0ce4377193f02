"""What an analysis finds. Layers are counted from 0, and the linear one is last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinefit.theory.fourier_modes import NearestMode
    from sinefit.theory.output_spectra import LayerSpectrum
    from sinefit.theory.plane import Plane


@dataclass(frozen=True)
class LayerResult:
    """One layer, over its neurons and the points."""

    layer: int
    """Number of the layer from 0; the linear one is last."""
    c_w: float
    """√(3 fan_in E[W²]) of its weights."""
    c_b: float
    """√E[b²] of its biases."""
    std: float
    """Standard deviation of the pre-activations."""
    std_by_map: float
    """The same by the variance map, from the first layer on."""
    jacobian_std: float
    """Root mean square of the derivatives of pre-activations by the coordinates."""
    jacobian_std_by_map: float
    """The same by the variance map, from the first layer on."""
    gain: float
    """sigma_g²: the factor on the variance of Jacobian entries from the layer before."""
    gain_by_map: float
    """The same by the variance map."""
    gradient_norm: float
    """Root mean square over the points of the norm of an output's gradient by the layer's weights
    and biases."""
    loss_gradient_norm: float | None
    """Norm of the gradient of the mean squared error by them, with a signal."""


@dataclass(frozen=True)
class SpectrumResult:
    """The spectra of all layers along one axis, at one omega."""

    omega: float
    """First-layer frequency factor of the axis."""
    nyquist: float
    """Of the axis, in radians per unit."""
    first_layer: float
    """Highest frequency of the first layer, in radians per unit."""
    layers: tuple[LayerSpectrum, ...]
    """One for each layer."""


@dataclass(frozen=True)
class SingularValues:
    """Singular values of Jacobians, largest first, means over some points."""

    hidden: tuple[float, ...]
    """From the first to the last sine layer's pre-activations."""
    hidden_mean_square: float
    """Of those; the product of the gains between them by the variance map is beside it."""
    hidden_mean_square_by_map: float
    """The same by the variance map."""
    output: tuple[float, ...]
    """From the coordinates to the outputs, root mean squares over the points of the kernel."""


@dataclass(frozen=True)
class KernelResult:
    """The tangent kernel on a lattice of points, in effective weights, mean over the outputs."""

    points: tuple[int, ...]
    """Along each axis."""
    exact: bool
    """Whether all eigenvalues were computed; else the leading ones without forming the kernel."""
    eigenvalues: tuple[float, ...]
    """Largest first."""
    mean_eigenvalue: float
    """Of all, the trace over the number of points."""
    eigenvectors: tuple[tuple[float, ...], ...]
    """The leading ones, each of norm 1."""
    modes: tuple[NearestMode, ...] | None
    """The Fourier mode nearest to each of these; none on the sphere."""
    beyond_first: tuple[float, ...] | None
    """Share of the energy of each above the first layer's highest frequency, on one axis."""
    aligned_with: str
    """What the alignment is of: "signal", the "field" itself, or "start"."""
    alignment: tuple[float, ...]
    """Share of its variance in the first 1, 2, ... eigenvectors."""


@dataclass(frozen=True)
class DepthResult:
    """A network of the same start with so many sine layers."""

    depth: int
    """Sine layers."""
    mean_eigenvalue: float
    """Of its tangent kernel."""


@dataclass(frozen=True)
class LineResult:
    """A frequency that a small neuron sin(Σ a_j sin(w_j x + p_j) + b) makes."""

    number: int
    """Turns per period."""
    frequency: float
    """In radians per unit of the coordinate."""
    leading_k: tuple[int, ...]
    """The combination of the first layer's frequencies with the largest amplitude there."""
    amplitude: float
    """Measured."""
    amplitude_by_series: float
    """By the products of Bessel functions."""
    bound: float
    """What it is never above."""


@dataclass(frozen=True)
class FrequencyResult:
    """A frequency of the first layer, in all neurons of the second."""

    number: int
    """Turns per period along the axis."""
    bound: float
    """Largest |a|/2 among the weights that read it: what no neuron's own term of it exceeds."""
    amplitude: float
    """Largest that is measured at that frequency after the second sine."""


@dataclass(frozen=True)
class MixingResult:
    """What the second layer makes of whole frequencies."""

    axis: int
    """The coordinate that changes."""
    period: float
    """Of the whole frequencies, in units of the coordinate."""
    numbers: tuple[int, ...]
    """Frequencies of the small neuron, in turns per period."""
    weights: tuple[float, ...]
    """Its weights, the largest ones of a neuron."""
    lines: tuple[LineResult, ...]
    """What it makes of them."""
    frequencies: tuple[FrequencyResult, ...]
    """Of the first layer, by number."""


@dataclass(frozen=True)
class NetworkResult:
    """Everything that is measured on one network."""

    layers: tuple[LayerResult, ...]
    """One for each layer."""
    spectra: tuple[SpectrumResult, ...]
    """Along each axis; of a start also at a quarter and at four times its omega."""
    singular_values: SingularValues
    """Of its Jacobians."""
    kernel: KernelResult
    """Its tangent kernel."""
    mixing: MixingResult | None
    """Of tuner, whose frequencies are whole; none of networks with a single sine layer."""


@dataclass(frozen=True)
class SchemeMark:
    """A scheme's place in the plane at the width and depth of the network."""

    init: str
    """The initializer."""
    c_w: float
    """Of its hidden layers."""
    c_b: float
    """Of its hidden layers."""
    sigma_a: float
    """Standard deviation of the pre-activations that its deep layers tend to."""
    sigma_g: float
    """Factor per layer on the standard deviation of Jacobian entries there."""


@dataclass(frozen=True)
class Analysis:
    """An initializer's start, or a fitted network beside its start."""

    name: str
    """What was analysed."""
    init: str
    """The initializer with its parameters."""
    omega: tuple[float, ...]
    """First-layer frequency factor per coordinate."""
    width: int
    """Neurons per sine layer."""
    depth: int
    """Sine layers."""
    seed: int
    """Of the draw."""
    shape: tuple[int, ...]
    """Samples along each axis of the signal, or of the grid in its place."""
    nyquist: tuple[float, ...]
    """Highest frequency of the samples along each coordinate, in radians per unit."""
    start: NetworkResult | None
    """The drawn weights; none where they cannot be drawn again."""
    fitted: NetworkResult | None
    """The weights after a fit."""
    mean_eigenvalues: tuple[DepthResult, ...]
    """Starts of every depth up to the network's."""
    plane: Plane
    """Both fixed points over the plane of c_w and c_b."""
    schemes: tuple[SchemeMark, ...]
    """Every initializer, and the one that is analysed first."""
    notes: tuple[str, ...]
    """What there is to know of it."""
