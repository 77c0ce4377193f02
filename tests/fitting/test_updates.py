"""The factors on the rates of a group's steps."""

from __future__ import annotations

import torch

from sinefit.fitting.updates import rows_of_factors


def test_each_member_goes_on_from_the_steps_that_it_has_taken() -> None:
    asked: list[int] = []

    def factor(step: int) -> float:
        asked.append(step)
        return 1.0 / (1 + step)

    found = rows_of_factors([factor, factor, lambda step: float(step)], [3, 3, 0], 2)
    expected = [[1 / 4, 1 / 4, 0.0], [1 / 5, 1 / 5, 1.0]]
    assert torch.equal(found, torch.tensor(expected, dtype=torch.float64))
    assert asked == [3, 4]  # members of one fit are asked for once
