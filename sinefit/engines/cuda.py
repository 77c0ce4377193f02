"""The training step of a CUDA device: matrix products, and stages between them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.graphics import has_bfloat16
from sinefit.engines.stages import PlainStages, multiply
from sinefit.engines.triton_support import stages_failure, stages_for
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from sinefit.engines.engine import Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.engines.stages import Stages
    from sinefit.networks.network import Network


OPERANDS: Final[Mapping[Precision, torch.dtype]] = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
}
"""Types of the factors of the hidden layers' products."""


class CudaEngine:
    """The mean squared error and its gradient, over buffers that are allocated once.

    The hidden layers' products take factors of the `precision` asked for and are summed in float32;
    phases, the first and the last layer, and all sums over samples are float32. A batch goes by
    parts of `work.targets`, whose activations stay in the device's cache. Nothing waits for the
    device, and every step uses the same memory, so that a step can be recorded in a CUDA graph; the
    loss that is returned is overwritten by the next step.
    """

    def __init__(self, network: Network, work: Work, precision: Precision, stages: Stages) -> None:
        self._network = network
        self._stages = stages
        self._piece = work.targets
        size = network.size
        operands = OPERANDS[precision]
        layers = range(size.depth + 1)
        self._weights = [network.parameters[weight_name(layer)][0] for layer in layers]
        self._biases = [network.parameters[bias_name(layer)][0] for layer in layers]
        row = torch.zeros((1, network.values.shape[1] + 1), device=network.device)
        self.gradient = row[:, :-1]
        self._loss = row[:, -1]
        hidden = (size.depth - 1) * size.width**2
        self._sums = row[0, hidden:]  # (SumLayout.count,)
        square = (size.depth - 1, size.width, size.width)
        self._hidden = network.values[0, :hidden].view(square)
        self._hidden_gradients = row[0, :hidden].view(square)

        def buffer(dtype: torch.dtype) -> Tensor:
            return torch.empty((self._piece, size.width), dtype=dtype, device=network.device)

        self._sines = [buffer(operands) for _ in range(size.depth)]
        self._cosines = [buffer(operands) for _ in range(size.depth)]
        self._products = buffer(torch.float32)
        self._flow = buffer(operands)
        self._spare = buffer(operands)
        # A copy of the hidden weights in the operands' type, refreshed at every step.
        self._low_weights = torch.empty_like(self._hidden, dtype=operands)
        self._added = torch.empty((size.width, size.width), device=network.device)

    @torch.no_grad()
    def step(self, batch: Batch) -> Tensor:
        """Compute the loss (1,) and its gradient."""
        coordinates, targets = batch.coordinates[0], batch.targets[0]
        # Kernels go to the device that is current, which need not be that of their arguments.
        with torch.cuda.device(self._network.values.get_device()), without_tf32():
            self._low_weights.copy_(self._hidden)
            count = len(coordinates)
            for begin in range(0, count, self._piece):
                part = slice(begin, begin + self._piece)
                self._forward(coordinates[part])
                self._backpropagate(coordinates[part], targets[part], count, fresh=begin == 0)
            torch.sum(self._stages.partials, dim=0, out=self._sums)
        return self._loss

    def _forward(self, coordinates: Tensor) -> None:
        """Leave the sines and cosines of every layer behind."""
        count = len(coordinates)
        sines = [buffer[:count] for buffer in self._sines]
        cosines = [buffer[:count] for buffer in self._cosines]
        products = self._products[:count]
        stages = self._stages
        stages.first_layer(coordinates, self._weights[0], self._biases[0], sines[0], cosines[0])
        for layer in range(1, len(sines)):
            weight, bias = self._low_weights[layer - 1], self._biases[layer]
            stages.layer(sines[layer - 1], weight, bias, sines[layer], cosines[layer], products)

    def _backpropagate(
        self, coordinates: Tensor, targets: Tensor, batch: int, *, fresh: bool
    ) -> None:
        """Sum a piece's gradients, in place of the last step's if `fresh`."""
        count = len(coordinates)
        flow, spare = self._flow[:count], self._spare[:count]
        stages = self._stages
        stages.last_layer(
            self._sines[-1][:count],
            targets,
            self._weights[-1],
            self._biases[-1],
            batch,
            flow,
            fresh=fresh,
        )
        for layer in range(len(self._sines) - 1, 0, -1):
            stages.pass_cosines(flow, self._cosines[layer][:count], layer, fresh=fresh)
            gradient = self._hidden_gradients[layer - 1]
            below = self._sines[layer - 1][:count]
            multiply(flow.T, below, gradient if fresh else self._added)
            if not fresh:
                gradient.add_(self._added)
            # A product cannot be written over its factor: the two buffers take turns.
            flow, spare = multiply(flow, self._low_weights[layer - 1], spare), flow
        stages.first_gradient(flow, self._cosines[0][:count], coordinates, fresh=fresh)


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    """Run a block with products of float32 matrices in float32, whatever the caller allows."""
    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    if before != "tf32":
        yield
        return
    settings.fp32_precision = "ieee"
    try:
        yield
    finally:
        settings.fp32_precision = before


class _Cuda:
    name: Final = "cuda"
    has_own_threads: Final = False
    can_be_recorded: Final = True
    in_parts: Final = True

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return what CUDA devices have for one sine network and a target per point."""
        if not (work.is_plain and work.device.type == "cuda"):
            return ()
        return ("bfloat16", "float32") if has_bfloat16(work.device) else ("float32",)

    def shortfall(self, work: Work) -> str | None:
        """Return why a step has no kernels of Triton's, None where it has or is none for them."""
        precisions = self.precisions(work)
        if not precisions:
            return None
        operands = OPERANDS[precisions[0]]
        reason = stages_failure(work.size, work.targets, work.device, operands)
        if reason is None:
            return None
        return f"Triton makes no kernels of the training step here ({reason}): PyTorch's serve"

    def memory(self, work: Work) -> int:
        """Return the bytes of the buffers, all taken as float32."""
        return 4 * work.samples * work.size.width * (2 * work.size.depth + 6)

    def make(self, network: Network, work: Work, precision: Precision) -> CudaEngine:
        """Allocate the engine, with kernels of Triton's where they work."""
        where = (work.size, work.targets, work.device)
        stages = stages_for(*where, OPERANDS[precision]) or PlainStages(*where)
        return CudaEngine(network, work, precision, stages)


CUDA: Final = _Cuda()
