from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sinefit
from sinefit.analyzing.settings import AnalysisSettings
from sinefit.analyzing.subject import subject_of_field, subject_of_initializer
from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import make_plan
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.objects import as_signal

VALUES = np.random.default_rng(0).integers(0, 255, (40, 56, 3), dtype=np.uint8)
PICTURE = Image.fromarray(VALUES)


def start_of(text: str, **settings: Any) -> torch.Tensor:
    subject = subject_of_initializer(
        parse_initializer(text),
        AnalysisSettings(width=8, depth=2, **settings),
        None,
    )
    network = subject.start()
    assert network is not None
    return network.values


def test_a_start_without_a_signal_is_on_a_grid() -> None:
    subject = subject_of_initializer(parse_initializer("siren"), AnalysisSettings(), None)
    assert subject.shape == (512,)
    assert subject.nyquist == pytest.approx((256 * math.pi,))
    assert subject.omega == pytest.approx((32 * math.pi,))
    assert (subject.size.width, subject.size.depth) == (256, 4)
    three = subject_of_initializer(parse_initializer("siren"), AnalysisSettings(axes=3), None)
    assert three.shape == (32, 32, 32)


def test_seed_and_omega_decide_the_draw() -> None:
    torch.testing.assert_close(start_of("siren"), start_of("siren", seed=0))
    assert not torch.equal(start_of("siren"), start_of("siren", seed=1))
    assert not torch.equal(start_of("siren"), start_of("siren", omega=(9.0,)))


@pytest.mark.parametrize("init", ["siren", "lambert:sigma_a=1", "tuner", "winner"])
@pytest.mark.parametrize("blocks", [1, "2x3"])
def test_the_start_of_a_field_is_the_one_it_began_with(init: str, blocks: int | str) -> None:
    signal = as_signal(PICTURE)
    field = sinefit.fit(signal, init=init, blocks=blocks, width=12, steps=1, seed=5)
    config = FitConfig(
        parse_initializer(init),
        blocks=(1,) if blocks == 1 else (2, 3),
        width=12,
        seed=5,
        budget=Budget(steps=1),
    )
    began = make_plan(signal, config).start
    for block in range(field.blocks.count):
        initializer = parse_initializer(init)
        subject = subject_of_field(field, initializer, block, signal)
        drawn = subject.start()
        assert drawn is not None
        torch.testing.assert_close(drawn.values[0], began.values[block], rtol=0, atol=0)
        alone = subject_of_field(field, initializer, block, None)
        if init == "winner":
            assert alone.start() is None
            assert any("spectrum" in note for note in alone.notes)
        elif blocks == 1:
            again = alone.start()
            assert again is not None
            torch.testing.assert_close(again.values, drawn.values, rtol=0, atol=0)
        else:
            assert any("omega of a single block" in note for note in alone.notes)


def test_the_middle_block_is_taken() -> None:
    init = "siren"
    field = sinefit.fit(PICTURE, init=init, blocks="2x3", width=8, steps=1)
    initializer = parse_initializer(init)
    # Rows by columns: 3 by 2, of which (1, 1) is the fourth.
    assert subject_of_field(field, initializer, None, None).seed == (
        subject_of_field(field, initializer, 3, None).seed
    )
    with pytest.raises(SettingError, match=r"`block` is 6: the field has 6, counted from 0"):
        subject_of_field(field, initializer, 6, None)
    with pytest.raises(SettingError, match=r"`signal` has 9x56 samples of 3 channels"):
        subject_of_field(field, initializer, 0, as_signal(Image.fromarray(VALUES[:9])))


def test_a_lattice_has_the_proportions_of_the_signal() -> None:
    subject = subject_of_initializer(
        parse_initializer("siren"), AnalysisSettings(width=8), as_signal(PICTURE)
    )
    counts, points = subject.lattice(100)
    assert counts == (8, 11)
    assert points.shape == (88, 2)
    assert math.prod(subject.lattice(10**6)[0]) == 40 * 56
    values = subject.values_on((40, 56))
    assert values is not None
    np.testing.assert_allclose(values, VALUES.reshape(-1, 3) / 127.5 - 1, atol=1e-6)
    few = subject.values_on((8, 14))
    assert few is not None
    # The samples nearest to the centres of cells of 5 by 4.
    np.testing.assert_allclose(few, VALUES[2::5, 2::4].reshape(-1, 3) / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 100_000), (1, 1), (7, 5, 900)])
def test_a_lattice_keeps_to_its_points(shape: tuple[int, ...]) -> None:
    signal = as_signal(np.zeros(shape, np.float32))
    subject = subject_of_initializer(parse_initializer("siren"), AnalysisSettings(width=4), signal)
    counts, points = subject.lattice(64)
    assert math.prod(counts) == len(points) <= 64
    assert all(1 <= count <= size for count, size in zip(counts, shape, strict=True))


def test_on_the_sphere_points_lie_on_it() -> None:
    signal = as_signal(np.zeros((12, 24), np.float32), domain="sphere")
    subject = subject_of_initializer(parse_initializer("siren"), AnalysisSettings(width=4), signal)
    _, points = subject.lattice(50)
    torch.testing.assert_close(
        points.square().sum(dim=1), torch.ones(len(points), dtype=torch.float64), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "`width` is 0: it must be at least 1"),
        ({"axes": 9}, "`axes` is 9: it must be from 1 to 8"),
        ({"points": 1}, "`points` is 1: it must be at least 2"),
        ({"omega": (3.0, 4.0)}, "`omega` has 2 values, the network 1 coordinates"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        subject_of_initializer(
            parse_initializer("siren"),
            AnalysisSettings(**settings),
            None,
        )
