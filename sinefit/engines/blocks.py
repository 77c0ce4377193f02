"""The training of stacks of small sine networks on CUDA, a member to a multiprocessor."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from sinefit.engines.torch_engine import TORCH
from sinefit.engines.triton_support import failure_of, triton_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Engine, Precision, StackTraining, Work
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize

PRECISIONS: Final[tuple[Precision, ...]] = ("float16", "float32")


class _Blocks:
    name: Final = "blocks"
    has_own_threads: Final = False
    can_be_recorded: Final = False
    in_parts: Final = True
    together: Final = 2**16

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return float16 and float32, for stacks of small sine networks with a target per point."""
        if not _is_for(work):
            return ()
        return PRECISIONS if _failure(work, PRECISIONS[0]) is None else ()

    def shortfall(self, work: Work) -> str | None:
        """Return why there is no kernel for such a stack, None where there is or is none needed."""
        if not _is_for(work):
            return None
        reason = _failure(work, PRECISIONS[0])
        if reason is None:
            return None
        return f"Triton makes no kernel that trains a block by itself ({reason}): PyTorch's serve"

    def memory(self, work: Work) -> int:
        """Return the bytes of the members' gradients and of their factors of products."""
        return 6 * work.members * work.size.parameter_count

    def make(self, network: Network, work: Work, precision: Precision) -> Engine:  # noqa: ARG002
        """Allocate the engine in torch, for a caller who wants gradients alone."""
        return TORCH.make(network, work, "float32")

    def make_training(
        self,
        network: Network,
        adam: Adam,
        tables: Sequence[Tensor],
        work: Work,  # noqa: ARG002 (the parts of a batch are the kernel's own)
        precision: Precision,
        offsets: Tensor | None = None,
    ) -> StackTraining:
        """Prepare the training of a stack."""
        assert offsets is None  # there is no precision for points around a target
        from sinefit.engines import block_training

        training: StackTraining = block_training.BlockTraining(
            network.size, adam, tables, precision
        )
        return training


def _is_for(work: Work) -> bool:
    on_cuda = work.members > 1 and work.device.type == "cuda"
    return work.is_pointwise and on_cuda and not work.has_gains


def _failure(work: Work, precision: Precision) -> str | None:
    return _tried(work.size, work.targets, work.device, precision)


@functools.cache
def _tried(size: NetworkSize, batch: int, device: torch.device, precision: Precision) -> str | None:
    """Return why the kernel cannot serve, None where it can; tried once."""
    missing = triton_missing(device)
    if missing is not None:
        return missing

    def attempt() -> None:
        from sinefit.engines import block_training

        block_training.attempt(size, batch, device, precision)

    return failure_of(attempt)


BLOCKS: Final = _Blocks()
