from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.signals.grid import native_axis

from .making import array_spec, centres, clip_spec, image_spec, sound_spec

if TYPE_CHECKING:
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import SignalSpec


def centres_of(axis: GridAxis) -> np.ndarray:
    return axis.coordinates(np.arange(axis.count, dtype=np.float64))


SPECS = [
    image_spec(),
    image_spec((1, 1)),
    sound_spec(),
    sound_spec(1),
    clip_spec(),
    array_spec(),
    array_spec((3, 1, 4, 2)),
]


@pytest.mark.parametrize("spec", SPECS)
def test_nothing_asked_is_the_grid_of_the_fit(spec: SignalSpec) -> None:
    plan = plan_render(spec, RenderRequest())
    assert plan.axes == tuple(native_axis(size) for size in spec.shape)
    assert plan.spec == spec
    assert plan.notices == ()


@pytest.mark.parametrize("spec", SPECS)
def test_scale_one_is_the_grid_of_the_fit(spec: SignalSpec) -> None:
    plan = plan_render(spec, RenderRequest(scale=(1.0,)))
    assert plan.axes == tuple(native_axis(size) for size in spec.shape)


def test_scale_two_halves_every_cell() -> None:
    plan = plan_render(image_spec((2, 3)), RenderRequest(scale=(2.0,)))
    assert plan.spec.shape == (4, 6)
    rows, columns = plan.axes
    # Cells of half a pixel in pictures of 2 and 3 pixels: centres at odd multiples of 1/4 and 1/6.
    np.testing.assert_allclose(centres_of(rows), np.arange(-3, 4, 2) / 4, atol=1e-7)
    np.testing.assert_allclose(centres_of(columns), np.arange(-5, 6, 2) / 6, atol=1e-7)


def test_two_factors_are_width_and_height() -> None:
    assert plan_render(image_spec(), RenderRequest(scale=(2.0, 3.0))).spec.shape == (30, 30)
    assert plan_render(clip_spec(), RenderRequest(scale=(2.0, 3.0))).spec.shape == (6, 12, 10)
    assert plan_render(array_spec(), RenderRequest(scale=(2.0, 3.0))).spec.shape == (8, 18)


def test_size_is_width_and_height() -> None:
    assert plan_render(image_spec(), RenderRequest(size=(31, 7))).spec.shape == (7, 31)
    assert plan_render(clip_spec(), RenderRequest(size=(31, 7))).spec.shape == (6, 7, 31)
    assert plan_render(array_spec(), RenderRequest(size=(31, 7))).spec.shape == (31, 7)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0.01, 8),
)
def test_a_scaled_picture_is_covered_evenly(height: int, width: int, factor: float) -> None:
    plan = plan_render(image_spec((height, width)), RenderRequest(scale=(factor,)))
    for size, axis in zip((height, width), plan.axes, strict=True):
        assert axis.count >= 1
        assert axis.count == 1 or abs(axis.count - size * factor) <= 0.5
        np.testing.assert_allclose(centres_of(axis), centres(size, axis.count), atol=2e-7, rtol=0)


def test_a_region_is_counted_in_fitted_pixels() -> None:
    request = RenderRequest(region=(2.5, 1.0, 5.0, 8.0), scale=(2.0,))
    rows, columns = plan_render(image_spec(), request).axes
    np.testing.assert_allclose(centres_of(rows), centres(10, 16, 1.0, 8.0), atol=1e-7)
    np.testing.assert_allclose(centres_of(columns), centres(15, 10, 2.5, 5.0), atol=1e-7)


def test_a_region_is_clipped_and_that_is_told() -> None:
    height, width = IMAGE.shape
    plan = plan_render(IMAGE, RenderRequest(region=(-2.0, 1.0, 5.0, height), scale=(2.0,)))
    inside = plan_render(IMAGE, RenderRequest(region=(0.0, 1.0, 3.0, height - 1), scale=(2.0,)))
    assert (plan.axes, plan.spec) == (inside.axes, inside.spec)
    assert inside.notices == ()
    (notice,) = plan.notices
    assert f"beyond the {width}x{height} pixels" in notice
    assert notice.endswith(f"it is cut to 0,1,3,{height - 1}")


@pytest.mark.parametrize(("size", "shape"), [((30, None), (20, 30)), ((None, 5), (5, 8))])
def test_a_side_that_is_left_out_follows_from_the_other(
    size: tuple[int | None, ...], shape: tuple[int, int]
) -> None:
    spec = dataclasses.replace(IMAGE, shape=(10, 15))
    assert plan_render(spec, RenderRequest(size=size)).spec.shape == shape
    part = RenderRequest(size=size, region=(0.0, 0.0, 15.0, 10.0))
    assert plan_render(spec, part).spec.shape == shape


