from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinefit.benchmark.picture import draw_picture
from sinefit.reproducing.materials import clip, globe, grey_picture, solid, sound_samples
from sinefit.reproducing.study import Materials
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.signals.signal import Signal


def test_what_is_drawn_has_the_asked_size_and_follows_the_seed() -> None:
    draws: tuple[tuple[Callable[[Materials], Signal], tuple[int, ...]], ...] = (
        (lambda m: grey_picture(m, 24), (24, 24)),
        (lambda m: sound_samples(m, 500), (500,)),
        (lambda m: globe(m, 9), (9, 18)),
        (lambda m: solid(m, 12), (12, 12, 12)),
        (lambda m: clip(m, 3, 10), (3, 10, 10)),
    )
    for draw, shape in draws:
        signal = draw(Materials(seed=0))
        assert (signal.spec.shape, signal.spec.channels) == (shape, 1)
        assert len(np.unique(signal.samples)) > 1
        np.testing.assert_array_equal(signal.samples, draw(Materials(seed=0)).samples)
        assert not np.array_equal(signal.samples, draw(Materials(seed=1)).samples)


def test_a_given_picture_is_cut_to_a_square_and_reduced() -> None:
    picture = draw_picture(40, 60, seed=3)
    grey = grey_picture(Materials(image=picture), 20)
    assert grey.spec.shape == (20, 20)
    square = picture.samples[:, 10:50].astype(np.float64) @ (0.299, 0.587, 0.114)
    means = square.reshape(20, 2, 20, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(grey.samples[..., 0].astype(np.float64), means, atol=1.01)
    small = grey_picture(Materials(image=picture), 500)
    assert small.spec.shape == (40, 40)


def test_a_given_sound_is_cut() -> None:
    values = np.random.default_rng(0).uniform(-0.5, 0.5, 300).astype(np.float32)
    sound = sound_samples(Materials(sound=as_signal(values)), 100)
    first = values[:100]
    # Mapped to [-1, 1] over the whole sound's range.
    expected = (first - values.min()) / np.ptp(values) * 2 - 1
    np.testing.assert_allclose(sound.samples[:, 0].astype(np.float64), expected, atol=1e-5)


def test_a_body_is_neither_empty_nor_full() -> None:
    assert 0.05 < solid(Materials(), 20).samples.mean() < 0.6


def test_the_globe_is_smooth_over_the_date_line() -> None:
    values = globe(Materials(), 32).samples[..., 0].astype(np.float64)
    across = np.abs(values[:, 0] - values[:, -1]).mean()
    inside = np.abs(values[:, 1:] - values[:, :-1]).mean()
    # Unrelated columns would differ by the spread of all values, ten times as much.
    assert across < 2.0 * inside < 0.5 * values.std()
