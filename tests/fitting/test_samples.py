from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.samples import TABLE_BYTES, PartSamples, TrainingSamples
from sinefit.signals.array.reading import array_signal
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import Signal

from .making import clip, globe, natural, picture, sound

if TYPE_CHECKING:
    from collections.abc import Callable

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "make",
    [
        lambda: picture(channels=3),
        lambda: picture(bits=16),
        sound,
        clip,
        globe,
        lambda: array_signal(np.arange(-7, 8).astype(np.int16)),
        lambda: array_signal(np.array([True, False, True])),
        lambda: array_signal(np.asfortranarray(natural((5, 4)))),
    ],
)
def test_targets_are_values_mapped_to_the_unit_range(make: Callable[[], Signal]) -> None:
    signal = make()
    samples = TrainingSamples(signal, CPU)
    assert samples.count == math.prod(signal.spec.shape)
    order = torch.randperm(samples.count, generator=torch.Generator().manual_seed(0))
    coordinates, targets = samples.batch(order)
    low, high = signal.spec.low, signal.spec.high
    values = signal.samples.astype(np.float64).reshape(samples.count, -1)[order.numpy()]
    assert (targets.dtype, coordinates.dtype) == (torch.float32, torch.float32)
    np.testing.assert_allclose(targets.numpy(), 2 * (values - low) / (high - low) - 1, atol=1e-7)
    assert coordinates.shape == (samples.count, signal.spec.coordinate_features)
    assert float(targets.abs().max()) <= 1.0


def test_coordinates_belong_to_their_samples() -> None:
    rows, columns = 5, 7
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    signal = array_signal(np.stack([y, x], axis=-1), channels_last=True)
    coordinates, targets = TrainingSamples(signal, CPU).batch(torch.tensor([0, 9, 34, 9]))
    position = (targets + 1) / 2 * 6  # both channels share the range 0 to 6
    expected = (2 * position + 1) / torch.tensor([rows, columns]) - 1
    torch.testing.assert_close(coordinates, expected)


@given(st.integers(1, 40), st.integers(1, 50))
def test_pieces_are_all_samples_in_order(count: int, size: int) -> None:
    signal = array_signal(np.arange(count).astype(np.float32))
    samples = TrainingSamples(signal, CPU)
    pieces = list(samples.pieces(size))
    assert all(len(targets) == size for _, targets in pieces[:-1])
    coordinates = torch.cat([part for part, _ in pieces])
    targets = torch.cat([part for _, part in pieces])
    every = samples.batch(torch.arange(count))
    assert torch.equal(coordinates, every[0])
    assert torch.equal(targets, every[1])


def test_samples_are_mapped_not_copied() -> None:
    signal = picture()
    samples = TrainingSamples(signal, CPU)
    signal.samples[...] = 255
    assert torch.equal(samples.batch(torch.arange(4))[1], torch.ones((4, 1)))


def test_a_signal_on_disk_is_left_there(tmp_path: object) -> None:
    path = f"{tmp_path}/values.npy"
    np.save(path, natural((30, 4)))
    mapped = np.load(path, mmap_mode="r")
    signal = array_signal(mapped)
    spec = dataclasses.replace(signal.spec, source="values.npy")
    samples = TrainingSamples(Signal(spec, signal.samples), CPU)
    expected = TrainingSamples(array_signal(np.array(mapped)), CPU)
    assert torch.equal(samples.batch(torch.arange(120))[1], expected.batch(torch.arange(120))[1])


@pytest.mark.parametrize("make", [lambda: picture((30, 20), 3), lambda: globe((12, 16)), clip])
def test_a_block_s_samples_are_those_that_it_reaches(make: Callable[[], Signal]) -> None:
    signal = make()
    spec = signal.spec
    blocks = BlockGrid.over(spec, (2,) * spec.axes, (1,) * spec.axes)
    parts = PartSamples(signal, blocks, CPU)
    unit = 2 * (signal.samples.astype(np.float64) - spec.low) / (spec.high - spec.low) - 1
    for number in range(blocks.count):
        reaches = blocks.reaches(number)
        samples, table = parts.of(number), parts.table(number)
        assert samples.count == len(table) == blocks.samples_in(number)
        # Local coordinates, at the centres of the samples, and what the signal has there.
        places = [np.arange(begin, end) for begin, end in reaches]
        local = [(2 * (place - place[0]) + 1) / len(place) - 1 for place in places]
        coordinates = np.stack(np.meshgrid(*local, indexing="ij"), axis=-1)
        values = unit
        for axis, (place, size) in enumerate(zip(places, spec.shape, strict=True)):
            values = values.take(place % size, axis=axis)
        rows = np.concatenate([coordinates, values], axis=-1).reshape(len(table), -1)
        np.testing.assert_allclose(table.numpy(), rows, atol=1e-6)
        order = torch.randperm(samples.count, generator=torch.Generator().manual_seed(number))
        assert torch.equal(torch.cat(samples.batch(order), dim=1), table[order])


def test_a_single_block_s_samples_are_the_signal_s() -> None:
    signal = globe()
    parts = PartSamples(signal, BlockGrid.single(signal.spec), CPU)
    whole = TrainingSamples(signal, CPU)
    assert torch.equal(parts.table(0), whole.rows())
    assert parts.of(0).spec.domain == "sphere"


def test_tables_are_kept_as_far_as_memory_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = picture((30, 20), 3)
    blocks = BlockGrid.over(signal.spec, (2, 2), (2, 2))
    parts = PartSamples(signal, blocks, CPU)
    assert parts.table(1) is parts.table(1)
    assert TABLE_BYTES > 4 * 5 * 34 * 24
    monkeypatch.setattr("sinefit.fitting.samples.TABLE_BYTES", 4 * 5 * 34 * 24 - 1)
    parts = PartSamples(signal, blocks, CPU)
    assert parts.table(1) is not parts.table(1)
    assert torch.equal(parts.table(1), parts.table(1))
