"""Adam's step on all weights at once, in torch operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Update = Callable[
        [
            Tensor,
            Tensor,
            tuple[Tensor, Tensor],
            Tensor,
            Tensor | None,
            Tensor,
            tuple[float, float, float],
        ],
        None,
    ]


def plain_update(
    values: Tensor,
    gradients: Tensor,
    averages: tuple[Tensor, Tensor],
    rates: Tensor,
    bounds: Tensor | None,
    pace: Tensor,
    constants: tuple[float, float, float],
) -> None:
    """Take Adam's step on a row of values in place (Kingma & Ba, 2015, algorithm 1).

    All rows are (count,), float32. `pace` (2,) holds the factor on the rates over 1 - beta1^t, and
    1 / sqrt(1 - beta2^t); `constants` are beta1, beta2 and epsilon. Several rows (rows, count) take
    their steps at once, with a `pace` (2, rows, 1).
    """
    first, second = averages
    decay, second_decay, epsilon = constants
    first.lerp_(gradients, 1.0 - decay)
    second.mul_(second_decay).addcmul_(gradients, gradients, value=1.0 - second_decay)
    spread = second.sqrt().mul_(pace[1]).add_(epsilon)
    values.sub_(first.div(spread).mul_(rates).mul_(pace[0]))
    if bounds is not None:
        torch.clamp(values, min=-bounds, max=bounds, out=values)
