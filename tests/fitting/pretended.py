"""Tensors of a device without float64, such as MPS, kept on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import tree_map


class DeviceTensor(torch.Tensor):
    """A tensor that is on the device until `cpu` fetches it, and so is all that comes of it.

    Float64 raises what the real device raises.
    """

    kept: torch.Tensor

    @staticmethod
    def __new__(cls, kept: torch.Tensor) -> DeviceTensor:
        if kept.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        made: DeviceTensor = torch.Tensor._make_wrapper_subclass(
            cls, kept.size(), strides=kept.stride(), dtype=kept.dtype
        )
        made.kept = kept
        return made

    def cpu(self) -> torch.Tensor:  # type: ignore[override]
        return self.kept

    def __float__(self) -> float:
        return float(self.kept)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: object, arguments: Any = (), options: Any = None
    ) -> Any:
        def bare(part: Any) -> Any:
            return part.kept if isinstance(part, DeviceTensor) else part

        def dressed(part: Any) -> Any:
            return DeviceTensor(part) if isinstance(part, torch.Tensor) else part

        return tree_map(dressed, function(*tree_map(bare, arguments), **tree_map(bare, options)))
