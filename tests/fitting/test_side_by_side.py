from __future__ import annotations

import dataclasses

import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.group import Group, GroupHooks, GroupStoppedError
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.side_by_side import fit_side_by_side

from .making import picture, settings


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("width", "engine"), [(16, "manual"), (64, "auto"), (16, "autograd")])
def test_fits_are_those_of_one_thread_to_the_bit(width: int, engine: str, workers: int) -> None:
    signals = [picture((20, 17), seed=seed) for seed in range(5)]
    config = settings(width=width, depth=3, budget=Budget(steps=60), engine=engine)
    group = Group(len(signals), GroupHooks())
    fit_side_by_side(signals, config, group, workers, resume=[None] * len(signals))
    for signal, result in zip(signals, group.results(), strict=True):
        alone = fit_signal(signal, dataclasses.replace(config, threads=1))
        assert result.report.record == alone.report.record
        for mine, theirs in zip(
            result.field.network.parameters(), alone.field.network.parameters(), strict=True
        ):
            assert torch.equal(mine, theirs)


def test_no_fit_begins_in_a_group_that_is_to_stop() -> None:
    group = Group(2, GroupHooks(should_stop=lambda: True))
    fit_side_by_side([picture(), picture()], settings(), group, 2, resume=[None, None])
    with pytest.raises(GroupStoppedError, match="stopped when 0 of 2 fits had ended") as stopped:
        group.results()
    assert stopped.value.checkpoints == [None, None]
