"""Samples that count as means over footprints: where the points are, and what comes of it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.engines.reference import REFERENCE
from sinefit.engines.small_networks import SMALL_NETWORKS
from sinefit.engines.torch_engine import TORCH
from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.footprints import point_offsets, points_of
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.native import small_networks
from sinefit.signals.signal import Signal, SignalSpec

from .making import clip, globe, picture, reached, settings, sound
from .stubs import stopped_after_looks

if TYPE_CHECKING:
    from sinefit.engines.engine import EngineKind
    from sinefit.fields.field import Field
    from sinefit.fitting.report import FitResult
    from sinefit.signals.signal import Footprint

    from .making import Values

pytestmark = pytest.mark.processor


@given(st.integers(1, 4), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_means_over_boxes_are_exact_for_cubic_functions(axes: int, powers: list[int]) -> None:
    shape = (7, 30, 4, 11)[:axes]
    offsets = point_offsets("box", shape)
    assert offsets.shape == (points_of("box", axes), axes)
    in_samples = offsets.double() * torch.tensor(shape) / 2  # a sample is 2 / size wide
    found = in_samples.pow(torch.tensor(powers[:axes])).prod(dim=1).mean()
    moments = [1, 0, 1 / 12, 0]  # the means of x^p from -1/2 to 1/2
    assert float(found) == pytest.approx(math.prod(moments[each] for each in powers[:axes]))


def test_points_of_samples_from_end_to_end() -> None:
    # Of 5 samples whose first and last lie at -1 and 1 each is 1/2 wide.
    offsets = point_offsets("box", (5,), "ends").flatten().tolist()
    assert offsets == pytest.approx([-0.5 / math.sqrt(12), 0.5 / math.sqrt(12)])


@pytest.mark.parametrize(("footprint", "bound"), [("box", 0.03), ("gaussian", 0.045)])
def test_means_of_waves_up_to_nyquist(footprint: Footprint, bound: float) -> None:
    frequency = np.linspace(0.0, 0.5, 51)  # in waves per sample
    # The transforms of a box and of a bell with a standard deviation of half a sample.
    exact = {"box": np.sinc(frequency), "gaussian": np.exp(-((np.pi * frequency) ** 2) / 2)}
    offsets = point_offsets(footprint, (2,)).numpy()  # samples of 1
    found = np.cos(2 * np.pi * frequency * offsets).mean(axis=0)
    assert np.abs(found - exact[footprint]).max() < bound


@pytest.mark.parametrize("signal", [picture((40, 30), 3), sound(700, 2), clip((8, 12, 16))])
def test_engines_agree_on_means(signal: Signal) -> None:
    config = settings(blocks=2, batch=64, budget=Budget(steps=8), footprint="box", dtype="float32")
    plan = make_plan(signal, config)
    kinds: list[EngineKind] = [REFERENCE, TORCH]
    if small_networks.supported():
        kinds.append(SMALL_NETWORKS)
    expected, *others = (
        run_plan(
            signal,
            dataclasses.replace(plan, engine=kind, precision="float32", last_precision="float32"),
            FitHooks(),
        )
        for kind in kinds
    )
    for other in others:
        torch.testing.assert_close(
            other.field.network.values, expected.field.network.values, rtol=0, atol=5e-5
        )
        assert reached(other) == pytest.approx(reached(expected), abs=0.01)


def waves(shape: tuple[int, int], width: float) -> Values:
    """Waves up to 0.8 of Nyquist at samples that are means over boxes of so many samples.

    A wave's mean over a box is the wave times a sinc along each axis.
    """
    rows, columns = 24, 32
    y = (np.arange(shape[0]) + 0.5) * rows / shape[0]
    x = (np.arange(shape[1]) + 0.5) * columns / shape[1]
    total = np.zeros(shape)
    for down, right, phase in ((0.4, 0.1, 0.3), (0.05, 0.4, 1.0), (0.25, -0.3, 2.0)):
        wave = np.cos(2 * np.pi * (down * y[:, None] + right * x[None, :]) + phase)
        total += wave * np.sinc(down * width) * np.sinc(right * width) / 3
    return total


@pytest.fixture(scope="module")
def fits() -> dict[Footprint, FitResult]:
    """Fits of a picture whose pixels are means over their areas."""
    spec = SignalSpec("image", (24, 32), 1, "float32", -1.0, 1.0, "tiff", 32)
    signal = Signal(spec, waves((24, 32), 1.0)[..., None].astype(np.float32))
    config = settings(
        width=48,
        depth=3,
        batch=None,
        blocks=1,
        budget=Budget(steps=500),
        learning_rate=2e-3,
        omega="0.2nyquist",
    )
    found: dict[Footprint, FitResult] = {}
    footprints: tuple[Footprint, ...] = ("point", "box")
    for footprint in footprints:
        config = dataclasses.replace(config, footprint=footprint)
        found[footprint] = fit_signal(signal, config)
    return found


def between(field: Field) -> float:
    """The error of a field between its samples, in dB."""
    found = field.render(scale=4).samples[..., 0].astype(np.float64)
    inside = (slice(8, -8), slice(8, -8))  # what lies beyond the edges no fit can know
    error = np.square(found - waves((96, 128), 0.0))[inside].mean()
    return 10 * math.log10(4 / error)


def test_a_fit_of_means_undoes_what_averaging_has_done(fits: dict[Footprint, FitResult]) -> None:
    # Points give the averages back, whose highest waves are 24 % too low.
    assert between(fits["box"].field) > between(fits["point"].field) + 2


def test_the_quality_is_that_of_the_means(fits: dict[Footprint, FitResult]) -> None:
    result = fits["box"]
    field = decode_field(encode_field(result.field), "name")
    assert field.spec.footprint == "box"
    given = waves((24, 32), 1.0)
    error = np.square(field.render().samples[..., 0] - given).mean()
    assert result.report.record.psnr == pytest.approx(10 * math.log10(4 / error), abs=0.05)
    assert (result.report.record.psnr or 0) > 40
    at_points = field.render(footprint="point").samples[..., 0]
    assert 10 * math.log10(4 / np.square(at_points - given).mean()) < 30


def test_a_fit_of_means_that_is_stopped_goes_on_to_the_same_bytes() -> None:
    signal = picture((40, 30), 3)
    config = settings(blocks=2, batch=50, budget=Budget(steps=40), footprint="gaussian")
    expected = encode_field(fit_signal(signal, config).field)
    checkpoint = stopped_after_looks(signal, config, 3)
    assert encode_field(fit_signal(signal, config, resume=checkpoint).field) == expected


def test_a_sphere_has_points() -> None:
    with pytest.raises(SettingError, match="`footprint` is box: samples of a sphere are points"):
        make_plan(globe(), settings(footprint="box"))


def test_only_sounds_are_band_limited() -> None:
    with pytest.raises(SettingError, match="`footprint` is band-limited: that is for sounds, not"):
        make_plan(picture((8, 9)), settings(footprint="band-limited"))


def test_a_band_limited_fit_is_one_of_points() -> None:
    # What lies between the samples does not count, and is made by renders alone.
    signal, given = sound(700), settings(budget=Budget(steps=30))
    fields = [
        fit_signal(signal, dataclasses.replace(given, footprint=footprint)).field
        for footprint in ("point", "band-limited")
    ]
    assert torch.equal(fields[0].network.values, fields[1].network.values)
    assert fields[0].record == fields[1].record
    assert fields[1].spec.footprint == "band-limited"
