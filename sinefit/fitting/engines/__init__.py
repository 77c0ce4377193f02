"""Training engines: ways to compute the loss of a batch and its gradient.

`AutogradEngine` is the plain reference. `ManualEngine` writes the same forward and backward pass
out by hand over buffers that are allocated once, for any device. `NativeEngine` does it in C where
the CPU has tile registers, `CudaEngine` in few kernels that a CUDA graph can hold. All leave the
gradient in the parameters' `.grad`, float32.
"""

from sinefit.fitting.engines.autograd import AutogradEngine
from sinefit.fitting.engines.choice import (
    choose_engine,
    choose_stages,
    choose_update,
    fast_operands,
    piece_size,
)
from sinefit.fitting.engines.cuda import CudaEngine
from sinefit.fitting.engines.engine import Engine
from sinefit.fitting.engines.flat import FlatNetwork
from sinefit.fitting.engines.manual import ManualEngine
from sinefit.fitting.engines.native import NativeEngine

__all__ = [
    "AutogradEngine",
    "CudaEngine",
    "Engine",
    "FlatNetwork",
    "ManualEngine",
    "NativeEngine",
    "choose_engine",
    "choose_stages",
    "choose_update",
    "fast_operands",
    "piece_size",
]
