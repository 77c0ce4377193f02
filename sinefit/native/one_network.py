"""The gradient of one sine network by several threads, whatever its size.

The C source `one_network.c` cuts a batch into parts; `small_networks_step.h` does the arithmetic.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import TYPE_CHECKING, Final

from sinefit.native.instruction_sets import chosen
from sinefit.native.tensors import address_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.native.instruction_sets import InstructionSet
    from sinefit.networks.size import NetworkSize

PARTS: Final = min(16, max(4, os.cpu_count() or 1))
"""Parts of a batch, which decide the order of its gradient's sums: as many as this machine has
cores, however many threads a fit has. Each has a gradient of its own, and adding up those of more
parts than there are cores to take them would cost more than they share."""

FEWEST_PARTS: Final = 4
"""Parts that there are at least, whatever memory their gradients take."""
MOST_GRADIENT_FLOATS: Final = 2**25
"""Values of all parts' gradients at most otherwise, as in `one_network.c`."""


class OneNetwork:
    """Room for a network's weights and for the gradients of a batch's parts, and threads."""

    def __init__(
        self, size: NetworkSize, threads: int, instructions: InstructionSet | None = None
    ) -> None:
        """Allocate; without `instructions` the fastest are taken.

        Raises ValueError for what this machine does not have, MemoryError without memory.
        """
        library, number = chosen(instructions, size.width)
        if threads < 1:
            raise ValueError("wanted a thread")
        self._library = library
        self._size = size
        handle = library.sinefit_one_open(
            number, size.in_features, size.width, size.depth, size.out_features, PARTS, threads
        )
        if handle is None:
            raise MemoryError("not enough memory to train a network")
        self._handle = ctypes.c_void_p(handle)
        weakref.finalize(self, library.sinefit_one_close, self._handle)
        self.bytes: int = library.sinefit_one_bytes(self._handle)
        """Memory that the network holds."""

    def differentiate(
        self, values: Tensor, coordinates: Tensor, targets: Tensor, gradient: Tensor
    ) -> float:
        """Return the mean squared error over a batch, and write its gradient.

        `values` and `gradient` are rows (count,) laid out as `Sine.shapes` says, coordinates
        (batch, in) and targets (batch, out); all is float32, contiguous and on the CPU. The result
        does not depend on the number of threads. Raises ValueError for tensors of another kind.
        """
        size, batch = self._size, len(coordinates)
        if batch < 1:
            raise ValueError("wanted a sample")
        row = (size.parameter_count,)
        loss: float = self._library.sinefit_one_gradient(
            self._handle,
            address_of(values, row),
            address_of(coordinates, (batch, size.in_features)),
            address_of(targets, (batch, size.out_features)),
            batch,
            address_of(gradient, row),
        )
        return loss
