from __future__ import annotations

import pytest
import torch

from sinefit.benchmark.sets import SHAPES, measure_sets, set_floor
from sinefit.native.instruction_sets import InstructionSet, instruction_sets
from sinefit.networks.size import NetworkSize
from sinefit.processor.capability import ProcessorLimit, limit_processor, processor_limit

pytestmark = pytest.mark.processor


class Ticks:
    """A clock that goes on by a millisecond whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now


@pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part")
def test_every_set_trains_every_shape() -> None:
    threads = torch.get_num_threads()
    found = measure_sets(1e-3, Ticks())
    assert torch.get_num_threads() == threads
    assert [one.name for one in found] == [one.name for one in instruction_sets()]
    for one in found:
        assert min(one.products, one.sines) > 0
        assert [(pace.width, pace.one) for pace in one.paces] == [
            (shape.width, shape.one) for shape in SHAPES
        ]
        for pace in one.paces:
            assert pace.share == pytest.approx(pace.pace / pace.floor)
            assert pace.ratio > 0


def test_without_the_compiled_part_there_is_nothing() -> None:
    before = processor_limit()
    try:
        limit_processor(ProcessorLimit(compiled=False))
        assert measure_sets(1.0, Ticks()) == ()
    finally:
        limit_processor(before)


@pytest.mark.parametrize(
    ("instructions", "passes"), [(InstructionSet.AVX2, 1), (InstructionSet.AMX_SPLIT, 3)]
)
def test_the_floor_counts_products_and_sines(instructions: InstructionSet, passes: int) -> None:
    # Two hidden layers of 10 by 10, three times each; two coordinates, forward and backward; one
    # output, three times; twice as many operations as weights; and thirty sines.
    size = NetworkSize(2, 10, 3, 1)
    seconds = passes * 3 * 2 * 200 / 1000.0 + (2 * 2 * 20 + 3 * 2 * 10) / 500.0 + 30 / 100.0
    floor = set_floor(size, instructions, products=1000.0, ends=500.0, sines=100.0)
    assert floor == pytest.approx(1 / seconds)
