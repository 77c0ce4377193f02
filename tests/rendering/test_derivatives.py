"""Derivatives of fields, against differences of their values in float64 and against formulas."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.networks.size import NetworkSize
from sinefit.rendering.derivatives import differentiate
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.signals.blocks import BlockGrid
from tests.engines.making import random_network

from .making import (
    AMPLITUDES,
    FREQUENCIES,
    PHASES,
    array_spec,
    centres,
    field_of,
    fields_of_blocks,
    image_spec,
    in_full,
    requests,
    sound_spec,
)

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.rendering.plan import RenderPlan

    from .making import Values

APART = 1e-3
"""Samples between the values of a difference."""


def derivatives(field: Field, plan: RenderPlan, slab_values: int = 2**23) -> tuple[Values, Values]:
    """First and second derivatives, each (axes, *grid, channels)."""
    slabs = list(differentiate(field, plan.axes, field.spec, 2, slab_values))
    first = np.concatenate([slab.first.numpy() for slab in slabs], axis=1)
    seconds = [slab.second.numpy() for slab in slabs if slab.second is not None]
    return first, np.concatenate(seconds, axis=1)


def moved(plan: RenderPlan, axis: int, distance: float) -> RenderPlan:
    axes = list(plan.axes)
    axes[axis] = replace(axes[axis], start=axes[axis].start + distance)
    return replace(plan, axes=tuple(axes))


def smooth(plan: RenderPlan, axis: int) -> Values:
    """Which samples along an axis are not so near to the edge of a margin that it matters."""
    one = plan.axes[axis]
    positions = one.start + (np.arange(one.count) + 0.5) * one.step
    inside = (positions > 0.01) & (positions < one.size - 0.01)
    found: Values = inside & (np.abs(positions - np.rint(positions)) > 2 * APART)
    return found


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_they_are_the_limits_of_differences(data: st.DataObject) -> None:
    field = data.draw(fields_of_blocks())
    plan = plan_render(field.spec, data.draw(requests(field.spec)))
    first, second = derivatives(field, plan)
    here = in_full(field, plan)
    for axis in range(len(plan.axes)):
        where = smooth(plan, axis)
        before, behind = (in_full(field, moved(plan, axis, each)) for each in (-APART, APART))
        slope = ((behind - before) / (2 * APART)).compress(where, axis)
        curvature = ((behind - 2 * here + before) / APART**2).compress(where, axis)
        scale = max(1.0, float(np.abs(second).max(initial=0.0)))
        assert first[axis].compress(where, axis) == pytest.approx(slope, abs=1e-4 * scale)
        assert second[axis].compress(where, axis) == pytest.approx(curvature, abs=1e-3 * scale)


def test_those_of_one_network_are_those_of_its_sines() -> None:
    spec = image_spec((10, 15), 3)
    field = field_of(spec)
    first, second = derivatives(field, plan_render(spec, RenderRequest(scale=(2.0,))))
    rows, columns = centres(10, 20), centres(15, 30)
    points = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    W, A = np.array(FREQUENCIES[2]), np.array(AMPLITUDES)
    phases = points @ W.T + np.array(PHASES)
    for axis, size in enumerate((10, 15)):
        per_sample = W[:, axis] * 2 / size
        slope = (np.cos(phases) * per_sample) @ A.T
        curvature = (-np.sin(phases) * per_sample**2) @ A.T
        np.testing.assert_allclose(first[axis], slope, atol=1e-5)
        np.testing.assert_allclose(second[axis], curvature, atol=1e-5)


def test_on_the_sphere_they_go_along_its_angles() -> None:
    spec = array_spec((5, 8), domain="sphere")
    field = field_of(spec)
    plan = plan_render(spec, RenderRequest(scale=(3.0,)))
    first, _ = derivatives(field, plan)
    W, A = np.array(FREQUENCIES[3]), np.array(AMPLITUDES[:1])
    latitude = -centres(5, 15) * math.pi / 2
    longitude = centres(8, 24) * math.pi
    down, around = np.meshgrid(latitude, longitude, indexing="ij")
    point = np.stack(
        [np.cos(down) * np.cos(around), np.cos(down) * np.sin(around), np.sin(down)], axis=-1
    )
    cosines = np.cos(point @ W.T + np.array(PHASES))
    south = np.stack(
        [np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), -np.cos(down)], axis=-1
    )
    east = np.stack(
        [-np.cos(down) * np.sin(around), np.cos(down) * np.cos(around), 0 * down], axis=-1
    )
    for axis, (way, angle) in enumerate(((south, math.pi / 5), (east, 2 * math.pi / 8))):
        expected = (cosines * (way @ W.T) * angle) @ A.T
        np.testing.assert_allclose(first[axis], expected, atol=1e-5)


def test_slabs_do_not_show() -> None:
    spec = sound_spec(61, channels=2)
    network = random_network(NetworkSize(1, 4, 2, 2), 3)
    field = field_of(spec, network, BlockGrid.over(spec, (3,), (4,)))
    plan = plan_render(spec, RenderRequest())
    for whole, by_parts in zip(derivatives(field, plan), derivatives(field, plan, 20), strict=True):
        np.testing.assert_allclose(by_parts, whole, atol=1e-5 * float(np.abs(whole).max()))
