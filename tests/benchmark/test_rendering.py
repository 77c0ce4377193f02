from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.benchmark.clock import device_clock
from sinefit.benchmark.rendering import compare_paces, eager_blocks, measure_rendering
from sinefit.fitting.loop import fit_signal
from sinefit.rendering.plan import RenderRequest, plan_render
from tests.fitting.making import outputs_of, picture, settings

from .making import WorkClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sinefit.fields.field import Field


@pytest.fixture(scope="module")
def field() -> Field:
    return fit_signal(picture((12, 10), channels=3), settings()).field


def test_the_plain_pass_renders_the_field(field: Field) -> None:
    plan = plan_render(field.spec, RenderRequest(size=(20, 15)))
    blocks = list(eager_blocks(field.network, plan, piece=37))
    assert [len(block) for block in blocks] == [37] * 8 + [4]
    expected = field.spec.with_shape((15, 20)).store(
        outputs_of(field.network, replace(field.spec, shape=(15, 20)))
    )
    rendered = np.concatenate(blocks).reshape(15, 20, 3).astype(int)
    assert np.abs(rendered - expected.astype(int)).max() <= 1


def paced(clock: WorkClock, seconds: float) -> Iterator[NDArray[Any]]:
    """Ten blocks of 240 samples, each of which takes so long."""
    for _ in range(10):
        clock.work(seconds)
        yield np.zeros((48, 5, 3))


@pytest.mark.parametrize(("limit", "complete"), [(40.0, True), (8.0, False)])
def test_paces_and_times(limit: float, *, complete: bool) -> None:
    clock = WorkClock()
    # 2400 samples at 10 and 60 per second.
    eager, own = paced(clock, 24.0), paced(clock, 4.0)
    found = compare_paces(eager, own, 40, 60, clock, eager_limit=1.0, limit=limit)
    assert (found.eager, found.sinefit, found.ratio) == (10.0, 60.0, 6.0)
    assert found.complete is complete
    assert found.sinefit_seconds == pytest.approx(40.0)
    assert found.eager_seconds == pytest.approx(240.0)


def test_a_real_render_is_complete(field: Field) -> None:
    clock = device_clock(torch.device("cpu"))
    found = measure_rendering(field, 30, 20, clock, eager_limit=60.0, limit=60.0)
    assert found.complete
    assert (found.height, found.width) == (30, 20)
    assert min(found.eager, found.sinefit, found.ratio, found.sinefit_seconds) > 0
