from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.native import small_networks
from sinefit.native.instruction_sets import instruction_sets
from sinefit.native.shuffles import Shuffles
from sinefit.networks.size import NetworkSize

LOW = 2**31 - 1
seeds = st.integers(0, LOW)
members = st.lists(st.tuples(st.integers(1, 60), seeds), min_size=1, max_size=5)


def shuffles(drawn: list[tuple[int, int]], first: int, steps: int, batch: int) -> Shuffles:
    counts, own_seeds = torch.tensor(drawn).T.contiguous()
    return Shuffles(counts, int(counts.min()), int(counts.max()), own_seeds, first, steps, batch)


def mixed(value: int) -> int:
    value = (value ^ value >> 15) * 0x2C1B3C6D & LOW
    value = (value ^ value >> 12) * 0x297A2D39 & LOW
    return value ^ value >> 15


def epoch_of(count: int, seed: int, epoch: int) -> list[int]:
    own = mixed(seed ^ mixed(epoch))
    return sorted(range(count), key=lambda number: mixed(own ^ mixed(number)) >> 7)


@given(members, st.integers(1, 8), st.integers(1, 40), st.integers(0, 300))
def test_epochs_are_sorted_by_their_keys(
    drawn: list[tuple[int, int]], batch: int, steps: int, first: int
) -> None:
    found = shuffles(drawn, first, steps, batch).indices()
    begin, end = first * batch, (first + steps) * batch
    for member, (count, seed) in enumerate(drawn):
        epochs = range(begin // count, -(-end // count))
        flat = [number for epoch in epochs for number in epoch_of(count, seed, epoch)]
        assert found[:, member].reshape(-1).tolist() == flat[begin % count :][: end - begin]


@pytest.mark.processor
@pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part")
@given(members, st.integers(1, 8), st.integers(1, 40), st.integers(0, 300))
def test_training_in_c_draws_the_same(
    drawn: list[tuple[int, int]], batch: int, steps: int, first: int
) -> None:
    size = NetworkSize(1, 3, 1, 1)
    order = shuffles(drawn, first, steps, batch)
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(len(drawn), size.parameter_count, generator=generator)
    tables = [torch.rand(count, 2, generator=generator) for count, _ in drawn]
    ends = []
    explicit = order.indices().transpose(0, 1).to(torch.int32).contiguous()
    for indices, threads in ((order, 2), (explicit, 1)):
        values = start.clone()
        losses = small_networks.train(
            size,
            values,
            (torch.zeros_like(values), torch.zeros_like(values)),
            rates=torch.full((1, size.parameter_count), 1e-2),
            samples=tables,
            indices=indices,
            factors=torch.ones(1, steps),
            taken=[0] * len(drawn),
            constants=(0.9, 0.99, 1e-12),
            threads=threads,
        )
        ends.append((values, losses))
    assert torch.equal(ends[0][0], ends[1][0])
    assert torch.equal(ends[0][1], ends[1][1])


@pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part")
def test_shuffles_must_be_of_the_tables() -> None:
    size = NetworkSize(1, 3, 1, 1)
    values = torch.zeros(1, size.parameter_count)
    for drawn, table, message in (
        ([(4, 1)], torch.zeros(5, 2), "shuffles"),
        ([(0, 1)], torch.zeros(0, 2), "index"),
    ):
        with pytest.raises(ValueError, match=message):
            small_networks.train(
                size,
                values,
                (values.clone(), values.clone()),
                rates=values,
                samples=[table],
                indices=shuffles(drawn, 0, 2, 3),
                factors=torch.ones(1, 2),
                taken=[0],
                constants=(0.9, 0.99, 1e-12),
                threads=1,
            )


@given(members, st.integers(1, 8), st.integers(1, 40), st.integers(0, 200))
def test_an_epoch_of_each_member_of_a_stack_has_every_sample_once(
    drawn: list[tuple[int, int]], batch: int, steps: int, first: int
) -> None:
    found = shuffles(drawn, 0, first + steps, batch).indices()
    assert found.shape == (first + steps, len(drawn), batch)
    for member, (count, _) in enumerate(drawn):
        numbers = found[:, member].reshape(-1)
        for epoch in range(len(numbers) // count):
            each = numbers[epoch * count : (epoch + 1) * count]
            assert torch.equal(each.sort().values, torch.arange(count))
        assert int(numbers.max()) < count
    # A batch follows from the number of its step, whatever is drawn with it.
    assert torch.equal(shuffles(drawn, first, steps, batch).indices(), found[first:])
    assert torch.equal(shuffles(drawn[-1:], first, 1, batch).indices()[:, 0], found[first:][:1, -1])


def test_epochs_and_members_of_a_stack_have_orders_of_their_own() -> None:
    seeds_of_members = [0, 1, 2, 3, 2**30]
    drawn = shuffles([(500, seed) for seed in seeds_of_members], 0, 8, 500).indices()
    places = drawn.argsort(dim=2).double()  # of each sample in its epoch
    flat = places.reshape(-1, 500)
    correlations = torch.corrcoef(flat) - torch.eye(len(flat))
    # Of unrelated orders they have a deviation of 1 / sqrt(500) = 0.045; among 780 pairs.
    assert float(correlations.abs().max()) < 0.2
    # And a sample has no usual place: the mean of 40 places of [0, 500) deviates by 23.
    assert float((flat.mean(dim=0) - 249.5).abs().max()) < 23 * 4.5