def test_a_region_with_a_size() -> None:
    request = RenderRequest(region=(0.0, 0.0, 5.0, 10.0), size=(7, 3))
    assert plan_render(image_spec(), request).spec.shape == (3, 7)


@pytest.mark.parametrize("rate", [8000, 96000, 11025, 1])
def test_samples_of_a_sound_are_one_period_apart(rate: int) -> None:
    spec = sound_spec(12345)
    plan = plan_render(spec, RenderRequest(rate=Fraction(rate)))
    (axis,) = plan.axes
    assert plan.spec.rate == rate
    assert axis.count == max(1, round(Fraction(12345, 8000) * rate))
    assert axis.start == 0.0
    # A period of the new rate, counted in samples of the old one.
    assert axis.step == float(Fraction(8000, rate))


@given(st.floats(0, 1.5), st.floats(0.001, 3), st.integers(1, 200_000))
def test_a_stretch_of_a_sound(start: float, duration: float, rate: int) -> None:
    spec = sound_spec(12345)
    request = RenderRequest(start=start, duration=duration, rate=Fraction(rate))
    (axis,) = plan_render(spec, request).axes
    seconds = min(Fraction(duration), Fraction(12345, 8000) - Fraction(start))
    assert axis.count == max(1, round(seconds * rate))
    times = (axis.start + np.array([0.5, axis.count - 0.5]) * axis.step) / 8000
    np.testing.assert_allclose(times[0], start + 0.5 / rate, rtol=1e-9)
    np.testing.assert_allclose(times[1], start + (axis.count - 0.5) / rate, rtol=1e-9)


def test_the_scale_of_a_sound_is_that_of_its_rate() -> None:
    plan = plan_render(sound_spec(80), RenderRequest(scale=(1.5,)))
    assert plan.spec.rate == 12000
    assert plan.spec.shape == (120,)
    assert plan_render(sound_spec(80), RenderRequest(scale=(1e-9,))).spec.rate == 1


def test_frames_of_a_clip() -> None:
    plan = plan_render(clip_spec(), RenderRequest(fps=Fraction(60000, 1001)))
    assert plan.spec.shape == (12, 4, 5)
    assert plan.spec.rate == Fraction(60000, 1001)
    assert (plan.axes[0].start, plan.axes[0].step) == (0.0, 0.5)
    # 6 frames of 1001/30000 s last 0.2002 s.
    assert plan_render(clip_spec(), RenderRequest(fps=Fraction(10))).spec.shape == (2, 4, 5)


def test_a_cut_clip_loses_its_sound_track_and_says_so() -> None:
    spec = clip_spec(soundtrack=b"sound")
    whole = plan_render(spec, RenderRequest(scale=(2.0,), fps=Fraction(50)))
    assert (whole.spec.soundtrack, whole.notices) == (b"sound", ())
    for request in (RenderRequest(start=0.05), RenderRequest(duration=0.1)):
        cut = plan_render(spec, request)
        assert cut.spec.soundtrack is None
        assert len(cut.notices) == 1
    assert plan_render(clip_spec(), RenderRequest(start=0.05)).notices == ()


def test_bit_depths() -> None:
    deep = plan_render(image_spec(), RenderRequest(bit_depth=16)).spec
    assert (deep.dtype, deep.low, deep.high, deep.bit_depth) == ("uint16", 0.0, 65535.0, 16)
    assert plan_render(deep, RenderRequest(bit_depth=8)).spec == image_spec()
    assert plan_render(image_spec(), RenderRequest(bit_depth=8)).spec == image_spec()
    sound = plan_render(sound_spec(), RenderRequest(bit_depth=24)).spec
    assert (sound.dtype, sound.bit_depth, sound.encoding) == ("float32", 24, None)
    assert plan_render(sound_spec(), RenderRequest(bit_depth=16)).spec.encoding == "PCM_16"
    array = plan_render(array_spec(), RenderRequest(bit_depth=64)).spec
    assert (array.dtype, array.low, array.high) == ("float64", -2.0, 6.0)


def test_the_rest_of_the_signal_is_kept() -> None:
    spec = dataclasses.replace(image_spec((4, 4), 2), alpha=True, icc_profile=b"profile")
    plan = plan_render(spec, RenderRequest(scale=(2.0,)))
    assert plan.spec == dataclasses.replace(spec, shape=(8, 8))


