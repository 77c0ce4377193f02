from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.samples import SHUFFLE_LIMIT, BatchOrder, TrainingSamples
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal

from .making import clip, globe, natural, picture, sound

if TYPE_CHECKING:
    from collections.abc import Callable

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
    order = torch.randperm(samples.count, generator=generator())
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


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 6))
def test_an_epoch_has_every_sample_once(count: int, batch: int, epochs: int) -> None:
    order = BatchOrder(count, batch, generator(count))
    assert order.size == min(batch, count)
    drawn = torch.cat([order.draw() for _ in range(-(-epochs * count // order.size))])
    assert drawn.dtype == torch.int64
    for epoch in range(epochs):
        numbers = drawn[epoch * count : (epoch + 1) * count]
        assert torch.equal(numbers.sort().values, torch.arange(count))


@given(st.integers(2, 60), st.integers(1, 60), st.integers(0, 2**63 - 1))
def test_the_seed_decides_the_order(count: int, batch: int, seed: int) -> None:
    orders = [BatchOrder(count, batch, generator(seed)) for _ in range(2)]
    for _ in range(5):
        assert torch.equal(orders[0].draw(), orders[1].draw())


def test_epochs_differ_and_are_shuffled() -> None:
    order = BatchOrder(200, 200, generator())
    first, second = order.draw(), order.draw()
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(200))
    assert not torch.equal(BatchOrder(200, 200, generator(1)).draw(), first)


def test_very_long_signals_are_drawn_from_with_replacement() -> None:
    count = 100 * (SHUFFLE_LIMIT // 100 + 1)
    order = BatchOrder(count, 50, generator())
    drawn = torch.stack([order.draw() for _ in range(200)])
    assert drawn.shape == (200, 50)
    counts = torch.bincount(drawn.view(-1) // (count // 100), minlength=100)
    assert len(counts) == 100
    # 100 draws from each hundredth on average, with a deviation of 10: within 5 deviations.
    assert 50 < int(counts.min()) < int(counts.max()) < 150
    again = BatchOrder(count, 50, generator())
    assert torch.equal(again.draw(), drawn[0])


def test_a_signal_on_disk_is_left_there(tmp_path: object) -> None:
    path = f"{tmp_path}/values.npy"
    np.save(path, natural((30, 4)))
    mapped = np.load(path, mmap_mode="r")
    signal = array_signal(mapped)
    spec = dataclasses.replace(signal.spec, source="values.npy")
    samples = TrainingSamples(Signal(spec, signal.samples), CPU)
    expected = TrainingSamples(array_signal(np.array(mapped)), CPU)
    assert torch.equal(samples.batch(torch.arange(120))[1], expected.batch(torch.arange(120))[1])
