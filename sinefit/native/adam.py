"""Adam's step on rows of values in C: one pass over memory where torch takes several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sinefit.native.instruction_sets import chosen
from sinefit.native.tensors import address_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.native.instruction_sets import InstructionSet

_ANY_WIDTH: Final = 1


def update(
    values: Tensor,
    gradient: Tensor,
    averages: tuple[Tensor, Tensor],
    rates: Tensor,
    bounds: Tensor | None,
    pace: Tensor,
    constants: tuple[float, float, float],
    instructions: InstructionSet | None = None,
) -> None:
    """Take Adam's step (Kingma & Ba, 2015, algorithm 1) on rows (members, count) in place.

    `pace` (2, members, 1) holds the factor on the rates over 1 - beta1^t, and
    1 / sqrt(1 - beta2^t); `constants` are beta1, beta2 and epsilon. All is float32, contiguous and
    on the CPU. Raises ValueError for tensors of another kind and for what this machine lacks.
    """
    library, number = chosen(instructions, _ANY_WIDTH)
    rows = (len(values), values[0].numel()) if len(values) else (0, 0)
    scales = pace.contiguous()  # of some members of a stack it is not
    library.sinefit_small_update(
        number,
        *rows,
        address_of(values, rows),
        address_of(gradient, rows),
        *(address_of(average, rows) for average in averages),
        address_of(rates, rows),
        None if bounds is None else address_of(bounds, rows),
        address_of(scales, (2, rows[0], 1)),
        *constants,
    )
