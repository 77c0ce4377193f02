"""Ensembles: fields that are the mean of several networks on each block."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal, make_plan
from sinefit.metrics import psnr

from .making import globe, picture, settings
from .stubs import stopped_after_looks

pytestmark = pytest.mark.processor

SIGNAL = picture((30, 44), 3)
SETTINGS = settings(blocks="3x2", batch=64, budget=Budget(steps=60), dtype="float32")
THREE = dataclasses.replace(SETTINGS, ensemble=3)


@pytest.mark.parametrize("blocks", [(3, 2), (1,)])
def test_the_first_of_an_ensemble_is_the_fit_without_one(blocks: tuple[int, ...]) -> None:
    config = dataclasses.replace(SETTINGS, blocks=blocks, batch=60, engine="torch")
    one = fit_signal(SIGNAL, config).field
    three = fit_signal(SIGNAL, dataclasses.replace(config, ensemble=3)).field
    count = one.blocks.count
    assert three.network.members == 3 * count
    values = three.network.values
    torch.testing.assert_close(values[:count], one.network.values, rtol=0, atol=1e-5)
    assert (values[:count] - values[count : 2 * count]).abs().max() > 0.1


def test_the_field_is_the_mean() -> None:
    field = fit_signal(SIGNAL, THREE).field
    count = field.blocks.cell_count
    alone = dataclasses.replace(field.blocks, ensemble=1)
    means = np.zeros((60, 88, 3))
    for first in range(0, 3 * count, count):
        network = field.network.part(range(first, first + count))
        one = dataclasses.replace(field, network=network, blocks=alone)
        means += one.derivative("laplacian", scale=2) / 3
    found = field.derivative("laplacian", scale=2)
    assert np.abs(found - means).max() < 1e-3 * np.abs(means).max()


def test_the_quality_is_that_of_the_mean() -> None:
    result = fit_signal(SIGNAL, THREE)
    loaded = decode_field(encode_field(result.field), "name")
    assert loaded.blocks == result.field.blocks
    error = np.square(loaded.render().samples.astype(float) - SIGNAL.samples).mean()
    assert result.report.record.psnr == pytest.approx(psnr(error, 255.0), abs=1e-4)


def test_one_that_is_stopped_goes_on_to_the_same_bytes() -> None:
    expected = encode_field(fit_signal(SIGNAL, THREE).field)
    checkpoint = stopped_after_looks(SIGNAL, THREE, 3)
    assert encode_field(fit_signal(SIGNAL, THREE, resume=checkpoint).field) == expected
    with pytest.raises(SettingError, match="was made with `ensemble` 3, not 1"):
        fit_signal(SIGNAL, dataclasses.replace(THREE, ensemble=1), resume=checkpoint)


def test_a_fit_goes_on_from_a_field_with_its_ensemble() -> None:
    field = fit_signal(SIGNAL, THREE).field
    further = fit_signal(SIGNAL, SETTINGS, start_from=field)
    assert further.field.blocks == field.blocks
    assert (further.report.record.psnr or 0) > (field.record.psnr or 99)


def test_one_network_that_covers_a_sphere_has_no_ensemble() -> None:
    with pytest.raises(SettingError, match="`ensemble` is 2: one network covers the sphere; cut"):
        make_plan(globe(), settings(ensemble=2))
    assert make_plan(globe(), settings(ensemble=2, blocks="2x1")).blocks.count == 4
