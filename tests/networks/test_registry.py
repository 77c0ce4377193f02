from __future__ import annotations

import pytest
import torch

from sinefit.networks.network import Network
from sinefit.networks.registry import FAMILIES
from sinefit.networks.size import NetworkSize


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_maps_every_member_s_coordinates_by_its_own_parameters(name: str) -> None:
    family, size = FAMILIES[name], NetworkSize(2, 6, 2, 3)
    assert family.name == name
    generator = torch.Generator().manual_seed(0)
    shapes = family.shapes(size)
    stack = Network.of(
        family, size, {one: torch.randn(2, *shapes[one], generator=generator) for one in shapes}
    )
    coordinates = torch.rand((2, 5, 2), generator=generator)
    outputs = stack(coordinates)
    assert outputs.shape == (2, 5, 3)
    for place in range(2):
        alone = stack.member(place)(coordinates[place : place + 1])
        torch.testing.assert_close(alone[0], outputs[place])
    assert not torch.equal(outputs[0], outputs[1])
