"""What a training step does between its matrix products, in torch operations.

A CUDA step is made of products and of these stages. `PlainStages` is their definition, and what
runs them where Triton is missing; `TritonStages` has each as one kernel. Of the stages themselves
only `layer` multiplies float32 matrices by a library's product, which could fall to TF32: who calls
it must see to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


class SumLayout:
    """Where each of a step's sums over samples stands in a row of them.

    It is the order of a sine network's values behind the hidden weights: the biases of the sine
    layers, the first layer's weights (width, features), the last one's (channels, width), its
    biases; then the loss.
    """

    def __init__(self, size: NetworkSize) -> None:
        self._width = size.width
        self.first = size.depth * size.width
        self.last = self.first + size.width * size.in_features
        self.last_bias = self.last + size.out_features * size.width
        self.loss = self.last_bias + size.out_features
        self.count = self.loss + 1

    def bias(self, layer: int) -> int:
        """Return the place of the biases (width,) of a sine layer, counted from 0."""
        return layer * self._width


class Stages(Protocol):
    """The stages of a step, over pieces of at most as many samples as they were made for.

    Sines, cosines and flow (count, width) are of the products' type, everything else is float32.
    The flow is the derivative of the loss by a layer's sines, from `pass_cosines` on by its phases.
    Sums over samples are left in `partials`; with `fresh` they replace what is there, else they are
    added to it.
    """

    partials: Tensor
    """Rows (rows, SumLayout.count) whose sum is that over all samples."""

    def first_layer(
        self, coordinates: Tensor, weight: Tensor, bias: Tensor, sines: Tensor, cosines: Tensor
    ) -> None:
        """Write sine and cosine of W x + b, for coordinates (count, features)."""

    def layer(
        self,
        below: Tensor,
        weight: Tensor,
        bias: Tensor,
        sines: Tensor,
        cosines: Tensor,
        products: Tensor,
    ) -> None:
        """Write sine and cosine of W x + b, for the sines (count, width) of the layer below.

        Weights have the products' type; `products` (count, width), float32, may be used up.
        """

    def last_layer(
        self,
        sines: Tensor,
        targets: Tensor,
        weight: Tensor,
        bias: Tensor,
        batch: int,
        flow: Tensor,
        *,
        fresh: bool,
    ) -> None:
        """Write the flow below the last layer, and sum its gradients and the loss.

        The loss is the mean squared error over `batch` samples and targets (count, channels).
        """

    def pass_cosines(self, flow: Tensor, cosines: Tensor, layer: int, *, fresh: bool) -> None:
        """Multiply the flow by the cosines of a sine layer, and sum the gradient of its bias."""

    def first_gradient(
        self, flow: Tensor, cosines: Tensor, coordinates: Tensor, *, fresh: bool
    ) -> None:
        """Do the same for layer 0, and sum the gradient of its weights; the flow is used up."""


class PlainStages:
    """The stages in torch operations, for any device."""

    def __init__(self, size: NetworkSize, piece: int, device: torch.device) -> None:
        self._size = size
        self._layout = SumLayout(size)
        self.partials = torch.zeros((1, self._layout.count), device=device)
        self._single = torch.empty((piece, size.width), device=device)
        self._double = torch.empty((piece, size.width), device=device)

    def first_layer(
        self, coordinates: Tensor, weight: Tensor, bias: Tensor, sines: Tensor, cosines: Tensor
    ) -> None:
        """Write sine and cosine of W x + b."""
        phases = self._double[: len(coordinates)]
        phases.copy_(bias)
        for feature in range(self._size.in_features):
            phases.addcmul_(coordinates[:, feature, None], weight[:, feature])
        self._sine_and_cosine(phases, sines, cosines)

    def layer(
        self,
        below: Tensor,
        weight: Tensor,
        bias: Tensor,
        sines: Tensor,
        cosines: Tensor,
        products: Tensor,
    ) -> None:
        """Write sine and cosine of W x + b, by a product of its own."""
        self._sine_and_cosine(multiply(below, weight.T, products).add_(bias), sines, cosines)

    def last_layer(
        self,
        sines: Tensor,
        targets: Tensor,
        weight: Tensor,
        bias: Tensor,
        batch: int,
        flow: Tensor,
        *,
        fresh: bool,
    ) -> None:
        """Write the flow below the last layer, and sum its gradients and the loss."""
        layout, width, channels = self._layout, self._size.width, self._size.out_features
        hidden = self._single[: len(sines)].copy_(sines)
        below = self._double[: len(sines)].zero_()
        for channel in range(channels):
            row = weight[channel]
            difference = torch.mv(hidden, row).add_(bias[channel]).sub_(targets[:, channel])
            error = difference.square().sum().div_(batch * channels)
            self._sum(error, layout.loss, fresh=fresh and channel == 0)
            derivative = difference.mul_(2.0 / (batch * channels))  # (count,)
            below.addcmul_(derivative[:, None], row)
            self._sum(torch.mv(hidden.T, derivative), layout.last + channel * width, fresh=fresh)
            self._sum(derivative.sum(), layout.last_bias + channel, fresh=fresh)
        flow.copy_(below)

    def pass_cosines(self, flow: Tensor, cosines: Tensor, layer: int, *, fresh: bool) -> None:
        """Multiply the flow by the cosines, and sum the gradient of the bias."""
        product = self._through(flow, cosines)
        self._sum(product.sum(dim=0), self._layout.bias(layer), fresh=fresh)
        flow.copy_(product)

    def first_gradient(
        self, flow: Tensor, cosines: Tensor, coordinates: Tensor, *, fresh: bool
    ) -> None:
        """Sum the gradients of layer 0."""
        layout, features = self._layout, self._size.in_features
        product = self._through(flow, cosines)
        self._sum(product.sum(dim=0), layout.bias(0), fresh=fresh)
        sums = [torch.mv(product.T, coordinates[:, feature]) for feature in range(features)]
        self._sum(torch.stack(sums, dim=1).view(-1), layout.first, fresh=fresh)

    def _sine_and_cosine(self, phases: Tensor, sines: Tensor, cosines: Tensor) -> None:
        spare = self._single[: len(phases)]
        sines.copy_(torch.sin(phases, out=spare))
        cosines.copy_(torch.cos(phases, out=spare))

    def _through(self, flow: Tensor, cosines: Tensor) -> Tensor:
        """Return the flow times the cosines (count, width), float32."""
        product = self._single[: len(flow)].copy_(flow)
        return product.mul_(self._double[: len(flow)].copy_(cosines))

    def _sum(self, value: Tensor, begin: int, *, fresh: bool) -> None:
        place = self.partials[0, begin : begin + value.numel()]
        if fresh:
            place.copy_(value)
        else:
            place.add_(value)


def multiply(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """Write the product of two matrices of one type, summed in float32, and return it.

    The result has the factors' type or float32.
    """
    if left.dtype == out.dtype:
        return torch.mm(left, right, out=out)
    if left.is_cuda:
        return torch.mm(left, right, out_dtype=out.dtype, out=out)
    # Elsewhere torch has no such product; the factors lose nothing in float32.
    return torch.mm(left.float(), right.float(), out=out)
