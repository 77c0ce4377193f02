"""Quantities made of derivatives, and pictures and sounds that show them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.quantities import QUANTITIES
from sinefit.rendering.render import render_pieces

from .making import array_spec, clip_spec, field_of, image_spec, sound_spec

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.signals.signal import SignalSpec


def wave(spec: SignalSpec, direction: tuple[float, ...], phase: float = 0.0) -> Field:
    """A field whose channels are all sin(direction . x + phase), x in [-1, 1]."""
    parameters = {
        "layers.0.weight": torch.tensor([[direction]]),
        "layers.0.bias": torch.tensor([[phase]]),
        "layers.1.weight": torch.ones(1, spec.channels, 1),
        "layers.1.bias": torch.zeros(1, spec.channels),
    }
    size = NetworkSize(spec.axes, 1, 1, spec.channels)
    return field_of(spec, Network.of(SINE, size, parameters))


def test_numbers_count_in_the_signal_s_values_per_sample() -> None:
    # Around 0 the sine is its argument: over 40 columns it rises from -0.02 to 0.02, that is of
    # 255 steps by 0.02 * 255 in all.
    field = wave(image_spec((6, 40), 1), (0.0, 0.02))
    gradient = field.derivative("gradient")
    assert gradient.shape == (6, 40, 1, 2)
    np.testing.assert_allclose(gradient[..., 0], 0.0, atol=1e-6)
    np.testing.assert_allclose(gradient[..., 1], 0.02 * 255 / 40, rtol=1e-3)


def test_quantities_are_made_of_the_gradient() -> None:
    spec = image_spec((9, 12), 3)
    field = field_of(spec)
    vertical, horizontal = np.moveaxis(field.derivative("gradient", 2.0), -1, 0)
    magnitude = field.derivative("magnitude", 2.0)
    np.testing.assert_allclose(magnitude**2, vertical**2 + horizontal**2, rtol=1e-4, atol=1e-4)
    angle = field.derivative("direction", 2.0)
    np.testing.assert_allclose(magnitude * np.sin(angle), vertical, atol=1e-3)
    np.testing.assert_allclose(magnitude * np.cos(angle), horizontal, atol=1e-3)


def test_the_laplacian_of_a_wave_is_the_wave_times_its_frequencies() -> None:
    spec = image_spec((20, 30), 2)
    field = wave(spec, (3.0, -4.0), 0.3)
    values = np.concatenate(list(field_values(field)))
    factor = -((3.0 * 2 / 20) ** 2 + (4.0 * 2 / 30) ** 2) * 255 / 2
    np.testing.assert_allclose(field.derivative("laplacian"), values * factor, atol=1e-3)


def field_values(field: Field) -> Any:
    from sinefit.rendering.render import render_values

    return render_values(field, plan_render(field.spec, RenderRequest()))


def test_the_divergence_sums_each_channel_along_its_own_axis() -> None:
    spec = replace(array_spec((7, 9)), channels=2, channels_last=True)
    field = field_of(spec)
    gradient = field.derivative("gradient")
    divergence = field.derivative("divergence")
    expected = gradient[..., 0, 0] + gradient[..., 1, 1]
    np.testing.assert_allclose(divergence[..., 0], expected, atol=1e-5)


def test_a_video_has_derivatives_along_time_and_over_space() -> None:
    field = wave(clip_spec((8, 4, 6)), (0.01, 0.02, 0.03))
    per_value = 255 / 2
    np.testing.assert_allclose(
        field.derivative("time-derivative"), 0.01 * 2 / 8 * per_value, rtol=1e-2
    )
    gradient = field.derivative("gradient")
    assert gradient.shape == (8, 4, 6, 3, 2)
    np.testing.assert_allclose(gradient[..., 0], 0.02 * 2 / 4 * per_value, rtol=1e-2)
    np.testing.assert_allclose(gradient[..., 1], 0.03 * 2 / 6 * per_value, rtol=1e-2)


def test_alpha_has_no_derivative() -> None:
    spec = replace(image_spec((5, 6), 2), alpha=True)
    field = field_of(spec)
    assert field.derivative("magnitude").shape == (5, 6, 1)
    assert field.render(what="magnitude").spec.channels == 1


@pytest.mark.parametrize(
    ("spec", "what", "cure"),
    [
        (image_spec(), "time-derivative", "no axis of time"),
        (sound_spec(), "direction", "two axes of space"),
        (image_spec(channels=1), "divergence", "as many channels as axes"),
        (image_spec(), "slope", "one of value, gradient"),
    ],
)
def test_what_a_signal_does_not_have_is_refused(spec: SignalSpec, what: str, cure: str) -> None:
    with pytest.raises(SettingError, match=cure) as raised:
        field_of(spec).derivative(what)
    assert str(raised.value).startswith(f"`what` is {what}")


@pytest.mark.parametrize("what", QUANTITIES)
@pytest.mark.parametrize(
    "spec", [image_spec((6, 7), 3), sound_spec(50, channels=2), clip_spec((3, 4, 5))]
)
def test_plans_hold_what_comes_out(spec: SignalSpec, what: str) -> None:
    try:
        plan = plan_render(spec, RenderRequest(what=what, scale=(2.0,)))
    except SettingError:
        return  # which signals have which is another test
    field = field_of(spec)
    for one in (plan, plan.as_numbers()):
        samples = np.concatenate(list(render_pieces(field, one)))
        assert samples.shape == (*one.spec.shape, one.spec.channels)
        assert samples.dtype == one.spec.dtype


@pytest.mark.parametrize(
    ("direction", "colour"),
    [((0.0, 1e-2), (255, 0, 0)), ((0.0, -1e-2), (0, 255, 255)), ((1e-2, 0.0), (128, 255, 0))],
)
def test_a_gradient_is_shown_as_a_hue(
    direction: tuple[float, float], colour: tuple[int, int, int]
) -> None:
    """Red to the right, cyan to the left, and downwards a quarter of the wheel further."""
    shown = wave(image_spec((4, 5), 3), direction).render(what="gradient").samples
    assert np.abs(shown.astype(int) - np.array(colour)).max() <= 1
    shown = wave(image_spec((4, 5), 3), direction).render(what="direction").samples
    assert np.abs(shown.astype(int) - np.array(colour)).max() <= 1


def test_pictures_are_as_bright_as_the_numbers_are_large() -> None:
    field = field_of(image_spec((24, 30), 1))
    numbers, shown = field.derivative("magnitude"), field.render(what="magnitude").samples
    order = np.argsort(numbers.ravel())
    assert (np.diff(shown.ravel()[order].astype(int)) >= 0).all()
    assert shown.max() == 255
    signed, shown = field.derivative("laplacian"), field.render(what="laplacian").samples
    assert (shown[signed > 1e-2 * signed.max()] >= 128).all()
    assert (shown[signed < 1e-2 * signed.min()] <= 127).all()


def test_a_sound_s_slope_is_a_sound_of_full_scale() -> None:
    field = wave(sound_spec(4000), (300.0,))
    shown = field.render(what="time-derivative").samples.astype(np.float64)
    numbers = field.derivative("time-derivative").astype(np.float64)
    assert 0.5 * 0.7 < np.abs(shown).max() <= 0.5
    factor = shown.ravel() @ numbers.ravel() / (numbers.ravel() @ numbers.ravel())
    np.testing.assert_allclose(shown, factor * numbers, atol=1e-4)


def test_a_constant_shows_nothing() -> None:
    field = wave(image_spec((4, 5), 1), (0.0, 0.0), math.pi / 2)
    assert (field.render(what="magnitude").samples == 0).all()
