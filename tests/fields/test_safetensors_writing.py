"""Safetensors files that are written piece by piece, against the library of that name."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

from sinefit.fields.safetensors_writing import Stored, safetensors_pieces

from .making import take_apart

TENSORS = {
    "b.weight": torch.randn((7, 5, 3), generator=torch.Generator().manual_seed(0)),
    "a": torch.arange(40).to(torch.uint8),
    "state.n": torch.tensor(7),
    "state.flags": torch.tensor([True, False]),
    "state.small": torch.tensor([1, -2], dtype=torch.int8),
    "state.half": torch.ones(3, dtype=torch.float16),
    "state.words": torch.ones((2, 2), dtype=torch.int16),
    "state.int": torch.ones(5, dtype=torch.int32),
    "state.double": torch.ones(2, dtype=torch.float64),
    "state.none": torch.empty((0, 3)),
    "state.brain": torch.ones(4, dtype=torch.bfloat16),
}
METADATA = {"format": "x", "a": "Ä 1", "z": "{}"}


def written(piece_bytes: int = 2**20, weights: torch.dtype = torch.float32) -> list[bytes]:
    stored = {name: Stored(tensor, tensor.dtype) for name, tensor in TENSORS.items()}
    stored["b.weight"] = Stored(TENSORS["b.weight"], weights)
    return list(safetensors_pieces(stored, METADATA, piece_bytes))


def test_the_tensors_lie_where_the_library_puts_them() -> None:
    content = b"".join(written())
    header, tensors = take_apart(content)
    theirs, expected = take_apart(safetensors.torch.save(TENSORS, METADATA))
    assert header == theirs
    assert [name for name in header if name != "__metadata__"] == [
        name for name in theirs if name != "__metadata__"
    ]
    assert tensors == expected
    begin = len(content) - len(tensors)
    assert begin % 8 == 0
    assert list(json.loads(content[8:begin])["__metadata__"]) == sorted(METADATA)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_tensor_can_be_stored_in_another_type(dtype: torch.dtype) -> None:
    content = b"".join(written(weights=dtype))
    loaded = safetensors.torch.load(content)
    assert torch.equal(loaded["b.weight"], TENSORS["b.weight"].to(dtype))


def test_pieces_are_small() -> None:
    whole = b"".join(written())
    header, *pieces = written(130)
    assert b"".join([header, *pieces]) == whole
    assert max(map(len, pieces)) <= 130
    assert len(pieces) > len(TENSORS)
