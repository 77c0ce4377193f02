from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from sinefit import metrics
from sinefit.errors import InputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.networks.size import NetworkSize
from sinefit.scoring import score_field
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal, SignalSpec
from tests.engines.making import random_network
from tests.fields.making import field_of_blocks
from tests.fitting.making import decibels

CPU = torch.device("cpu")
Values = np.ndarray[Any, np.dtype[Any]]


def picture_spec(shape: tuple[int, int] = (24, 20), bits: int = 8) -> SignalSpec:
    return SignalSpec("image", shape, 2, f"uint{bits}", 0.0, 2.0**bits - 1, "png", bits)


def sound_spec(peak: float = 0.5, count: int = 400) -> SignalSpec:
    return SignalSpec("audio", (count,), 1, "float32", -peak, peak, "wav", 16, rate=Fraction(8000))


def field_of(spec: SignalSpec, seed: int = 0, gain: float = 1.0) -> Field:
    network = random_network(NetworkSize(spec.coordinate_features, 8, 2, spec.channels), seed=seed)
    for name in ("layers.2.weight", "layers.2.bias"):
        network.parameters[name].mul_(gain)
    record = FitRecord("siren", (1.0,), 0, 1, 1, (1e-3,), 1.0, 1.0, spec.value_range, None)
    return Field(network, spec, record)


