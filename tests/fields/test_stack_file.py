"""Many fields in one file."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
import safetensors
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MemoryContent
from sinefit.fields.field import Field
from sinefit.fields.stack_file import StoredStack, read_stack, stack_pieces, stored_in
from sinefit.fields.weights_file import StoredField, decode_field, encode_field

from .making import field_of_blocks, fields, put_together, small_field, take_apart, with_metadata

if TYPE_CHECKING:
    from pathlib import Path


def several() -> dict[str, Field]:
    """Three fields of unlike signals and figures."""
    found = {}
    for number, name in enumerate(("b/one", "a two", "drei")):
        field = small_field()
        field.network.values.mul_(number + 1)
        spec = dataclasses.replace(
            field.spec, shape=(4 + number, 6), source=f"{name}.png", icc_profile=None
        )
        record = dataclasses.replace(field.record, psnr=30.0 + number)
        found[name] = Field(field.network, spec, record)
    return found


def encoded(stack: dict[str, Field], storage: torch.dtype = torch.float32) -> bytes:
    return b"".join(stack_pieces(stack, storage))


def check_equal(one: Field, other: Field) -> None:
    assert (one.spec, one.record, one.blocks) == (other.spec, other.record, other.blocks)
    assert torch.equal(one.network.values, other.network.values)


@settings(max_examples=25)
@given(fields().filter(lambda field: field.blocks.count == 1), st.text(min_size=1, max_size=9))
def test_a_field_comes_back_but_for_its_bytes(field: Field, name: str) -> None:
    stack = StoredStack(MemoryContent(encoded({name: field, name + "2": field}), "stack"))
    spec = dataclasses.replace(field.spec, icc_profile=None, soundtrack=None)
    for found in (name, name + "2"):
        check_equal(stack.stored(found).field(), dataclasses.replace(field, spec=spec))


def test_torch_users_load_it_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "stack.safetensors"
    path.write_bytes(encoded(several()))
    tensors = load_file(path)
    alone = [decode_field(encode_field(field), "one").network for field in several().values()]
    assert tensors.keys() == alone[0].parameters.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, torch.cat([one.parameters[name] for one in alone]))
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    told = json.loads(metadata["fields"])
    assert [*told] == [*several()]
    assert [one["fit"]["psnr"] for one in told.values()] == [30.0, 31.0, 32.0]
    assert [one["signal"]["shape"] for one in told.values()] == [[4, 6], [5, 6], [6, 6]]
    assert json.loads(metadata["fit"])["initializer"] == "siren"


def test_all_fields_of_a_file_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "stack.safetensors"
    path.write_bytes(encoded(several(), torch.float16))
    found = read_stack(path)
    assert [*found] == [*several()]
    for name, field in several().items():
        field.network.values.copy_(field.network.values.half())
        check_equal(found[name], field)


def test_a_stack_is_told_from_a_field() -> None:
    single, stack = encode_field(small_field()), encoded(several())
    assert isinstance(stored_in(MemoryContent(stack, "s")), StoredStack)
    assert isinstance(stored_in(MemoryContent(single, "f")), StoredField)
    with pytest.raises(InputError, match=r"^s: it holds a stack of many fields: "):
        decode_field(stack, "s")
    with pytest.raises(InputError, match=r"^f: it holds a single field"):
        StoredStack(MemoryContent(single, "f"))


def test_an_unknown_name_is_told_with_some_that_there_are() -> None:
    stack = StoredStack(MemoryContent(encoded(several()), "s"))
    with pytest.raises(InputError, match=r"^s: no field in it is called 'x': b/one, a two, drei$"):
        stack.stored("x")


def test_what_cannot_be_stacked() -> None:
    with pytest.raises(SettingError, match="`fields` are 0: a stack holds 1 to"):
        stack_pieces({})
    with pytest.raises(SettingError, match="x has 12 blocks"):
        stack_pieces({"x": field_of_blocks()})
    one = small_field()
    other = Field(field_of_blocks().network.member(0), one.spec, one.record)
    stack_pieces({"x": one, "y": other})
    one.network.values[0, 0] = 1e6
    with pytest.raises(SettingError, match="cannot hold weights of"):
        stack_pieces({"x": one}, torch.float16)
    with pytest.raises(SettingError, match="too long names"):
        stack_pieces({"x" * 2**23: small_field()})


def changed_fields(**changes: object) -> bytes:
    return with_metadata(encoded(several()), "fields", **changes)


def with_header(**changes: object) -> bytes:
    header, tensors = take_apart(encoded(several()))
    header.update(changes)
    return put_together(header, tensors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: changed_fields(four={"signal": {}, "fit": {}}), "wrong type or shape"),
        (lambda: changed_fields(drei=...), "wrong type or shape"),
        (lambda: changed_fields(drei=3), "'drei' has no description"),
        (lambda: changed_fields(drei={"signal": {}, "fit": {}}), "missing, unknown or of no use"),
        (lambda: with_metadata(encoded(several()), "network", width=6), "wrong type or shape"),
        (lambda: with_metadata(encoded(several()), "network", depth=9), "not all tensors"),
        (lambda: with_metadata(encoded(several()), "signal", channels=2), "does not fit its"),
        (lambda: encoded(several())[:-1], "ends within its tensors"),
        (lambda: encoded(several()) + b"x", "goes on after its tensors"),
        (
            lambda: with_header(icc_profile={"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}),
            "tensors that do not belong there",
        ),
    ],
)
def test_damaged_stacks(content: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^s: .*{message}"):
        StoredStack(MemoryContent(content(), "s"))  # type: ignore[operator]


def test_weights_that_are_no_numbers_are_found_when_they_are_read() -> None:
    stack = several()
    stack["drei"].network.values[0, 3] = torch.nan
    stored = StoredStack(MemoryContent(encoded(stack), "s"))
    stored.stored("b/one").field()
    with pytest.raises(InputError, match=r"^s: .*not finite"):
        stored.stored("drei").field()
