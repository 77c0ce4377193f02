from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.lattice import lattice, whole
from sinefit.fitting.measure import Blend, measure_quality
from sinefit.fitting.measured import PIECE, Measured, errors_in_turn
from sinefit.networks.size import NetworkSize
from sinefit.rendering.render import piece_rows
from sinefit.rendering.rows import runs
from sinefit.signals.blocks import BlockGrid

from .making import picture, random_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.fitting.tally import PieceErrors


@pytest.mark.parametrize("holdout", [None, "5%"])
@pytest.mark.parametrize(("count", "pieces"), [(None, 2), (150_000, 1)], ids=["all", "some"])
def test_rows_alone_come_to_the_sums_of_all(
    holdout: str | None, count: int | None, pieces: int
) -> None:
    signal = picture((300, 900))
    field = Blend(random_network(NetworkSize(2, 12, 2, 1)), BlockGrid.single(signal.spec))
    choice = SampleChoice.of(signal, parse_holdout("holdout", holdout) if holdout else None)
    places = lattice(whole(signal.spec.shape), count, choice.step)
    measured = Measured(signal, places, 8, choice)
    expected = list(errors_in_turn(field, measured))
    plan = measured.plan
    parts = [
        measured.part(plan, rows)
        for rows in runs(plan.axes[0], pieces * piece_rows(field, plan, PIECE))
    ]
    assert len(parts) > 1
    assert [each for part in parts for each in part.errors(field)] == expected
    assert sum(each.samples for each in expected) == len(places[0]) * len(places[1])


def test_who_finds_the_errors_is_asked_for_all_of_them() -> None:
    signal = picture((30, 40))
    field = Blend(random_network(NetworkSize(2, 12, 2, 1)), BlockGrid.single(signal.spec))
    asked: list[Measured] = []

    def errors(*both: Any) -> Iterator[PieceErrors]:
        asked.append(both[1])
        return errors_in_turn(*both)

    assert measure_quality(field, signal, errors=errors) == measure_quality(field, signal)
    assert [each.places for each in asked] == [whole((30, 40))]
