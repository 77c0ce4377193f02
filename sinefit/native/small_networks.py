"""Stacks of small sine networks, trained for many steps at once, each member in one core's cache.

The C sources beside this file do the arithmetic: `small_networks_step.h` a member's steps over the
vectors of `vectors_*.h`, once for each instruction set, `small_networks.c` the members' threads.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

import torch

from sinefit.native.instruction_sets import chosen, instruction_sets
from sinefit.native.shuffles import Shuffles
from sinefit.native.tensors import address_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.native.instruction_sets import InstructionSet
    from sinefit.networks.size import NetworkSize


_OUTSIDE: Final = 1
_NO_MEMORY: Final = 2


def supported() -> bool:
    """Tell whether this machine can run small networks in C; it can those of any size."""
    return bool(instruction_sets())


def train(
    size: NetworkSize,
    values: Tensor,
    averages: tuple[Tensor, Tensor],
    *,
    rates: Tensor,
    bounds: Tensor | None = None,
    samples: Sequence[Tensor],
    indices: Tensor | Shuffles,
    offsets: Tensor | None = None,
    factors: Tensor,
    taken: Sequence[int],
    constants: tuple[float, float, float],
    threads: int,
    instructions: InstructionSet | None = None,
) -> Tensor:
    """Train every member of a stack by Adam for some steps, all in place.

    Return for each member (members,) the sum over the steps of its mean squared error over batch
    and channels before the step. A member is trained by one thread from the first step to the last;
    the result does not depend on `threads`, nor on how the steps are divided among calls. A call
    cannot be interrupted: ask for few steps at a time.

    `values` and Adam's `averages` of gradients and of their squares are (members, count), laid out
    as `Sine.shapes` says. Each member has a table of `samples` (its count, in + out), coordinates
    and targets side by side, and has `taken` so many steps before. `indices` (members, steps,
    batch), int32, tell the samples of each step, or shuffles, whose counts are those of the tables
    and which are drawn beside the training; and `factors` (members, steps) what its learning
    rates are multiplied with. `rates` are the peak learning rates, zero for frozen values; values
    are clamped to their magnitudes in `bounds` after each step. With `offsets` (members, points,
    in) a target is met by the mean of the outputs at its coordinates plus each of so many offsets.
    Of rates, bounds, indices and factors there may be one row for all members instead. `constants`
    are Adam's beta1, beta2 and epsilon. Tensors are contiguous, on the CPU, and float32 unless said
    otherwise.

    Without `instructions` the fastest are taken. Raises ValueError for tensors of another kind,
    for what is not supported, and before any change for an index that no sample has; MemoryError
    without memory.
    """
    library, set_number = chosen(instructions, size.width)
    if offsets is not None and offsets.ndim != 3:
        raise ValueError("wanted offsets (members, points, in)")
    members = len(values)
    if isinstance(indices, Shuffles):
        steps, batch = indices.steps, indices.size
        seeds, begin = address_of(indices.seeds, (members,), torch.int64), indices.first * batch
        drawn: tuple[int | None, int] = (None, 0)
        if indices.counts.tolist() != [len(table) for table in samples] or begin < 0:
            raise ValueError("wanted shuffles of the samples in the tables")
    else:
        if indices.ndim != 3:
            raise ValueError("wanted indices (members, steps, batch)")
        steps, batch = indices.shape[1:]
        seeds, begin = None, 0
        drawn = _rows(indices, members, (steps, batch), torch.int32)
    points = 1 if offsets is None else offsets.shape[1]
    decay, square_decay, epsilon = constants
    if threads < 1 or batch < 1 or points < 1 or len(samples) != members or len(taken) != members:
        raise ValueError("wanted a thread, a sample per step, and a table and a count per member")
    if not (0 <= decay < 1 and 0 <= square_decay < 1 and epsilon > 0) or min(taken, default=0) < 0:
        raise ValueError("no steps of Adam have such constants or counts")
    count, columns = size.parameter_count, size.in_features + size.out_features
    rows = (members, count)
    tables = (ctypes.c_void_p * members)(
        *(address_of(table, (len(table), columns)) for table in samples)
    )
    losses = torch.empty(members)
    outcome = library.sinefit_stack_train(
        set_number,
        *_numbers(size),
        members,
        threads,
        address_of(values, rows),
        *(address_of(average, rows) for average in averages),
        *_rows(rates, members, (count,)),
        *((None, 0) if bounds is None else _rows(bounds, members, (count,))),
        tables,
        (ctypes.c_int64 * members)(*(len(table) for table in samples)),
        *drawn,
        seeds,
        begin,
        None if offsets is None else address_of(offsets, (members, points, size.in_features)),
        steps,
        batch,
        points,
        *_rows(factors, members, (steps,)),
        (ctypes.c_int64 * members)(*taken),
        decay,
        square_decay,
        epsilon,
        losses.data_ptr(),
    )
    if outcome == _OUTSIDE:
        raise ValueError("an index is that of no sample")
    if outcome == _NO_MEMORY:
        raise MemoryError("not enough memory to train small networks")
    return losses


def evaluate(
    size: NetworkSize,
    values: Tensor,
    coordinates: Tensor,
    *,
    threads: int,
    instructions: InstructionSet | None = None,
) -> Tensor:
    """Return every member's outputs (members, count, out) at coordinates (members, count, in).

    `values` are rows as in `train`; all is float32, contiguous and on the CPU. Raises ValueError
    for tensors of another kind and for what is not supported, MemoryError without memory.
    """
    library, set_number = chosen(instructions, size.width)
    if threads < 1 or coordinates.ndim != 3:
        raise ValueError("wanted a thread, and coordinates (members, count, in)")
    members, count = len(values), coordinates.shape[1]
    outputs = torch.empty((members, count, size.out_features))
    outcome = library.sinefit_small_evaluate(
        set_number,
        *_numbers(size),
        members,
        threads,
        address_of(values, (members, size.parameter_count)),
        address_of(coordinates, (members, count, size.in_features)),
        count,
        outputs.data_ptr(),
    )
    if outcome == _NO_MEMORY:
        raise MemoryError("not enough memory to evaluate small networks")
    return outputs


def _numbers(size: NetworkSize) -> tuple[int, int, int, int]:
    return size.in_features, size.width, size.depth, size.out_features


def _rows(
    tensor: Tensor, members: int, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> tuple[int, int]:
    """Return where the rows of all members are, and how far apart: by nothing if they share one."""
    shared = len(tensor) == 1
    address = address_of(tensor, (1 if shared else members, *shape), dtype)
    return address, 0 if shared else tensor[0].numel() if members else 0
