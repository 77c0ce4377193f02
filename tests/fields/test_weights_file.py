from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.errors import InputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.metadata import read_header
from sinefit.fields.weights_file import decode_field, encode_field, read_field
from tests.engines.making import random_network

from .making import fields, put_together, small_field, take_apart, with_metadata

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = encode_field(small_field())


def refuse(content: bytes) -> str:
    """Decode what must not be decoded, and return the message."""
    with pytest.raises(InputError) as caught:
        decode_field(content, "name.safetensors")
    message = str(caught.value)
    assert message.startswith("name.safetensors: ")
    assert "\n" not in message
    return message


def decode_or_refuse(content: bytes) -> Field | None:
    """Decode what may be sound or not; None where it is refused as it should be."""
    try:
        return decode_field(content, "name.safetensors")
    except InputError:
        refuse(content)
        return None


@given(fields())
def test_what_is_saved_is_loaded(field: Field) -> None:
    loaded = decode_field(encode_field(field), "name")
    assert loaded.spec == field.spec
    assert loaded.record == field.record
    assert loaded.network.size == field.network.size
    assert loaded.network.family is field.network.family
    assert loaded.blocks == field.blocks
    assert loaded.numbers is None
    assert loaded.network.values.dtype == torch.float32
    assert torch.equal(loaded.network.values, field.network.values)


@given(fields())
def test_the_bytes_are_the_same_every_time(field: Field) -> None:
    content = encode_field(field)
    assert encode_field(field) == content
    assert encode_field(decode_field(content, "name")) == content


@pytest.mark.parametrize("storage", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_are_rounded_to_the_type_of_storage(storage: torch.dtype) -> None:
    field = small_field()
    content = encode_field(field, storage)
    loaded = decode_field(content, "name")
    expected = field.network.values.to(storage).to(torch.float32)
    assert torch.equal(loaded.network.values, expected)
    # Stored in that type, not merely rounded to it; the profile has 7 bytes.
    assert len(take_apart(content)[1]) == field.network.size.parameter_count * storage.itemsize + 7


def test_weights_too_large_for_the_type_are_an_error() -> None:
    field = small_field()
    field.network.parameters["layers.0.weight"][0, 0, 0] = -1e5
    with pytest.raises(SettingError, match=r"`dtype` is float16: it cannot hold weights of 100000"):
        encode_field(field, torch.float16)
    assert decode_field(encode_field(field, torch.bfloat16), "name").network.size.width == 5


def test_the_file_is_plain_safetensors() -> None:
    tensors = safetensors.torch.load(CONTENT)
    assert sorted(tensors) == [
        "icc_profile",
        *(f"layers.{layer}.{part}" for layer in range(3) for part in ("bias", "weight")),
    ]
    assert tensors["layers.0.weight"].shape == (5, 2)
    assert bytes(tensors["icc_profile"].tolist()) == b"profile"
    metadata = take_apart(CONTENT)[0]["__metadata__"]
    assert metadata["format"] == "sinefit"
    assert metadata["format_version"] == "1"
    assert json.loads(metadata["network"]) == {
        "family": "sine",
        "in_features": 2,
        "width": 5,
        "depth": 2,
        "out_features": 3,
    }


def test_a_file_without_a_family_is_read_as_a_sine_network() -> None:
    older = decode_field(with_metadata(CONTENT, "network", family=...), "name")
    # What is written of it names the family.
    assert encode_field(older) == CONTENT


def test_a_field_can_be_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "Ä field.safetensors"
    path.write_bytes(CONTENT)
    field = read_field(path)
    np.testing.assert_array_equal(field.render().samples, small_field().render().samples)


def test_what_cannot_be_read_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.safetensors does not exist"):
        read_field(tmp_path / "missing.safetensors")
    with pytest.raises(InputError, match="it is a folder"):
        read_field(tmp_path)


def test_every_truncation_is_noticed() -> None:
    for length in range(len(CONTENT)):
        refuse(CONTENT[:length])


def test_trailing_bytes_are_noticed() -> None:
    refuse(CONTENT + b"\0")


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_changed_bytes_give_a_field_or_an_input_error(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(CONTENT)
    for position, value in changes:
        damaged[position] = value
    field = decode_or_refuse(bytes(damaged))
    if field is not None:
        assert bool(field.network.values.isfinite().all())
        assert math.isfinite(field.spec.value_range)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(content: bytes) -> None:
    refuse(content)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 0, 2**20, 2**40, "inf", "1e999", "1/0", "", "x\ny", "i4,("])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
