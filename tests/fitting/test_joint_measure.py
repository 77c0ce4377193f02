from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.joint_measure import (
    estimate_jointly,
    is_measured_jointly,
    measure_jointly,
    outputs_at_samples,
)
from sinefit.fitting.measure import ESTIMATED, Blend, estimate_psnr, measure_quality
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import Signal

from .making import clip, globe, picture, sound

if TYPE_CHECKING:
    from sinefit.fitting.holdout import Holdout

KINDS = {
    "picture": picture((9, 7), 3),
    "sound": sound(50),
    "clip": clip((2, 4, 5)),
    "globe": globe(),
}


def stack_for(signal: Signal, members: int = 3) -> Network:
    size = NetworkSize(signal.spec.coordinate_features, 8, 2, signal.spec.channels)
    generator = torch.Generator().manual_seed(1)
    values = torch.randn((members, SINE.parameter_count(size)), generator=generator)
    return Network(SINE, size, 0.4 * values)


def alike(signal: Signal, count: int = 3) -> list[Signal]:
    """Signals on one grid with samples in other orders."""
    return [Signal(signal.spec, np.roll(signal.samples, shift, axis=0)) for shift in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_members_have_the_quality_that_each_has_alone(kind: str) -> None:
    signals = alike(KINDS[kind])
    network, blocks = stack_for(signals[0]), BlockGrid.single(signals[0].spec)
    found = measure_jointly(network, signals)
    psnrs = estimate_jointly(network, signals)
    assert len({quality.psnr_float for quality in found}) == len(found)
    for number, (quality, signal) in enumerate(zip(found, signals, strict=True)):
        blend = Blend(network.member(number), blocks)
        expected = measure_quality(blend, signal)
        assert quality.samples == expected.samples == signal.spec.sample_count
        for name in ("psnr", "psnr_float", "snr"):
            assert getattr(quality, name) == pytest.approx(getattr(expected, name), abs=1e-3)
        assert psnrs[number] == pytest.approx(estimate_psnr(blend, signal), abs=1e-3)
        assert psnrs[number] == pytest.approx(quality.psnr_float, abs=1e-3)


def test_a_member_near_float32_s_own_error_is_measured_exactly() -> None:
    """One that meets its samples but for float32's rounding, beside one that is far off."""
    network = stack_for(picture((9, 7)), 2)
    spec = dataclasses.replace(picture((9, 7)).spec, dtype="float32", low=-1.0, high=1.0)
    outputs = outputs_at_samples(network, spec, 32).reshape(2, 9, 7, 1)
    near, far = Signal(spec, outputs[0]), Signal(spec, 0.5 * outputs[1])
    found = measure_jointly(network, [near, far])
    assert found[0].psnr_float > 120.0
    errors = 0.5 * outputs[1].astype(np.float64)
    expected = 10.0 * np.log10(4.0 / np.square(errors).mean())
    assert found[1].psnr_float == pytest.approx(expected, abs=0.01)


def test_what_is_not_plain_is_measured_alone() -> None:
    def joins(signal: Signal, holdout: Holdout | None = None) -> bool:
        return is_measured_jointly(signal, BlockGrid.single(signal.spec), holdout)

    small = picture((9, 7))
    assert joins(small)
    assert not joins(small, parse_holdout("holdout", "grid:2"))
    assert not is_measured_jointly(small, BlockGrid.over(small.spec, (2, 1), (0, 0)), None)
    known = np.ones(small.spec.shape, np.bool_)
    known[0, 0] = False
    assert not joins(dataclasses.replace(small, known=known))
    assert not joins(Signal(dataclasses.replace(small.spec, footprint="box"), small.samples))
    assert joins(sound(ESTIMATED))
    assert not joins(sound(ESTIMATED + 1))
