from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.cluster.measuring import ClusterErrors
from sinefit.errors import DeviceError
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.config import FitConfig
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.lattice import whole
from sinefit.fitting.measure import Blend, MeasuringStoppedError
from sinefit.fitting.measured import Measured, errors_in_turn
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal
from sinefit.signals.blocks import BlockGrid

if TYPE_CHECKING:
    from distributed import Client

BANDS = 2


@pytest.fixture(scope="module")
def measured() -> Measured:
    rows, columns, channel = np.ogrid[0:1500, 0:1000, 0:8]
    values = 127.5 + 60.0 * np.sin(rows / 31.0 + channel) + 60.0 * np.cos(columns / 43.0)
    signal = array_signal(values.astype(np.uint8), channels_last=True)
    choice = SampleChoice.of(signal, parse_holdout("holdout", "5%"))
    return Measured(signal, whole(signal.spec.shape), 8, choice)


@pytest.fixture(scope="module")
def field(measured: Measured) -> Blend:
    blocks = BlockGrid.over(measured.signal.spec, (5, 3), (12, 20))
    size = NetworkSize(2, 8, 1, 8)
    draw = torch.Generator().manual_seed(1)
    count = SINE.parameter_count(size)
    return Blend(Network(SINE, size, torch.randn((15, count), generator=draw)), blocks)


def test_the_errors_are_those_of_one_machine(
    workers: Client, measured: Measured, field: Blend
) -> None:
    found = list(ClusterErrors(workers, "a", FitConfig())(field, measured))
    assert len(found) == BANDS
    assert found == list(errors_in_turn(field, measured))  # to the last bit
    assert all(0 < each.held_out < each.scored for each in found)


def test_a_stop_ends_it(workers: Client, measured: Measured, field: Blend) -> None:
    errors = ClusterErrors(workers, "a", FitConfig(), should_stop=lambda: True)
    with pytest.raises(MeasuringStoppedError):
        list(errors(field, measured))


def test_a_device_that_workers_lack_is_told(
    workers: Client, measured: Measured, field: Blend
) -> None:
    errors = ClusterErrors(workers, "a", FitConfig(device="cuda:99"))
    with pytest.raises(DeviceError, match="`device` is cuda:99"):
        list(errors(field, measured))
