"""Weights files of several blocks, and what is read of them."""

from __future__ import annotations

import dataclasses
import json
import math
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MemoryContent
from sinefit.fields.metadata import read_file_header, read_header
from sinefit.fields.weights_file import (
    StoredField,
    decode_field,
    encode_field,
    field_pieces,
    read_field,
)
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_values

from .making import field_of_blocks, put_together, small_field, take_apart, with_metadata

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.grid import GridAxis

FIELD = field_of_blocks()
CONTENT = encode_field(FIELD)


def refuse(content: bytes, path: Path) -> str:
    """Hold a damaged file against every way to read it; return the one line that all give."""
    path.write_bytes(content)
    messages = set()
    for read in (
        lambda: decode_field(content, str(path)),
        lambda: read_header(content, str(path)),
        lambda: read_file_header(path),
        lambda: read_field(path),
    ):
        with pytest.raises(InputError) as caught:
            read()
        messages.add(str(caught.value))
    (message,) = messages
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def region(*values: float) -> tuple[GridAxis, ...]:
    return plan_render(FIELD.spec, RenderRequest(region=values)).axes  # type: ignore[arg-type]


class Watched:
    """Content that keeps what was read of it."""

    def __init__(self, content: bytes) -> None:
        self.name, self.size = "watched", len(content)
        self._content = MemoryContent(content, "watched")
        self.read_bytes: list[tuple[int, int]] = []

    def read(self, begin: int, end: int) -> bytearray:
        self.read_bytes.append((begin, end))
        return self._content.read(begin, end)


def test_each_parameter_is_one_tensor_with_the_blocks_first() -> None:
    tensors = safetensors.torch.load(CONTENT)
    assert tensors.pop("icc_profile").numpy().tobytes() == b"profile"
    assert tensors.keys() == FIELD.network.parameters.keys()
    for name, values in FIELD.network.parameters.items():
        assert torch.equal(tensors[name], values)
    metadata = take_apart(CONTENT)[0]["__metadata__"]
    assert metadata["format_version"] == "2"
    assert json.loads(metadata["blocks"]) == {"counts": [3, 4], "margins": [2, 3]}


