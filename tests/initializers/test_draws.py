from __future__ import annotations

import torch

from sinefit.initializers.draws import per_axis


def test_factors_scale_columns() -> None:
    scaled = torch.ones(4, 2) * per_axis((2.0, 3.0))
    assert torch.equal(scaled, torch.tensor([[2.0, 3.0]]).expand(4, 2))
