"""A small weights file, damaged copies of it, and the judging of what comes of them."""

from __future__ import annotations

import functools
import itertools
import json
from typing import TYPE_CHECKING, Any

import torch

from sinefit.errors import InputError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import SignalSpec
from tests.engines.making import random_network

from .mutation import mutants
from .watching import check_message, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .watching import Outcome


@functools.cache
def weights_file() -> bytes:
    """The weights file of a small picture's field, with everything that such a file can hold."""
    spec = SignalSpec(
        "image", (4, 6), 3, "uint8", 0.0, 255.0, "png", 8, icc_profile=b"profile", source="a.png"
    )
    record = FitRecord("siren", (30.0, 20.0), 1, 2, 3, (1e-3,) * 3, 30.0, 29.5, 255.0, None)
    return encode_field(Field(random_network(NetworkSize(2, 5, 2, 3)), spec, record))


@functools.cache
def blocks_file() -> bytes:
    """The weights file of six blocks on a small picture."""
    spec = SignalSpec("image", (8, 9), 3, "uint8", 0.0, 255.0, "png", 8, source="a.png")
    record = FitRecord("siren", (30.0, 20.0), 1, 2, 3, (1e-3,) * 3, 30.0, 29.5, 255.0, None)
    blocks = BlockGrid.over(spec, (2, 3), (2, 1))
    network = random_network(NetworkSize(2, 5, 2, 3), blocks.count)
    return encode_field(Field(network, spec, record, blocks))


def take_apart(content: bytes) -> tuple[bytes, bytes]:
    """The header's text of a safetensors file, and what follows it."""
    length = int.from_bytes(content[:8], "little")
    return content[8 : 8 + length], content[8 + length :]


def put_together(header: bytes, tensors: bytes) -> bytes:
    """A safetensors file of a header's text and what follows it."""
    return len(header).to_bytes(8, "little") + header + tensors


def with_part(content: bytes, part: str, **changes: Any) -> bytes:
    """A weights file with values of one JSON object of its metadata changed."""
    text, tensors = take_apart(content)
    header = json.loads(text)
    values = json.loads(header["__metadata__"][part]) | changes
    header["__metadata__"][part] = json.dumps(values)
    return put_together(json.dumps(header).encode(), tensors)


def with_tensor(content: bytes, name: str, **changes: Any) -> bytes:
    """A weights file whose header says something else of one tensor."""
    text, tensors = take_apart(content)
    header = json.loads(text)
    header[name] |= changes
    return put_together(json.dumps(header).encode(), tensors)


def without_metadata(content: bytes, *parts: str) -> bytes:
    """A weights file that lacks these parts of its metadata, all of it when none is named."""
    text, tensors = take_apart(content)
    header = json.loads(text)
    for part in parts:
        del header["__metadata__"][part]
    if not parts:
        del header["__metadata__"]
    return put_together(json.dumps(header).encode(), tensors)


def weights_mutants(seed: int, content: bytes) -> Iterator[bytes]:
    """Damaged copies, in turn: of the bytes, of the header's text, of one part of the metadata."""
    text, tensors = take_apart(content)
    metadata = json.loads(text)["__metadata__"]
    parts = {part: value for part, value in metadata.items() if value.startswith("{")}
    raw = mutants(seed, content)
    headers = mutants(seed, text)
    inner = {part: mutants(seed, value.encode()) for part, value in parts.items()}
    for part in itertools.cycle(parts):
        yield next(raw)
        yield put_together(next(headers), tensors)
        header = json.loads(text)
        header["__metadata__"][part] = next(inner[part]).decode("utf-8", "replace")
        yield put_together(json.dumps(header).encode(), tensors)


def decode_damaged(content: bytes) -> Outcome:
    """Decode bytes; what comes out must be a usable field or one line of InputError."""
    with watch():
        try:
            field = decode_field(content, "it")
        except InputError as error:
            check_message(str(error))
            return "refused"
    assert bool(field.network.values.isfinite().all())
    members, features = field.blocks.count, field.network.size.in_features
    values = field.network(torch.zeros(members, 1, features))
    assert values.shape == (members, 1, field.spec.channels)
    # What was accepted can be saved, and then be accepted again.
    assert decode_field(encode_field(field), "it").spec == field.spec
    return "read"
