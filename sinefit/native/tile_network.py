"""A sine network whose training step and evaluation run on tile registers.

The C sources beside this file do the arithmetic: `tiles.h` the small matrix products, `sines.h` the
activations, `sine_network.c` the step, `crew.c` its threads.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING

import torch

from sinefit.native.library import load_library
from sinefit.native.tensors import address_of
from sinefit.processor.capability import Capability, allows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.networks.size import NetworkSize


def tiles_supported(size: NetworkSize) -> bool:
    """Tell whether this machine can run a network of this size on tile registers."""
    library = load_library() if allows(Capability.AMX, compiled=True) else None
    return library is not None and bool(
        library.sinefit_fits(size.in_features, size.width, size.depth, size.out_features)
    )


class TileNetwork:
    """Room for a network's weights in the layout of tiles, and threads that work on it.

    The factors of the hidden layers' products are rounded to bfloat16 and summed in float32. In a
    `split` network each factor is the sum of two values of bfloat16, which together keep 16 bits;
    its results are within about 1e-5 of float32's. The same numbers of threads and samples give the
    same bits.
    """

    def __init__(self, size: NetworkSize, threads: int, *, split: bool, training: bool) -> None:
        """Allocate; without `training` the network can only be evaluated.

        Raises ValueError for a size that `tiles_supported` denies, MemoryError without memory.
        """
        if not tiles_supported(size) or threads < 1:
            raise ValueError("no tile registers for a network of this size, or no thread")
        library = load_library()
        assert library is not None
        self._library = library
        self._size = size
        self._training = training
        handle = library.sinefit_open(
            size.in_features, size.width, size.depth, size.out_features, threads, split, training
        )
        if handle is None:
            raise MemoryError("not enough memory for a network's tiles")
        self._handle = ctypes.c_void_p(handle)
        weakref.finalize(self, library.sinefit_close, self._handle)
        self._kept: tuple[object, ...] = ()
        self.bytes: int = library.sinefit_bytes(self._handle)
        """Memory that the network holds."""

    def load(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        """Take the present weights, (fan_out, fan_in) each, and biases, float32 on the CPU.

        What is computed next may read them again, so they must not change in between.
        """
        arrays = self._addresses(weights, biases)
        self._library.sinefit_load(self._handle, *arrays)
        self._kept = (*arrays, *weights, *biases)

    def train(
        self,
        coordinates: Tensor,
        targets: Tensor,
        weight_gradients: Sequence[Tensor],
        bias_gradients: Sequence[Tensor],
    ) -> float:
        """Return the mean squared error over a batch and write its gradients.

        Coordinates (batch, in) and targets (batch, out) are float32 on the CPU, gradients have the
        shapes of the weights and biases that were loaded.
        """
        if not self._training or not self._kept:
            raise ValueError("the network was not made for training, or has no weights yet")
        count = len(coordinates)
        loss: float = self._library.sinefit_train(
            self._handle,
            address_of(coordinates, (count, self._size.in_features)),
            address_of(targets, (count, self._size.out_features)),
            count,
            *self._addresses(weight_gradients, bias_gradients),
        )
        return loss

    def evaluate(self, coordinates: Tensor) -> Tensor:
        """Return the outputs (count, out) at coordinates (count, in), float32 on the CPU."""
        if not self._kept:
            raise ValueError("the network has no weights yet")
        count = len(coordinates)
        outputs = torch.empty((count, self._size.out_features))
        self._library.sinefit_evaluate(
            self._handle,
            address_of(coordinates, (count, self._size.in_features)),
            count,
            outputs.data_ptr(),
        )
        return outputs

    def _addresses(
        self, weights: Sequence[Tensor], biases: Sequence[Tensor]
    ) -> tuple[ctypes.Array[ctypes.c_void_p], ctypes.Array[ctypes.c_void_p]]:
        shapes = self._size.layers
        pointers = ctypes.c_void_p * len(shapes)
        return (
            pointers(*(address_of(*pair) for pair in zip(weights, shapes, strict=True))),
            pointers(
                *(
                    address_of(bias, (fan_out,))
                    for bias, (fan_out, _) in zip(biases, shapes, strict=True)
                )
            ),
        )
