from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.rendering.delivery import VALUES, Conversion, delivered, stored_bytes
from sinefit.signals.signal import TARGETS
from tests.fitting.making import picture, sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec

BYTES = picture(channels=3).spec


class Device:
    """A device that computes what it is told when it is waited for, and has two buffers to send."""

    def __init__(self, count: int, channels: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.values = torch.randn((count, 5, channels), generator=generator)
        self.events: list[str] = []
        self._buffers: list[Any] = [None, None]

    def tensors(self) -> Iterator[torch.Tensor]:
        for number, values in enumerate(self.values):
            self.events.append(f"told {number}")
            yield values

    def begin(self, values: torch.Tensor) -> Callable[[], NDArray[Any]]:
        number = sum(event.startswith("told") for event in self.events) - 1
        if self._buffers[number % 2] is not None:
            self._buffers[number % 2][...] = 99  # what was there is lost
        buffer = self._buffers[number % 2] = values.numpy().copy()

        def wait() -> NDArray[Any]:
            self.events.append(f"waited for {number}")
            return buffer

        return wait


@pytest.mark.parametrize("spec", [BYTES, picture(bits=16, channels=3).spec, sound(channels=2).spec])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_samples_are_those_that_a_file_would_hold(spec: SignalSpec, count: int) -> None:
    device = Device(count, spec.channels)
    expected = [spec.store(values.numpy()) for values in device.values]
    for copies in (None, device):
        device.events.clear()
        # Each array is looked at before the next is asked for, and holds until then.
        pairs = zip(
            delivered(device.tensors(), Conversion.storing(spec), copies), expected, strict=True
        )
        for found, wanted in pairs:
            assert found.dtype == spec.dtype
            np.testing.assert_array_equal(found, wanted)


def test_a_device_is_told_the_next_before_the_last_is_waited_for() -> None:
    device = Device(3, 3)
    list(delivered(device.tensors(), VALUES, device))
    told_and_waited = ["told 0", "told 1", "waited for 0", "told 2", "waited for 1", "waited for 2"]
    assert device.events == told_and_waited


def test_without_a_device_nothing_is_computed_before_it_is_due() -> None:
    device = Device(3, 3)
    arrays = delivered(device.tensors(), VALUES, None)
    next(arrays)
    assert device.events == ["told 0"]


@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=40),
    st.sampled_from([(0.0, 255.0), (16.0, 235.0), (-3.5, 300.25)]),
)
def test_bytes_are_rounded_on_a_device_as_on_the_host(
    numbers: list[float], limits: tuple[float, float]
) -> None:
    values = torch.tensor(numbers)[:, None]
    check_bytes(values, *limits)


def test_halves_are_rounded_alike() -> None:
    # Values that lie as near to the middle of two bytes as float32 has them.
    middles = torch.arange(-3, 259, dtype=torch.float64) + 0.5
    values = (middles / 127.5 - 1.0).float()
    near = [values, torch.nextafter(values, values + 1), torch.nextafter(values, values - 1)]
    check_bytes(torch.stack(near, dim=1), 0.0, 255.0)


def check_bytes(values: torch.Tensor, low: float, high: float) -> None:
    for targets in TARGETS:
        spec = dataclasses.replace(BYTES, low=low, high=high, targets=targets)
        found = stored_bytes(values, spec)
        np.testing.assert_array_equal(found.numpy(), spec.store(values.numpy()))