IMAGE, SOUND, CLIP, ARRAY = image_spec(), sound_spec(), clip_spec(), array_spec()
WRONG: list[tuple[str, SignalSpec, dict[str, Any]]] = [
    ("`scale`", IMAGE, {"scale": (0.0,)}),
    ("`scale`", IMAGE, {"scale": (-1.0,)}),
    ("`scale`", IMAGE, {"scale": (math.nan,)}),
    ("`scale`", IMAGE, {"scale": (math.inf,)}),
    ("`scale`", IMAGE, {"scale": (1e308,)}),
    ("`scale`", IMAGE, {"scale": (2.0, 2.0, 2.0)}),
    ("`scale`", CLIP, {"scale": (2.0, 2.0, 2.0)}),
    ("`scale`", SOUND, {"scale": (2.0, 2.0)}),
    ("`scale`", SOUND, {"scale": (1e308,)}),
    ("`scale`", ARRAY, {"scale": (1.0, 2.0, 3.0)}),
    ("`scale` and `size`", IMAGE, {"scale": (2.0,), "size": (4, 4)}),
    ("`rate` and `scale`", SOUND, {"scale": (2.0,), "rate": Fraction(96000)}),
    ("`size`", IMAGE, {"size": (4,)}),
    ("`size`", IMAGE, {"size": (0, 4)}),
    ("`size`", IMAGE, {"size": (10**400, 4)}),
    ("`size`", CLIP, {"size": (1, 2, 3)}),
    ("`size`", ARRAY, {"size": (1, 2, 3)}),
    ("`size`", SOUND, {"size": (4,)}),
    ("`rate`", SOUND, {"rate": Fraction(0)}),
    ("`rate`", SOUND, {"rate": Fraction(-1)}),
    ("`rate`", SOUND, {"rate": Fraction(1, 3)}),
    ("`rate`", IMAGE, {"rate": Fraction(8000)}),
    ("`rate`", CLIP, {"rate": Fraction(8000)}),
    ("`rate`", ARRAY, {"rate": Fraction(8000)}),
    ("`fps`", CLIP, {"fps": Fraction(0)}),
    ("`fps`", CLIP, {"fps": Fraction(-24)}),
    ("`fps`", SOUND, {"fps": Fraction(24)}),
    ("`fps`", IMAGE, {"fps": Fraction(24)}),
    ("`start`", SOUND, {"start": 0.01}),
    ("`start`", SOUND, {"start": -1e-9}),
    ("`start`", SOUND, {"start": math.nan}),
    ("`start`", CLIP, {"start": math.inf}),
    ("`start`", IMAGE, {"start": 1.0}),
    ("`start`", ARRAY, {"start": 1.0}),
    ("`duration`", SOUND, {"duration": 0.0}),
    ("`duration`", SOUND, {"duration": math.nan}),
    ("`duration`", CLIP, {"duration": -1.0}),
    ("`duration`", CLIP, {"duration": math.inf}),
    ("`duration`", IMAGE, {"duration": 1.0}),
    ("`region`", SOUND, {"region": (0.0, 0.0, 1.0, 1.0)}),
    ("`region`", ARRAY, {"region": (0.0, 0.0, 1.0, 1.0)}),
    ("`region`", IMAGE, {"region": (-1.0, 0.0, 1.0, 1.0)}),
    ("`region`", IMAGE, {"region": (0.0, 10.0, 1.0, 1.0)}),
    ("`size`", IMAGE, {"size": (None, None)}),
    ("`size`", IMAGE, {"size": (None, 0)}),
    ("`size`", ARRAY, {"size": (None, 4)}),
    ("`region`", IMAGE, {"region": (0.0, 0.0, 0.0, 1.0)}),
    ("`region`", IMAGE, {"region": (0.0, 0.0, math.nan, 1.0)}),
    ("`bit_depth`", IMAGE, {"bit_depth": 12}),
    ("`bit_depth`", CLIP, {"bit_depth": 16}),
    ("`bit_depth`", SOUND, {"bit_depth": 64}),
    ("`bit_depth`", ARRAY, {"bit_depth": 8}),
    ("`bit_depth`", array_spec(high=1e6), {"bit_depth": 16}),
    ("too many", IMAGE, {"size": (2**30, 2**30)}),
    ("too many", SOUND, {"rate": Fraction(10**15)}),
]


@pytest.mark.parametrize(("flag", "spec", "request_values"), WRONG)
def test_what_cannot_be_is_told_with_its_flag(
    flag: str, spec: SignalSpec, request_values: dict[str, Any]
) -> None:
    with pytest.raises(SettingError, match=flag) as caught:
        plan_render(spec, RenderRequest(**request_values))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@given(
    spec=st.sampled_from(SPECS),
    scale=st.none() | st.lists(st.floats(), min_size=1, max_size=4).map(tuple),
    start=st.just(0.0) | st.floats(),
    duration=st.none() | st.floats(),
    region=st.none() | st.tuples(*[st.floats()] * 4),
    bit_depth=st.none() | st.integers(1, 64),
)
def test_any_request_is_planned_or_refused(spec: SignalSpec, **request: Any) -> None:
    try:
        plan = plan_render(spec, RenderRequest(**request))
    except SettingError:
        return
    assert plan.spec.sample_count <= 2**40
    for axis, count in zip(plan.axes, plan.spec.shape, strict=True):
        assert axis.count == count >= 1
        assert axis.step > 0
