"""What updates the weights of a stack in training: rates, bounds and gains of each member."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import torch

from sinefit.engines.adam import bounds_of
from sinefit.fitting.rates import RateTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.fitting.draws import Member
    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.network import Network


class Updates:
    """Gives the part of a stack's Adam that updates a group by its members' own rules."""

    def __init__(
        self,
        members: Sequence[Member],
        network: Network,
        adam: Adam,
        known: dict[tuple[int, str], Tensor],
    ) -> None:
        """Prepare for members with these weights, which `adam` updates.

        `known` keeps rows of the tables of fits of one network, by plan and table.
        """
        self._members = members
        self._network = network
        self._adam = adam
        self._known = known
        self._is_bounded = bool(self._rules(0).bounds)

    def bound(self, groups: Sequence[range]) -> None:
        """Have all bounds hold, before the first step."""
        for group in groups if self._is_bounded else []:
            self._adam.part(group, bounds=self._bounds(group))

    def of(self, group: range) -> Adam:
        """Return what updates a group's weights."""
        has_gains = self._members[0].plan.work.has_gains
        rates = self._spread(group, RateTable.rows)
        gains = self._spread(group, RateTable.scales) if has_gains else None
        return self._adam.part(group, rates, self._bounds(group), gains)

    def _spread(
        self, group: range, rows_of: Callable[[RateTable, Network, range], Tensor]
    ) -> Tensor:
        """Return rows of the tables of a group's plans (members, count)."""
        members = self._members[group.start : group.stop]
        rows = []
        for _, run in groupby(members, lambda member: id(member.plan)):
            first, *others = run
            numbers = range(first.number, first.number + 1 + len(others))
            key = id(first.plan), rows_of.__name__
            found = self._known.get(key)
            if found is None:
                found = rows_of(first.plan.rates, self._network, numbers)
                if first.plan.is_stacked:  # it is asked for whenever another fit leaves
                    self._known[key] = found
            rows.append(found)
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def _bounds(self, group: range) -> Tensor | None:
        """Return the largest magnitudes of a group's weights (members, count), None without."""
        if not self._is_bounded:
            return None
        return bounds_of(self._network.part(group), [self._rules(place).bounds for place in group])

    def _rules(self, place: int) -> TrainingRules:
        """Return the rules for a member with its present weights."""
        member = self._members[place]
        return member.plan.members.rules(member.number, self._network.member(place))


def rows_of_factors(
    factors: Sequence[Callable[[int], float]], taken: Sequence[int], count: int
) -> Tensor:
    """Return the factors (count, members), float64, of members that have taken so many steps.

    Members of one fit have one function, which is not asked for each of them.
    """
    known: dict[tuple[Callable[[int], float], int], Tensor] = {}
    for key in zip(factors, taken, strict=True):
        if key not in known:
            factor, steps = key
            values = [factor(steps + ahead) for ahead in range(count)]
            known[key] = torch.tensor(values, dtype=torch.float64)
    return torch.stack([known[key] for key in zip(factors, taken, strict=True)], dim=1)
