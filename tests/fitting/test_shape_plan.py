from __future__ import annotations

import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.group_plan import shape_of
from sinefit.fitting.machine import Machine
from sinefit.fitting.plan import mapped_spec, plan_fit
from sinefit.fitting.shape_plan import plan_shape

from .making import picture, settings, sound
from .test_plan import plain

CPU = Machine(torch.device("cpu"), 1)


def test_a_plan_is_the_same_whoever_looked_at_the_shape() -> None:
    config = settings("tuner", budget=Budget(target_psnr=30.0))
    one, other = picture(seed=1), picture(seed=2)
    assert shape_of(one.spec) == shape_of(other.spec)
    spec = mapped_spec(one.spec, config.decided_for(one.spec))
    shape = plan_shape(spec, config, CPU)
    for signal in (one, other):
        assert plain(plan_fit(signal, config, CPU, shape=shape)) == plain(
            plan_fit(signal, config, CPU)
        )


def test_a_shape_is_all_but_what_tells_files_apart() -> None:
    assert shape_of(picture((24, 20)).spec) != shape_of(picture((20, 24)).spec)
    assert shape_of(picture(bits=8).spec) != shape_of(picture(bits=16).spec)
    assert shape_of(sound().spec) != shape_of(picture().spec)
