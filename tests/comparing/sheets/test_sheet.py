from __future__ import annotations

import dataclasses
import io
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import sinefit
from sinefit.comparing.results import Comparison
from sinefit.comparing.sheets.colours import heat, pixels_of
from sinefit.comparing.sheets.pictures import DETAIL, FINER, picture_rows
from sinefit.comparing.sheets.sheet import draw_sheet
from sinefit.comparing.sheets.sounds import HEIGHT, WIDTH, sound_rows
from sinefit.comparing.sheets.views import LONGEST, field_at, places_of, values_at
from sinefit.signals.signal import Signal, SignalSpec
from tests.comparing.making import cell, field_on, signal_of

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = SignalSpec("image", (60, 90), 3, "uint8", 0.0, 255.0, "png", 8)
EXACT = SignalSpec("array", (60, 90), 1, "float32", -1.0, 1.0, "npy", 32)
SOUND = SignalSpec("audio", (4000,), 2, "float32", -0.5, 0.5, "wav", 16, Fraction(8000), "PCM_16")
CLIP = SignalSpec("video", (5, 30, 40), 3, "uint8", 0.0, 255.0, "mp4", 8, Fraction(25))
VOLUME = SignalSpec("array", (3, 20, 24), 2, "float32", -1.0, 3.0, "npy", 32)


def test_heat_is_lighter_the_more_there_is() -> None:
    colours = heat(np.linspace(-0.5, 1.5, 300)).astype(float)
    light = colours @ (0.299, 0.587, 0.114)
    assert (np.diff(light) >= 0).all()
    assert (colours[0] == 0).all()
    assert light[-1] > 250
    assert (heat(np.array([np.nan])) == 0).all()


def test_pixels_of_one_channel_are_grey() -> None:
    assert pixels_of(np.array([[[0.0], [1.0]]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("spec", [IMAGE, CLIP, VOLUME, SOUND], ids=lambda spec: spec.kind)
def test_fields_and_signals_are_seen_at_the_same_samples(spec: SignalSpec) -> None:
    field = field_on(spec)
    places = places_of(spec)
    one, two = values_at(signal_of(field), places), field_at(field, places)
    assert (
        one.shape == two.shape == (*spec.shape[-2:], spec.channels)[-3 if spec.axes > 1 else -2 :]
    )
    np.testing.assert_allclose(one, np.clip(two, 0, 1), atol=0.51 / 255)


def test_large_pictures_are_thinned() -> None:
    spec = dataclasses.replace(IMAGE, shape=(3 * LONGEST, 50))
    assert places_of(spec) == (range(0, 3 * LONGEST, 3), range(0, 50, 3))


def test_a_field_without_error_has_black_errors_and_the_original_s_spectrum() -> None:
    """Of numbers that are not rounded, whose spectra would have noise."""
    right, wrong = field_on(EXACT), field_on(EXACT, seed=5)
    (original, *fields), scale = picture_rows(signal_of(right), [right, wrong])
    value, error, spectrum, _ = fields[0]
    assert np.abs(value.astype(int) - original[0]).max() <= 1
    assert error.max() == 0
    assert fields[1][1].max() == 255
    assert np.abs(spectrum.astype(int) - original[2]).max() < 20
    assert np.abs(fields[1][2].astype(int) - original[2]).max() > 60
    assert "spectrum: 4 decades" in scale


def test_a_field_that_failed_does_not_hide_the_errors_of_the_others() -> None:
    fields = [field_on(EXACT, seed) for seed in range(3)]
    fields[2].network.values.mul_(50.0)
    _, one, two, failed = picture_rows(signal_of(fields[0]), fields)[0]
    assert one[1].max() == 0
    assert two[1].max() == 255
    assert (failed[1].min(axis=2) > 200).mean() > 0.5


def test_the_detail_is_the_busiest_part_on_a_finer_grid() -> None:
    field = field_on(IMAGE)
    samples = signal_of(field).samples.copy()
    rows, columns = slice(7, 7 + DETAIL), slice(31, 31 + DETAIL)
    samples[rows, columns] = np.random.default_rng(1).integers(0, 256, (DETAIL, DETAIL, 3))
    (original, drawn), _ = picture_rows(Signal(IMAGE, samples), [field])
    expected = samples[rows, columns].repeat(FINER, axis=0).repeat(FINER, axis=1)
    np.testing.assert_array_equal(original[3], expected)
    finer = field.render(region=(31, 7, DETAIL, DETAIL), scale=FINER).samples
    assert np.abs(drawn[3].astype(int) - finer).max() <= 1


def test_panels_of_sounds() -> None:
    right, wrong = field_on(SOUND), field_on(SOUND, seed=5)
    (original, fine, bad), _ = sound_rows(signal_of(right), [right, wrong])
    for panels in (original, fine, bad):
        assert [panel.shape for panel in panels] == [(HEIGHT, WIDTH, 3)] * 4
    np.testing.assert_array_equal(original[0], fine[0])
    silent = original[1]
    assert (np.flatnonzero(silent.any(axis=(1, 2))) - HEIGHT // 2 <= 1).all()
    assert bad[1].any(axis=2).mean() > silent.any(axis=2).mean()


def test_a_sheet_has_a_part_for_each_file(tmp_path: Path) -> None:
    signals = {}
    cells = []
    for name, spec in (("a.png", IMAGE), ("b.wav", SOUND)):
        field = field_on(spec)
        signals[name] = signal_of(field)
        weights = tmp_path / f"{name}.safetensors"
        sinefit.save(field, weights)
        cells += [cell(init, 0, name, weights=str(weights)) for init in ("siren", "ws")]
    both = draw_sheet(Comparison(tuple(cells), "5 steps"), signals.__getitem__)
    one = draw_sheet(Comparison(tuple(cells[:2]), "5 steps"), signals.__getitem__)
    whole, part = (Image.open(io.BytesIO(content)) for content in (both, one))
    assert whole.height > part.height
    assert np.array_equal(np.array(whole)[: part.height, : part.width], np.array(part))
