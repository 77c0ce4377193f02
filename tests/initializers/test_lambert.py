from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
import torch

from sinefit.initializers import SignalTraits
from sinefit.initializers.lambert import Lambert, lambert_constants
from sinefit.networks.size import NetworkSize

from .making import biases_of


def test_the_papers_proposal_is_the_root_of_three_without_biases() -> None:
    first, second = lambert_constants(0.0)
    assert first == pytest.approx(math.sqrt(3.0))
    assert second == 0.0


@pytest.mark.parametrize("sigma_a", [1e-3, 0.05, 0.3, 0.31, 0.316, 0.317, 0.4, 1.0, 2.0, 5.0])
def test_constants_to_full_precision(sigma_a: float) -> None:
    with localcontext() as context:
        context.prec = 60
        variance = Decimal(sigma_a) ** 2
        decay = (-2 * variance).exp()
        c_w = (6 / (1 + decay)).sqrt()
        c_b = (variance - (1 - decay) / (1 + decay)).sqrt()
    assert lambert_constants(sigma_a) == pytest.approx((float(c_w), float(c_b)), rel=1e-11)


def test_first_biases_are_phases_over_a_whole_turn() -> None:
    size = NetworkSize(2, 20_000, 1, 1)
    generator = torch.Generator().manual_seed(0)
    start = Lambert().draw(size, (9.0, 9.0), SignalTraits((8, 8), 1), generator)
    phases = biases_of(start)[0]
    assert -math.pi <= float(phases.min()) < -math.pi * 0.998
    assert math.pi * 0.998 < float(phases.max()) <= math.pi
