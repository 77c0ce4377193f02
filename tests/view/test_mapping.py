from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.view.mapping import usually_mapped
from tests.fields.making import field_of_blocks, small_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fields.field import Field


def rendered(field: Field) -> np.ndarray[Any, np.dtype[np.float64]]:
    return field.render(2.0).samples.astype(np.float64)


@pytest.mark.parametrize("make", [small_field, field_of_blocks])
@pytest.mark.parametrize("mapping", [("ends", "-1,1"), ("centres", "0,1"), ("ends", "0,1")])
def test_the_values_stay(make: Callable[[], Field], mapping: tuple[str, str]) -> None:
    field = make()
    coordinates, targets = mapping
    spec = replace(field.spec, coordinates=coordinates, targets=targets, dtype="float32")  # type: ignore[arg-type]
    mapped = replace(field, spec=spec)
    usual = usually_mapped(mapped)
    assert usual.spec == replace(field.spec, dtype="float32")
    expected = rendered(mapped)
    np.testing.assert_allclose(rendered(usual), expected, rtol=1e-4, atol=0.05)
    # Another mapping of the same weights has other values.
    other = rendered(replace(field, spec=replace(field.spec, dtype="float32")))
    assert np.abs(other - expected).max() > 2.0
    assert mapped.network.values.equal(field.network.values)


def test_what_is_usual_stays_as_it_is() -> None:
    field = small_field()
    assert usually_mapped(field) is field
