from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.orders import SHUFFLE_LIMIT, BatchOrder, EpochOrder, StackOrder

seeds = st.integers(0, 2**63 - 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 6), seeds)
def test_an_epoch_of_a_block_has_every_sample_once(
    count: int, batch: int, epochs: int, seed: int
) -> None:
    order = EpochOrder(count, batch, seed)
    assert order.size == batch
    drawn = order.draw(0, -(-epochs * count // order.size))
    assert (drawn.dtype, drawn.shape[1]) == (torch.int64, order.size)
    for epoch in range(epochs):
        numbers = drawn.reshape(-1)[epoch * count : (epoch + 1) * count]
        assert torch.equal(numbers.sort().values, torch.arange(count))


@given(st.integers(1, 60), st.integers(1, 80), seeds, st.lists(st.integers(1, 9), max_size=6))
def test_a_block_s_batches_follow_from_the_number_of_the_step(
    count: int, batch: int, seed: int, parts: list[int]
) -> None:
    order = EpochOrder(count, batch, seed)
    whole = order.draw(0, sum(parts) + 1)
    begin = 0
    for steps in parts:
        assert torch.equal(order.draw(begin, steps), whole[begin : begin + steps])
        begin += steps
    # Nor does it matter what was drawn before, and there is nothing to keep.
    assert order.state() == {}
    order.restore({})
    assert torch.equal(EpochOrder(count, batch, seed).draw(begin, 1), whole[begin:])
    assert torch.equal(order.draw(0, 1), whole[:1])


@given(seeds, seeds)
def test_a_block_s_epochs_differ_and_follow_its_seed(seed: int, other: int) -> None:
    first, second = EpochOrder(200, 200, seed).draw(0, 2)
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(200))
    assert torch.equal(EpochOrder(200, 200, seed).draw(0, 1)[0], first)
    if 0 < abs(other - seed) < 2**20:  # of any others one in 2^31 has the same order
        assert not torch.equal(EpochOrder(200, 200, other).draw(0, 1)[0], first)


def test_members_of_a_stack_draw_what_each_would_alone() -> None:
    counts, own_seeds = [20, 31, 8], [2**62 + 1, 5, 0]
    drawn = StackOrder(counts, 6, own_seeds).draw(17, 9).indices()
    assert drawn.shape == (9, 3, 6)
    for member, (count, seed) in enumerate(zip(counts, own_seeds, strict=True)):
        assert torch.equal(drawn[:, member], EpochOrder(count, 6, seed).draw(17, 9))


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 6))
def test_an_epoch_has_every_sample_once(count: int, batch: int, epochs: int) -> None:
    order = BatchOrder(count, batch, generator(count))
    assert order.size == min(batch, count)
    drawn = order.draw(0, -(-epochs * count // order.size)).view(-1)
    assert drawn.dtype == torch.int64
    for epoch in range(epochs):
        numbers = drawn[epoch * count : (epoch + 1) * count]
        assert torch.equal(numbers.sort().values, torch.arange(count))


@given(st.integers(2, 60), st.integers(1, 60), st.integers(0, 2**63 - 1))
def test_the_seed_decides_the_order(count: int, batch: int, seed: int) -> None:
    orders = [BatchOrder(count, batch, generator(seed)) for _ in range(2)]
    for step in range(5):
        assert torch.equal(orders[0].draw(step, 1), orders[1].draw(step, 1))


def test_epochs_differ_and_are_shuffled() -> None:
    order = BatchOrder(200, 200, generator())
    first, second = order.draw(0, 2)
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(200))
    assert not torch.equal(BatchOrder(200, 200, generator(1)).draw(0, 1)[0], first)


def test_very_long_signals_are_drawn_from_with_replacement() -> None:
    count = 100 * (SHUFFLE_LIMIT // 100 + 1)
    order = BatchOrder(count, 50, generator())
    drawn = order.draw(0, 200)
    assert drawn.shape == (200, 50)
    counts = torch.bincount(drawn.view(-1) // (count // 100), minlength=100)
    assert len(counts) == 100
    # 100 draws from each hundredth on average, with a deviation of 10: within 5 deviations.
    assert 50 < int(counts.min()) < int(counts.max()) < 150
    again = BatchOrder(count, 50, generator())
    assert torch.equal(again.draw(0, 1), drawn[:1])


def test_a_checkpoint_of_another_kind_of_device_begins_a_new_epoch() -> None:
    order = BatchOrder(600, 97, generator())
    order.draw(0, 5)
    state = order.state()
    # A CUDA generator keeps seed and offset, in 16 bytes.
    state["order.generator"] = torch.zeros(16, dtype=torch.uint8)
    again = BatchOrder(600, 97, generator())
    again.restore(state)
    epoch = again.draw(5, 6).view(-1)
    assert len(set(epoch.tolist())) == 6 * 97
