from __future__ import annotations

import pytest
import torch

from sinefit.exporting.module import FieldModule
from sinefit.networks.registry import FAMILIES
from tests.exporting.making import FIELDS, close, field_of_family, positions_in


@pytest.mark.parametrize("name", FIELDS)
def test_values_are_those_of_a_render(name: str) -> None:
    field = FIELDS[name]
    positions, expected = positions_in(field)
    close(FieldModule(field)(torch.from_numpy(positions)).numpy(), expected, field)


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_of_every_family_of_networks(family: str, blocks: int) -> None:
    field = field_of_family(family, blocks)
    positions, expected = positions_in(field)
    close(FieldModule(field)(torch.from_numpy(positions)).numpy(), expected, field, 2e-5)
