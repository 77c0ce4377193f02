from __future__ import annotations

import math

import pytest

from sinefit.theory.plane import hidden_constants, layer_constants, plane, predict_layers
from sinefit.theory.variance_map import lambert_constants

from .making import drawn


@pytest.mark.parametrize(
    ("text", "c_w", "c_b"),
    [
        ("custom:c_w=1.5:c_b=0.4", 1.5, 0.4),
        ("siren", math.sqrt(6), 30 / math.sqrt(3 * 256)),
        ("siren:bias=plain", math.sqrt(6), 1 / math.sqrt(3 * 256)),
        ("ssn", math.sqrt(6), 0.0),
        ("ws", 2.5 * math.sqrt(6), 30 / math.sqrt(3 * 256)),
        ("tuner", math.sqrt(6), 30 / math.sqrt(3 * 256)),
        ("xavier:hidden_omega=1", math.sqrt(3), 0.0),
    ],
)
def test_constants_are_those_that_a_scheme_draws_by(text: str, c_w: float, c_b: float) -> None:
    network = drawn(text, width=256, depth=5)
    found = hidden_constants(network)
    assert found.c_w == pytest.approx(c_w, rel=0.01)
    assert found.c_b == pytest.approx(c_b, rel=0.06)
    assert len(layer_constants(network)) == 6


def test_the_plane_has_both_surfaces_row_by_row() -> None:
    c_w, c_b = lambert_constants(0.7)
    found = plane([1.0, c_w], [0.0, c_b, 1.0])
    assert [len(row) for row in found.sigma_a] == [2, 2, 2]
    assert found.sigma_a[1][1] == pytest.approx(0.7)
    assert found.sigma_g[1][1] == pytest.approx(1.0)
    assert found.sigma_a[0][0] == 0.0
    assert found.sigma_g[0][0] == pytest.approx(math.sqrt(1 / 3))


def test_variances_are_carried_through_the_layers() -> None:
    constants = layer_constants(drawn("custom:c_w=2:c_b=0.3", depth=3))
    found = predict_layers(constants, 50.0, 7.0)
    assert found[0].variance == 50.0
    # A loud first layer has E[sin²] = E[cos²] = 1/2.
    c_w, c_b = constants[1].c_w, constants[1].c_b
    assert found[1].variance == pytest.approx(c_w**2 / 6 + c_b**2)
    assert found[1].jacobian_variance == pytest.approx(7.0 * c_w**2 / 6)
    assert len(found) == 4
