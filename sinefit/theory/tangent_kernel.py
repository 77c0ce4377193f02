"""The tangent kernel of a sine network, exact and as a product with vectors.

K(x, x') is the sum over all weights of the derivatives of the output at x and at x', in effective
weights unless scales say otherwise; of several outputs it is the mean. A layer's part is the
product of two Gram matrices, of derivatives by pre-activations and of inputs, so that no
derivative by a weight is ever formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.networks.sine import bias_name, weight_name
from sinefit.theory.passes import backward, forward, layers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from sinefit.networks.network import Network


@dataclass(frozen=True)
class TangentLayer:
    """What the derivatives by a layer's weights are the products of."""

    slopes: Tensor
    """Derivatives of an output by the pre-activations (points, fan_out)."""
    inputs: Tensor
    """What the weights multiply, times their scales (points, fan_in)."""
    bias_scale: float


class TangentKernel:
    """The tangent kernel of a stack of one on some points."""

    def __init__(
        self,
        network: Network,
        coordinates: Tensor,
        scales: Mapping[str, float | Tensor] | None = None,
    ) -> None:
        """Take coordinates (points, in), whose type is computed in.

        `scales` by a parameter's name are factors on weights that are learnt in another
        parametrisation, for weights of one layer a number or one per column, such as
        `TrainingRules.rate_scales`; 0 leaves frozen ones out.
        """
        layers = layers_of(network, coordinates.dtype)
        values = forward(layers, coordinates)
        self.points = len(coordinates)
        self.outputs = network.size.out_features
        self.parts: list[list[TangentLayer]] = []
        """By output, then by layer."""
        for output in range(self.outputs):
            seed = torch.zeros_like(values[-1])
            seed[:, output] = 1.0
            found = []
            for layer, slopes in enumerate(backward(layers, values, seed)):
                inputs = coordinates if layer == 0 else torch.sin(values[layer - 1])
                weight_scale = _scale(scales, weight_name(layer))
                bias_scale = _scale(scales, bias_name(layer))
                scaled = inputs * torch.as_tensor(weight_scale, dtype=inputs.dtype)
                found.append(TangentLayer(slopes, scaled, float(bias_scale)))
            self.parts.append(found)

    @torch.no_grad()
    def matrix(self) -> Tensor:
        """Return all of it (points, points)."""
        total = self.parts[0][0].inputs.new_zeros((self.points, self.points))
        for layers in self.parts:
            for part in layers:
                gram = part.inputs @ part.inputs.T + part.bias_scale**2
                total.addcmul_(part.slopes @ part.slopes.T, gram)
        return total / self.outputs

    @torch.no_grad()
    def times(self, vectors: Tensor) -> Tensor:
        """Return its product with vectors (points, count), without forming it."""
        total = torch.zeros_like(vectors)
        for layers in self.parts:
            for part in layers:
                for column in range(vectors.shape[1]):
                    weighted = part.slopes * vectors[:, column, None]  # (points, fan_out)
                    gradient = weighted.T @ part.inputs  # by the weights (fan_out, fan_in)
                    total[:, column] += ((part.slopes @ gradient) * part.inputs).sum(dim=1)
                    total[:, column] += part.bias_scale**2 * (part.slopes @ weighted.sum(dim=0))
        return total / self.outputs

    @torch.no_grad()
    def diagonal_by_layer(self) -> Tensor:
        """Return each layer's part of the diagonal (layers, points).

        It is the squared norm of the gradient of the output by that layer's weights and biases.
        """
        rows = []
        for layer in range(len(self.parts[0])):
            total = torch.zeros(self.points, dtype=self.parts[0][0].inputs.dtype)
            for layers in self.parts:
                part = layers[layer]
                inputs = part.inputs.square().sum(dim=1) + part.bias_scale**2
                total += part.slopes.square().sum(dim=1) * inputs
            rows.append(total / self.outputs)
        return torch.stack(rows)

    def mean_eigenvalue(self) -> float:
        """Return the mean of all eigenvalues, the trace over the number of points."""
        return float(self.diagonal_by_layer().sum() / self.points)


@torch.no_grad()
def eigenpairs(matrix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return all eigenvalues of a kernel, largest first, and `count` eigenvectors as columns."""
    values, vectors = torch.linalg.eigh(matrix)
    return values.flip(0), vectors.flip(1)[:, :count]


@torch.no_grad()
def leading_eigenpairs(
    kernel: TangentKernel, count: int, generator: torch.Generator, rounds: int = 3
) -> tuple[Tensor, Tensor]:
    """Return about the `count` largest eigenvalues and their vectors, without forming the kernel.

    Lanczos' method, every vector made orthogonal to all before: a basis of `rounds` times as many
    vectors as are wanted, in which the leading eigenvalues are exact to many digits where they fall
    off, as those of a tangent kernel do.
    """
    size = min(rounds * count + 10, kernel.points)
    dtype = kernel.parts[0][0].inputs.dtype
    vector = torch.randn(kernel.points, generator=generator, dtype=dtype)
    basis = torch.zeros((kernel.points, size), dtype=dtype)
    images = torch.zeros_like(basis)
    largest = 0.0
    for column in range(size):
        for _ in range(2):  # the second time takes off what rounding has left
            vector = vector - basis[:, :column] @ (basis[:, :column].T @ vector)
        norm = float(vector.norm())
        largest = max(largest, norm)
        if norm <= 1e-12 * largest:  # the basis holds all that the kernel reaches
            size = column
            break
        basis[:, column] = vector / norm
        images[:, column] = kernel.times(basis[:, column, None])[:, 0]
        vector = images[:, column]
    small = basis[:, :size].T @ images[:, :size]
    values, rotation = torch.linalg.eigh((small + small.T) / 2.0)
    count = min(count, size)
    return values.flip(0)[:count], (basis[:, :size] @ rotation.flip(1))[:, :count]


def _scale(scales: Mapping[str, float | Tensor] | None, name: str) -> float | Tensor:
    return 1.0 if scales is None else scales.get(name, 1.0)
