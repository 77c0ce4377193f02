from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.initializers.draws import sine_network
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_pieces
from sinefit.signals.signal import SignalSpec


def ramp_field(spec: SignalSpec) -> Field:
    """A field whose values rise along the last axis: sin(x / 2) in every channel."""
    weights = torch.zeros((1, spec.axes))
    weights[0, -1] = 0.5
    record = FitRecord("siren", (1.0,) * spec.axes, 0, 1, 1, (1e-3,), 1.0, 1.0, 1.0, None)
    network = sine_network(
        NetworkSize(spec.axes, 1, 1, spec.channels),
        [weights, torch.ones((spec.channels, 1))],
        [torch.zeros(1), torch.zeros(spec.channels)],
    )
    return Field(network, spec, record)


IMAGE = ramp_field(SignalSpec("image", (6, 8), 3, "uint8", 0.0, 255.0, "png", 8))
SOUND = ramp_field(
    SignalSpec("audio", (80,), 1, "float32", -1.0, 1.0, "wav", 16, rate=Fraction(800))
)
CLIP = ramp_field(
    SignalSpec(
        "video", (4, 6, 8), 1, "uint8", 0.0, 255.0, "mp4", 8, Fraction(8), soundtrack=b"sound"
    )
)


def test_a_render_is_a_signal_of_the_same_kind() -> None:
    rendered = IMAGE.render(scale=2)
    assert rendered.spec.kind == "image"
    assert rendered.samples.shape == (12, 16, 3)
    x = (np.arange(16) * 2 + 1) / 16 - 1
    expected = (np.sin(x / 2) + 1) * 127.5
    assert np.abs(rendered.samples.astype(np.float64) - expected[None, :, None]).max() <= 0.501


def test_every_request_reaches_the_plan() -> None:
    assert IMAGE.render((2, 3)).samples.shape == (18, 16, 3)
    assert IMAGE.render(size=(5, 4)).samples.shape == (4, 5, 3)
    assert IMAGE.render(1.5).samples.shape == (9, 12, 3)
    assert IMAGE.render(region=(1, 2, 3, 4)).samples.shape == (4, 3, 3)
    assert IMAGE.render(bit_depth=16).samples.dtype == np.uint16
    assert SOUND.render(rate=1600, start=0.05, duration=0.02).samples.shape == (32, 1)
    assert CLIP.render(fps=Fraction(24)).spec.shape == (12, 6, 8)


def test_it_is_the_same_as_rendering_piece_by_piece() -> None:
    plan = plan_render(IMAGE.spec, RenderRequest(scale=(120.0,)))
    pieces = list(render_pieces(IMAGE, plan))
    assert len(pieces) > 2
    np.testing.assert_array_equal(np.concatenate(pieces), IMAGE.render(120).samples)


def test_notices_come_along() -> None:
    assert len(CLIP.render(start=0.1).notices) == 1
    assert CLIP.render().notices == ()


def test_what_does_not_apply_is_refused() -> None:
    with pytest.raises(SettingError, match="`rate`"):
        IMAGE.render(rate=8000)