def outputs_of(field: Field, shape: tuple[int, ...]) -> Values:
    """The network's own forward pass at the centres of a grid, (*shape, channels)."""
    axes = [(2 * np.arange(size) + 1) / size - 1 for size in shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    outputs = field.network(torch.tensor(points, dtype=torch.float32)[None])[0].numpy()
    values: Values = outputs.reshape(*shape, -1).astype(np.float64)
    return values


def test_a_field_of_blocks_is_compared_as_it_renders() -> None:
    field = field_of_blocks()
    rendered = field.render()
    assert score_field(field, rendered, CPU)["psnr"] == math.inf
    other = Signal(rendered.spec, np.bitwise_xor(rendered.samples.astype(np.uint8), 1))
    error = 10 * math.log10(255**2)  # every value is off by one
    assert score_field(field, other, CPU)["psnr"] == pytest.approx(error)


def test_a_picture_of_floats_is_compared_in_its_own_values() -> None:
    # Of heights in metres, fitted between 0 and 1000, a part spans 200 to 400.
    fitted = SignalSpec("image", (24, 20), 1, "float32", 0.0, 1000.0, "tiff", 32)
    field = field_of(fitted)
    spec = dataclasses.replace(fitted, low=200.0, high=400.0)
    values = fitted.from_unit(outputs_of(field, (24, 20)))
    scores = score_field(field, Signal(spec, (values + 5).astype(np.float32)), CPU)
    assert scores["psnr_range"] == 200
    assert scores["psnr"] == pytest.approx(20 * math.log10(200 / 5), abs=0.01)


def test_scores_of_a_picture() -> None:
    spec = picture_spec()
    field = field_of(spec)
    original = Signal(spec, np.random.default_rng(1).integers(0, 256, (24, 20, 2), np.uint8))
    truth = original.samples.astype(np.float64)
    values = (outputs_of(field, (24, 20)) + 1) * 127.5
    stored = np.clip(np.round(values), 0, 255)
    scores = score_field(field, original, CPU)
    assert scores == {
        "psnr": pytest.approx(decibels(stored - truth, 255), abs=1e-3),
        "psnr_float": pytest.approx(decibels(values - truth, 255), abs=1e-3),
        "psnr_range": 255.0,
        "ssim": pytest.approx(metrics.ssim(original.samples, stored, 255.0), abs=1e-4),
    }


def test_scores_of_a_sound() -> None:
    spec = sound_spec()
    field = field_of(spec)
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (400, 1)).astype(np.float32)
    error = outputs_of(field, (400,)) * 0.5 - samples
    scores = score_field(field, Signal(spec, samples), CPU)
    snr = 20 * math.log10(np.linalg.norm(samples) / np.linalg.norm(error))
    assert scores == {
        "psnr": pytest.approx(decibels(error, 1.0), abs=1e-3),
        "psnr_float": pytest.approx(decibels(error, 1.0), abs=1e-3),
        "psnr_range": 1.0,
        "snr": pytest.approx(snr, abs=1e-3),
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_field_has_no_error_against_its_own_render(seed: int) -> None:
    field = field_of(picture_spec(), seed, gain=0.2)
    scores = score_field(field, field.render(), CPU)
    assert scores["psnr"] == math.inf
    assert scores["ssim"] == pytest.approx(1.0)
    # Rounding to whole numbers has an error of variance 1/12.
    assert scores["psnr_float"] == pytest.approx(10 * math.log10(255**2 * 12), abs=0.5)


def test_an_original_of_another_size_is_met_on_its_own_grid() -> None:
    field = field_of(picture_spec())
    larger = field.render(scale=3)
    assert larger.spec.shape == (72, 60)
    assert score_field(field, larger, CPU)["psnr"] == math.inf


def test_an_original_of_another_depth_is_met_at_full_scale() -> None:
    field = field_of(picture_spec())
    deep = field.render(bit_depth=16)
    assert deep.spec.high == 65535
    assert score_field(field, deep, CPU)["psnr"] == math.inf


def test_a_sound_with_another_peak_is_met_in_physical_units() -> None:
    field = field_of(sound_spec(peak=0.5))
    rendered = field.render()
    louder = Signal(dataclasses.replace(rendered.spec, low=-0.9, high=0.9), rendered.samples)
    scores = score_field(field, louder, CPU)
    assert scores["psnr_range"] == 1.8
    assert scores["psnr"] > 120  # float32


def test_a_clip_is_compared_frame_by_frame() -> None:
    spec = SignalSpec("video", (3, 14, 12), 1, "uint8", 0.0, 255.0, "mp4", 8, rate=Fraction(25))
    field = field_of(spec)
    rendered = field.render()
    noise = np.random.default_rng(0).integers(0, 40, rendered.samples.shape)
    noisy = np.clip(rendered.samples.astype(np.int64) + noise, 0, 255)
    original = Signal(spec, noisy.astype(np.uint8))
    expected = np.mean(
        [
            metrics.ssim(original.samples[frame], rendered.samples[frame], 255.0)
            for frame in range(3)
        ]
    )
    assert score_field(field, original, CPU)["ssim"] == pytest.approx(expected)


def test_the_field_knows_its_domain() -> None:
    spec = SignalSpec("array", (6, 12), 1, "float32", -2.0, 2.0, "npy", 32, domain="sphere")
    field = field_of(spec)
    rendered = field.render()
    plain = Signal(dataclasses.replace(rendered.spec, domain="grid"), rendered.samples)
    assert score_field(field, plain, CPU)["psnr"] > 120


def test_progress_ends_at_one() -> None:
    field = field_of(picture_spec())
    shares: list[float] = []
    score_field(field, field.render(scale=40), CPU, shares.append)
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    assert shares[0] > 0
    assert shares[-1] == 1


def test_what_cannot_be_compared() -> None:
    field = field_of(picture_spec())
    for original in (
        field_of(sound_spec()).render(),
        field_of(dataclasses.replace(picture_spec(), channels=3)).render(),
    ):
        with pytest.raises(SettingError, match="compare it with a signal of the same kind"):
            score_field(field, original, CPU)
    empty = Signal(sound_spec(count=0), np.zeros((0, 1), np.float32))
    with pytest.raises(InputError, match="no samples"):
        score_field(field_of(sound_spec()), empty, CPU)


def test_an_original_in_another_form_is_the_same() -> None:
    values = np.random.default_rng(2).normal(size=(12, 10))
    original = array_signal(values)
    field = field_of(original.spec)
    expected = score_field(field, original, CPU)
    for form in (values, values.tolist(), torch.tensor(values)):
        assert score_field(field, form, CPU) == expected


def test_the_field_stays_where_and_as_it_is() -> None:
    field = field_of(picture_spec())
    original = field.render()
    network, values = field.network, field.network.values.clone()
    assert score_field(field, original, CPU)["psnr"] == math.inf
    # A device that every machine has; it computes nothing, so that nothing can come back from it.
    with pytest.raises(NotImplementedError, match="meta tensor"):
        score_field(field, original, torch.device("meta"))
    assert field.network is network
    assert field.network.device == CPU
    assert torch.equal(field.network.values, values)
