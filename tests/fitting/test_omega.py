from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.fitting.loop import make_plan
from sinefit.fitting.omega import (
    CENTROID_SHARE,
    LOWEST_FREQUENCY,
    first_frequencies,
    resolve_omega,
)
from sinefit.fitting.omega_choice import NyquistShare
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal

from .making import clip, even_picture, globe, natural, picture, settings, sound

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal

    from .making import Values

SIREN = parse_initializer("siren")


def size_of(signal: Signal) -> NetworkSize:
    return NetworkSize(signal.spec.coordinate_features, 16, 3, signal.spec.channels)


def waves(count: int, number: float) -> Values:
    """`number` waves over the domain, sampled at `count` centres."""
    return np.cos(2 * np.pi * number * (np.arange(count) + 0.5) / count + 0.4)


@pytest.mark.parametrize("number", [30, 60])
def test_a_wave_is_met_in_radians_per_unit(number: int) -> None:
    signal = array_signal(waves(400, number)[:, None] * np.ones((1, 7)))
    # One wave over a domain of length 2 is pi radians per unit.
    assert first_frequencies(signal) == pytest.approx(
        (CENTROID_SHARE * math.pi * number, LOWEST_FREQUENCY), rel=0.05
    )


def test_noise_is_met_at_half_its_nyquist_frequency() -> None:
    noise = np.random.default_rng(0).normal(size=(300, 200))
    expected = (CENTROID_SHARE * math.pi * 300 / 4, CENTROID_SHARE * math.pi * 200 / 4)
    assert first_frequencies(array_signal(noise)) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("factor", [2, 3])
def test_sampling_more_finely_changes_nothing(factor: int) -> None:
    generator = np.random.default_rng(1)
    content = [(number, generator.normal()) for number in range(1, 60)]

    def sampled(count: int) -> Signal:
        return array_signal(np.sum([size * waves(count, number) for number, size in content], 0))

    coarse = first_frequencies(sampled(512))
    assert coarse[0] > 2 * LOWEST_FREQUENCY
    assert first_frequencies(sampled(512 * factor)) == pytest.approx(coarse, rel=0.05)


@pytest.mark.parametrize(
    "signal", [even_picture(7), even_picture(7, (30, 20)), sound(1), picture((1, 40))]
)
def test_what_does_not_change_gets_the_lowest_frequency(signal: Signal) -> None:
    frequencies = first_frequencies(signal)
    assert frequencies[0] == LOWEST_FREQUENCY
    assert all(math.isfinite(value) and value >= LOWEST_FREQUENCY for value in frequencies)


def test_the_sphere_has_one_frequency_in_all_directions() -> None:
    frequencies = first_frequencies(globe())
    assert len(frequencies) == 3
    assert len(set(frequencies)) == 1
    around = [np.ones((60, 1)) * waves(240, number)[None, :] for number in (20, 40)]
    few, many = (first_frequencies(array_signal(turn, domain="sphere"))[0] for turn in around)
    assert many == pytest.approx(2 * few, rel=0.05)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("make", [picture, sound, clip, globe])
def test_every_scheme_gets_one_factor_per_coordinate(name: str, make: object) -> None:
    assert callable(make)
    signal = make()
    omega = resolve_omega("auto", parse_initializer(name), signal, size_of(signal))
    assert len(omega) == signal.spec.coordinate_features
    assert all(math.isfinite(value) and value > 0 for value in omega)


def test_the_scheme_translates_frequencies_into_its_factors() -> None:
    signal = picture((64, 48))
    size = size_of(signal)
    expected = tuple(SIREN.omega_for(value, size) for value in first_frequencies(signal))
    assert resolve_omega("auto", SIREN, signal, size) == expected


def test_an_explicit_omega_is_taken_as_it_is() -> None:
    signal = picture()
    assert resolve_omega((30.0,), SIREN, signal, size_of(signal)) == (30.0, 30.0)
    assert resolve_omega((30.0, 20.0), SIREN, signal, size_of(signal)) == (30.0, 20.0)
    assert resolve_omega((9.0,), SIREN, globe(), size_of(globe())) == (9.0, 9.0, 9.0)


@pytest.mark.parametrize("omega", [(1.0, 2.0, 3.0), ()])
def test_the_wrong_number_of_factors(omega: tuple[float, ...]) -> None:
    signal = picture()
    with pytest.raises(SettingError, match=f"`omega` has {len(omega)} values.* 2 coordinates"):
        resolve_omega(omega, SIREN, signal, size_of(signal))


@pytest.mark.parametrize("signal", [sound(37), picture((24, 20)), clip()])
def test_nyquist_turns_by_half_a_wave_from_sample_to_sample(signal: Signal) -> None:
    (omega,) = {resolve_omega((NyquistShare(),), SIREN, signal, size_of(signal))}
    for factor, count in zip(omega, signal.spec.shape, strict=True):
        centres = (2 * np.arange(count) + 1) / count - 1
        assert np.diff(factor * centres) == pytest.approx(np.full(count - 1, math.pi))


def test_nyquist_on_the_sphere_is_that_of_its_equator() -> None:
    signal = globe((9, 18))
    omega = resolve_omega((NyquistShare(0.5),), SIREN, signal, size_of(signal))
    length = 2 * math.pi / 18  # from one sample of the equator to the next
    assert omega == pytest.approx((math.pi / 2 / length,) * 3)


def test_a_share_of_nyquist_may_stand_beside_a_number() -> None:
    signal = picture((24, 20))
    choice = (NyquistShare(0.25), 7.0)
    assert resolve_omega(choice, SIREN, signal, size_of(signal)) == (math.pi * 3, 7.0)


@pytest.mark.parametrize("text", ["tuner", "tuner:period=2.5:band=0.2"])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_share_is_that_of_tuner_s_band_limit(text: str, share: float) -> None:
    signal = picture((240, 160))
    tuner, size = parse_initializer(text), dataclasses.replace(size_of(signal), width=600)
    omega = resolve_omega((NyquistShare(share),), tuner, signal, size)
    start = tuner.draw(size, omega, signal_traits(signal), torch.Generator().manual_seed(0))
    highest = start.parameters["layers.0.weight"][0].abs().amax(dim=0).tolist()
    spacing = 2 * math.pi / 2.5
    expected = [share * math.pi * 120, share * math.pi * 80]
    assert highest == pytest.approx(expected, abs=spacing)


@pytest.mark.parametrize(
    ("text", "factor"), [("ws", 2.5), ("ws:alpha=1.5", 1.5), ("vi3nr:s=3", 3.0)]
)
def test_the_spectrum_does_not_divide_out_what_a_scheme_puts_on_the_first_layer(
    text: str, factor: float
) -> None:
    signal = picture((64, 48))
    plain = "siren" if text.startswith("ws") else "vi3nr"
    scaled, first = (
        make_plan(signal, settings(init)).start.parameters["layers.0.weight"]
        for init in (text, plain)
    )
    torch.testing.assert_close(scaled, factor * first)


def test_a_picture_and_a_sound_of_usual_size() -> None:
    large = array_signal(np.repeat(natural((512, 768))[..., None], 3, axis=-1), channels_last=True)
    assert all(LOWEST_FREQUENCY <= value < math.pi * 768 / 2 for value in first_frequencies(large))
    assert first_frequencies(array_signal(waves(300_000, 3000))) == pytest.approx(
        (CENTROID_SHARE * math.pi * 3000,), rel=0.05
    )