def test_one_block_is_written_as_the_first_release_did() -> None:
    """A file put together by that release's layout: no first axis, no word of blocks."""
    field = small_field()
    header, tensors = {}, b""
    for name, values in sorted(field.network.parameters.items()):
        raw = values[0].numpy().tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape[1:]),
            "data_offsets": [len(tensors), len(tensors) + len(raw)],
        }
        tensors += raw
    profile = [len(tensors), len(tensors) + 7]
    header["icc_profile"] = {"dtype": "U8", "shape": [7], "data_offsets": profile}
    metadata = take_apart(encode_field(field))[0]["__metadata__"]
    assert "blocks" not in metadata
    assert metadata["format_version"] == "1"
    released = put_together({"__metadata__": metadata, **header}, tensors + b"profile")
    loaded = decode_field(released, "released")
    assert torch.equal(loaded.network.values, field.network.values)
    assert loaded.blocks.count == 1
    assert encode_field(loaded).endswith(tensors + b"profile")


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": [4, 3]},  # as many blocks, but along other axes: margins no longer fit
        {"counts": [3, 5]},
        {"counts": [12]},
        {"counts": [3, 4, 1]},
        {"counts": [1, 1], "margins": [0, 0]},
        {"counts": [0, 4]},
        {"counts": [-3, -4]},
        {"counts": [2**62, 2**62]},
        {"counts": [10**400, 4]},
        {"counts": [3.0, 4]},
        {"counts": [True, 4]},
        {"counts": ["3", 4]},
        {"counts": [[3], 4]},
        {"counts": 12},
        {"counts": None},
        {"counts": ...},
        {"counts": [3] * 100_000},
        {"margins": [2]},
        {"margins": [-1, 3]},
        {"margins": [2, 6]},
        {"margins": [2**70, 3]},
        {"margins": [2.0, 3]},
        {"margins": {"2": 3}},
        {"margins": ...},
        {"ensemble": 0},
        {"ensemble": -12},
        {"ensemble": 2},
        {"ensemble": 2**70},
        {"ensemble": True},
        {"ensemble": 1.0},
        {"ensemble": [1]},
        {"wraps": [False, True]},
    ],
)
def test_blocks_that_cannot_be(changes: dict[str, Any], tmp_path: Path) -> None:
    if changes == {"counts": [4, 3]}:
        changes = {"counts": [4, 3], "margins": [4, 7]}
    content = with_metadata(CONTENT, "blocks", **changes)
    tracemalloc.start()
    try:
        assert "damaged weights file" in refuse(content, tmp_path / "a.safetensors")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_blocks_without_a_word_of_ensembles_cover_the_signal_once() -> None:
    read = decode_field(with_metadata(CONTENT, "blocks", ensemble=...), "name")
    assert read.blocks == FIELD.blocks
    assert read.blocks.ensemble == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", '"blocks"', "[" * 20000])
def test_blocks_that_are_no_object(text: str, tmp_path: Path) -> None:
    header, tensors = take_apart(CONTENT)
    header["__metadata__"]["blocks"] = text
    assert "'blocks'" in refuse(put_together(header, tensors), tmp_path / "a.safetensors")


def test_blocks_that_are_missing_or_of_another_version(tmp_path: Path) -> None:
    header, tensors = take_apart(CONTENT)
    for metadata, word in (
        ({"format_version": "1"}, "wrong type or shape"),
        ({"format_version": "5"}, "newer"),
        ({"tool_version": 5}, "no strings"),
        ({"blocks": None}, "no strings"),
    ):
        damaged = {**header, "__metadata__": header["__metadata__"] | metadata}
        assert word in refuse(put_together(damaged, tensors), tmp_path / "a.safetensors")
    del header["__metadata__"]["blocks"]
    assert "'blocks'" in refuse(put_together(header, tensors), tmp_path / "a.safetensors")


@pytest.mark.parametrize("shape", [[5, 2], [11, 5, 2], [13, 5, 2], [12.0, 5, 2], [12, 2, 5], []])
def test_tensors_that_do_not_fit_the_blocks(shape: list[int], tmp_path: Path) -> None:
    header, tensors = take_apart(CONTENT)
    header["layers.0.weight"]["shape"] = shape
    message = refuse(put_together(header, tensors), tmp_path / "a.safetensors")
    assert "damaged weights file: tensor layers.0.weight" in message


def test_places_that_are_no_whole_numbers(tmp_path: Path) -> None:
    header, tensors = take_apart(CONTENT)
    begin, end = header["layers.0.weight"]["data_offsets"]
    header["layers.0.weight"]["data_offsets"] = [float(begin), float(end)]
    message = refuse(put_together(header, tensors), tmp_path / "a.safetensors")
    assert "lies where it cannot" in message


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for length in range(0, len(CONTENT), 7):
        refuse(CONTENT[:length], path)
    assert "goes on after" in refuse(CONTENT + b"\0", path)


def test_a_part_of_a_file_is_read_for_a_part_of_the_field() -> None:
    content = Watched(CONTENT)
    stored = StoredField(content)
    (length,) = {end for begin, end in content.read_bytes if begin == 8}
    assert max(end for _, end in content.read_bytes) == length  # nothing behind the header
    content.read_bytes.clear()
    # Cells are 10 x 10 samples: blocks 5 and 6, of which one reaches to 23.
    field = stored.field(region(14.0, 12.0, 4.0, 5.0))
    assert field.numbers == (5, 6)
    expected = set()
    for name, values in FIELD.network.parameters.items():
        begin, member = stored.header.places[name][0], 4 * values[0].numel()
        expected.add((begin + 5 * member, begin + 7 * member))
    expected.add(stored.header.places["icc_profile"])
    assert set(content.read_bytes) == expected
    assert torch.equal(field.network.values, FIELD.network.values[5:7])


@pytest.mark.parametrize("storage", [torch.float32, torch.float16, torch.bfloat16])
def test_what_is_read_in_part_renders_as_the_whole_does(
    storage: torch.dtype, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"".join(field_pieces(FIELD, storage)))
    whole = read_field(path)
    expected = FIELD.network.values.to(storage).float()
    assert torch.equal(whole.network.values, expected)
    for part, numbers in (
        ((14.0, 12.0, 4.0, 5.0), (5, 6)),
        ((0.0, 12.0, 9.0, 10.0), (4, 5, 8, 9)),  # in runs of two
        ((0.0, 0.0, 40.0, 30.0), None),
    ):
        plan = plan_render(FIELD.spec, RenderRequest(region=part))
        field = read_field(path, plan.axes)
        assert field.numbers == numbers
        values, truth = (np.concatenate(list(render_values(each, plan))) for each in (field, whole))
        np.testing.assert_array_equal(values, truth)


def test_a_field_read_in_part_cannot_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(CONTENT)
    field = read_field(path, region(14.0, 12.0, 4.0, 5.0))
    with pytest.raises(SettingError, match="read in part"):
        encode_field(field)


def test_weights_are_checked_that_are_read(tmp_path: Path) -> None:
    field = dataclasses.replace(FIELD, network=FIELD.network.clone())
    field.network.parameters["layers.1.bias"][11, 2] = math.nan
    path = tmp_path / "a.safetensors"
    path.write_bytes(encode_field(field))
    assert read_field(path, region(0.0, 0.0, 5.0, 5.0)).numbers == (0,)
    # What is told of a file of many blocks does not wait for all its weights.
    assert read_file_header(path).blocks == field.blocks
    for read in (
        lambda: read_field(path),
        lambda: read_field(path, region(35.0, 25.0, 5.0, 5.0)),
        lambda: decode_field(path.read_bytes(), str(path)),
        lambda: read_header(path.read_bytes(), str(path)),
    ):
        with pytest.raises(InputError, match=r"a\.safetensors: damaged .* not finite"):
            read()


def test_long_runs_are_read_piece_by_piece() -> None:
    content = Watched(CONTENT)
    field = StoredField(content, piece_bytes=250).field()
    assert torch.equal(field.network.values, FIELD.network.values)
    begin = StoredField(content).header.places["layers.1.weight"][0]  # 100 bytes per block
    inside = [pair for pair in content.read_bytes if begin <= pair[0] < begin + 1200]
    assert inside == [(begin + 200 * i, begin + 200 * (i + 1)) for i in range(6)]
