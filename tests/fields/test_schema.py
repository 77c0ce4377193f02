from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from fractions import Fraction  # noqa: TC003 (a field's annotation)

import pytest

from sinefit.fields.record import FitRecord
from sinefit.fields.schema import field_notes, json_types
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import SignalSpec

STORED = (SignalSpec, FitRecord, NetworkSize)


@dataclass(frozen=True)
class Sample:
    count: int
    """How many there
    are."""
    share: float | None
    names: tuple[str, ...] = ()
    rate: Fraction | None = None
    """Per second."""
    content: bytes | None = None


def test_types_are_those_that_values_have_after_a_way_through_json() -> None:
    types = json_types(Sample)
    there = asdict(Sample(3, 0.5, ("a",)))
    del there["content"]
    for name, value in json.loads(json.dumps(there)).items():
        assert isinstance(value, types[name])
    assert types["rate"] == (str, type(None))
    assert set(types) == set(there)


def test_an_annotation_that_json_does_not_have_is_refused() -> None:
    @dataclass
    class Odd:
        value: complex

    with pytest.raises(KeyError):
        json_types(Odd)


def test_notes_are_the_texts_below_the_fields() -> None:
    notes = field_notes(Sample)
    assert list(notes) == [field.name for field in fields(Sample)]
    assert notes["count"] == "How many there are."
    assert notes["rate"] == "Per second."
    assert notes["share"] == "share"


@pytest.mark.parametrize("kind", STORED)
def test_everything_that_is_stored_has_types_and_notes(kind: type) -> None:
    assert all(json_types(kind).values())
    assert all(field_notes(kind).values())
