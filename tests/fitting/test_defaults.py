from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.fitting.defaults import DEFAULT_INITIALIZER, default_steps
from sinefit.initializers.registry import INITIALIZERS

from .making import clip, even_picture, globe, picture, sound

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal


def test_the_default_initializer_exists() -> None:
    assert DEFAULT_INITIALIZER in INITIALIZERS


@pytest.mark.parametrize("signal", [picture(), even_picture(3), sound(), sound(1), clip(), globe()])
def test_every_signal_has_a_number_of_steps(signal: Signal) -> None:
    assert default_steps(signal.spec) >= 1