KEYS = {
    part: sorted(json.loads(take_apart(CONTENT)[0]["__metadata__"][part]))
    for part in ("signal", "network", "fit")
}


@settings(max_examples=400)
@given(st.data())
def test_changed_metadata_give_a_usable_field_or_an_input_error(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(sorted(KEYS)))
    key = data.draw(st.sampled_from([*KEYS[part], "unknown\nkey"]))
    content = with_metadata(CONTENT, part, **{key: data.draw(json_values | st.just(...))})
    field = decode_or_refuse(content)
    if field is None:
        return
    # What is accepted can be described, saved and loaded again.
    assert decode_field(encode_field(field), "name") is not None
    text = f"{field.record.psnr or 0:.2f} {field.record.steps:d} {field.record.seed:d}"
    assert "nan" not in text
    assert all(0 <= value < math.inf for value in field.record.omega)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("signal", {"rate": "1e999999999"}),
        ("signal", {"rate": "-5"}),
        ("signal", {"rate": "1/0"}),
        ("signal", {"rate": math.inf}),
        ("signal", {"kind": "audio"}),
        ("signal", {"kind": "hologram"}),
        ("signal", {"domain": "torus"}),
        ("signal", {"footprint": "foot"}),
        ("signal", {"shape": []}),
        ("signal", {"shape": [4]}),
        ("signal", {"shape": [4, 0]}),
        ("signal", {"shape": [4, 2**60]}),
        ("signal", {"shape": [4, 6.0]}),
        ("signal", {"shape": {"4": 6, "6": 4}}),
        ("signal", {"channels": 4}),
        ("signal", {"low": 255.0}),
        ("signal", {"low": math.nan}),
        ("signal", {"low": 10**400}),
        ("signal", {"low": -1.7e308, "high": 1.7e308}),
        ("signal", {"dtype": "i4,("}),
        ("signal", {"dtype": "object"}),
        ("signal", {"dtype": None}),
        ("signal", {"bit_depth": "eight"}),
        ("signal", {"format": 5}),
        ("signal", {"source": ["a"]}),
        ("signal", {"kind": ...}),
        ("signal", {"surplus\nkey": 1}),
        ("network", {"width": 6}),
        ("network", {"depth": 3}),
        ("network", {"depth": 1}),
        ("network", {"depth": 2**20 - 1}),
        ("network", {"width": 2**62}),
        ("network", {"width": -5}),
        ("network", {"width": 5.0}),
        ("network", {"width": True}),
        ("network", {"in_features": 3}),
        ("network", {"out_features": ...}),
        ("fit", {"psnr": "high"}),
        ("fit", {"psnr": math.nan}),
        ("fit", {"steps": "many"}),
        ("fit", {"omega": "30"}),
        ("fit", {"omega": [1.0]}),
        ("fit", {"omega": [1.0, "2"]}),
        ("fit", {"initializer": None}),
        ("fit", {"seed": ...}),
    ],
)
def test_metadata_that_contradict_themselves(part: str, changes: dict[str, Any]) -> None:
    assert "damaged weights file" in refuse(with_metadata(CONTENT, part, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", '"signal"', "[" * 20000])
@pytest.mark.parametrize("part", ["signal", "network", "fit"])
def test_metadata_that_are_no_objects(part: str, text: str) -> None:
    header, tensors = take_apart(CONTENT)
    header["__metadata__"][part] = text
    assert part in refuse(put_together(header, tensors))


def test_missing_metadata() -> None:
    for part in ("signal", "network", "fit"):
        header, tensors = take_apart(CONTENT)
        del header["__metadata__"][part]
        assert part in refuse(put_together(header, tensors))


@pytest.mark.parametrize("text", [b"[]", b"5", b"null", b"{" * 3000, b"[" * 100_000, b"{\xff}"])
def test_headers_that_are_no_objects(text: bytes) -> None:
    refuse(len(text).to_bytes(8, "little") + text)


def test_another_version_says_what_to_do() -> None:
    header, tensors = take_apart(CONTENT)
    header["__metadata__"]["format_version"] = "2\n"
    message = refuse(put_together(header, tensors))
    assert "2" in message
    assert "newer" in message


def test_a_foreign_safetensors_file() -> None:
    for metadata in (None, {"format": "pt"}):
        content = safetensors.torch.save({"a": torch.zeros(3)}, metadata)
        assert "not one that sinefit wrote" in refuse(content)


def rewrite(change: Any) -> bytes:
    """The small file with its tensors changed, its metadata kept."""
    tensors = safetensors.torch.load(CONTENT)
    change(tensors)
    return safetensors.torch.save(tensors, take_apart(CONTENT)[0]["__metadata__"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["layers.1.weight", "layers.2.bias"])
def test_weights_that_are_not_finite(name: str, value: float) -> None:
    def damage(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name].view(-1)[-1] = value

    assert "not finite" in refuse(rewrite(damage))


@pytest.mark.parametrize("storage", [torch.float32, torch.float16, torch.bfloat16])
def test_the_header_is_read_only_of_weights_that_are_numbers(storage: torch.dtype) -> None:
    def encoded(value: float) -> bytes:
        field = small_field()
        field.network.values[0, 0] = value
        return encode_field(field, storage)

    for value in (torch.finfo(storage).max, torch.finfo(storage).smallest_normal, -0.0):
        assert read_header(encoded(value), "small").storage == str(storage).removeprefix("torch.")
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(InputError, match=r"^small: damaged weights file: .* not finite"):
            read_header(encoded(value), "small")


@pytest.mark.parametrize(
    ("name", "tensor", "reason"),
    [
        ("layers.1.weight", None, "missing"),
        ("layers.2.bias", None, "missing"),
        ("layers.3.bias", torch.zeros(3), "does not belong"),
        ("more\nmore", torch.zeros(3), "does not belong"),
        ("layers.1.weight", torch.zeros(5, 4), "wrong type or shape"),
        ("layers.0.weight", torch.zeros(2, 5), "wrong type or shape"),
        ("layers.1.bias", torch.zeros(5, 1), "wrong type or shape"),
        ("layers.1.weight", torch.zeros(5, 5, dtype=torch.float64), "wrong type or shape"),
        ("layers.1.weight", torch.zeros(5, 5, dtype=torch.int32), "wrong type or shape"),
        ("layers.1.weight", torch.zeros(5, 5, dtype=torch.float16), "different types"),
        ("icc_profile", torch.zeros(5), "wrong type"),
    ],
)
def test_tensors_that_are_not_the_network_s(
    name: str, tensor: torch.Tensor | None, reason: str
) -> None:
    def damage(tensors: dict[str, torch.Tensor]) -> None:
        if tensor is None:
            del tensors[name]
        else:
            tensors[name] = tensor

    assert reason in refuse(rewrite(damage))


def test_tensors_that_lie_elsewhere() -> None:
    for offsets in ([0, 2**62], [-8, 20], [10, 0], [0, 1]):
        header, tensors = take_apart(CONTENT)
        header["layers.0.weight"]["data_offsets"] = offsets
        refuse(put_together(header, tensors))


def test_the_network_may_be_any_size() -> None:
    field = small_field()
    for size in (field.network.size, type(field.network.size)(2, 1, 1, 3)):
        other = Field(random_network(size), field.spec, field.record)
        assert decode_field(encode_field(other), "name").network.size == size
