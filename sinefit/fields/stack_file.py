"""Many fields in one file, as weight-space learning wants them: one tensor per parameter.

Tensors: each parameter of the networks, which are alike, with the fields as the first axis, of sine
networks `layers.0.weight` (fields, fan_out, fan_in) and so on; `safetensors.torch.load_file` loads
them. Colour profiles and sound tracks are left out. Metadata: the keys below.

| key | content |
|---|---|
| `format`, `tool_version`, `network` | as in a weights file |
| `format_version` | "3" |
| `signal`, `fit` | as in a weights file: what all fields have in common |
| `fields` | by name, in the order of the tensors' rows: `signal` and `fit` with all else |
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

import torch

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MAX_HEADER, open_content
from sinefit.fields.metadata import (
    FORMAT,
    STACK_VERSION,
    WeightsHeader,
    check_field,
    check_format,
    damage_told,
    fit_record_of,
    header_of,
    is_stack,
    json_object,
    network_of,
    network_values,
    parse_header,
    places_of,
    signal_spec_of,
    spec_values,
    to_json,
)
from sinefit.fields.safetensors_writing import Stored, safetensors_pieces
from sinefit.fields.tensors import UnsoundError, check_places, check_tensors
from sinefit.fields.weights_file import StoredField, check_holds
from sinefit.networks.network import Network
from sinefit.signals.blocks import BlockGrid
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sinefit.fields.content import Content
    from sinefit.fields.field import Field
    from sinefit.fields.metadata import Parsed

MOST_FIELDS: Final = 2**13
"""Fields that one file holds at most: all that is said of them stands in its header."""
_PARTS: Final = ("signal", "fit")


def stack_pieces(
    fields: Mapping[str, Field], storage: torch.dtype = torch.float32
) -> Iterator[bytes]:
    """Return the file of many fields by name, to be written piece by piece.

    Raises SettingError for fields of several blocks or unlike networks, for none or too many, and
    where `storage` cannot hold the weights.
    """
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise SettingError(f"`fields` are {len(fields)}: a stack holds 1 to {MOST_FIELDS}")
    first = next(iter(fields))
    network = fields[first].network
    for name, field in fields.items():
        if field.blocks.count > 1:
            raise SettingError(f"{name} has {field.blocks.count} blocks: a stack is of single ones")
        if (field.network.family, field.network.size) != (network.family, network.size):
            raise SettingError(f"{name} and {first} have unlike networks: a stack's are alike")
    network = Network.stack([field.network.to("cpu") for field in fields.values()])
    check_holds(storage, network)
    tensors = {name: Stored(values, storage) for name, values in network.parameters.items()}
    own = {
        name: {
            "signal": json.loads(to_json(spec_values(field.spec))),
            "fit": json.loads(to_json(dataclasses.asdict(field.record))),
        }
        for name, field in fields.items()
    }
    common = {part: _take_common([each[part] for each in own.values()]) for part in _PARTS}
    metadata = {
        "format": FORMAT,
        "format_version": STACK_VERSION,
        "tool_version": __version__,
        "network": to_json(network_values(network.family, network.size)),
        **{part: to_json(common[part]) for part in _PARTS},
        "fields": json.dumps(own, allow_nan=False),
    }
    if len(json.dumps(metadata)) > MAX_HEADER - 2**16:  # the tensors' own entries come with it
        raise SettingError("`fields` have too long names for one stack: make several")
    return safetensors_pieces(tensors, metadata)


def _take_common(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Remove from dictionaries of the same keys what all agree on, and return it."""
    common = {
        key: value for key, value in each[0].items() if all(one[key] == value for one in each)
    }
    for one in each:
        for key in common:
            del one[key]
    return common


class StoredStack:
    """Many fields in one file, of which the header has been checked and no weight read."""

    def __init__(self, content: Content, parsed: Parsed | None = None) -> None:
        """Read the header unless it is `parsed`.

        Raises InputError if it is not the sound one of a stack.
        """
        self._content = content
        header, begin = parse_header(content) if parsed is None else parsed
        header = dict(header)
        metadata = header.pop("__metadata__", None)
        with damage_told(content.name):
            if check_format(metadata) != STACK_VERSION:
                raise UnsoundError("it holds a single field, no stack of many")
            self.headers = dict(_headers(header, metadata, content.size, begin))
            """What is said of each field, by name in the order of the rows, as of one alone."""

    def stored(self, name: str) -> StoredField:
        """Return one of the fields, none of whose weights is read yet.

        Raises InputError, which tells some names that there are, for another one.
        """
        if name not in self.headers:
            shown = ", ".join([*self.headers][:3]) + (", ..." if len(self.headers) > 3 else "")
            raise InputError(f"{self._content.name}: no field in it is called {name!r}: {shown}")
        return StoredField(self._content, header=self.headers[name])


def _headers(
    header: dict[str, Any], metadata: dict[str, str], size_in_bytes: int, begin: int
) -> Iterator[tuple[str, WeightsHeader]]:
    """Yield of each field its name and the header that it would have alone."""
    family, size = network_of(json_object(metadata, "network"))
    common = {part: json_object(metadata, part) for part in _PARTS}
    fields = json_object(metadata, "fields")
    if not fields or size.depth > len(header):
        raise UnsoundError("damaged weights file: it has no fields, or not all tensors of theirs")
    shapes = family.shapes(size)
    expected = {name: (len(fields), *shape) for name, shape in shapes.items()}
    storage = check_tensors(header, expected, is_checkpoint=False)
    if header.keys() != expected.keys():
        raise UnsoundError("damaged weights file: it has tensors that do not belong there")
    check_places(header, size_in_bytes - begin)
    places = places_of(header, begin)
    kinds = {name: (header[name]["dtype"], shape) for name, shape in shapes.items()}
    tool = metadata.get("tool_version", "unknown")
    for row, (name, own) in enumerate(fields.items()):
        if type(own) is not dict or own.keys() != set(_PARTS):
            raise UnsoundError(f"damaged weights file: its field {name!r} has no description")
        spec = signal_spec_of({**common["signal"], **own["signal"]})
        record = fit_record_of({**common["fit"], **own["fit"]}, spec)
        blocks = BlockGrid.single(spec)
        check_field(family, size, spec, blocks, record)
        rows = {}
        for key, (first, last) in places.items():
            row_bytes = (last - first) // len(fields)
            rows[key] = (first + row * row_bytes, first + (row + 1) * row_bytes)
        yield (
            name,
            WeightsHeader(
                spec=spec,
                family=family,
                size=size,
                blocks=blocks,
                record=record,
                storage=storage,
                tool_version=tool,
                byte_tensors=(),
                checkpoint=None,
                places=rows,
                kinds=kinds,
                total_bytes=sum(last - first for first, last in rows.values()),
            ),
        )


@contextlib.contextmanager
def open_stack(path: Path) -> Iterator[StoredStack]:
    """Open the file of a stack, to read of it what is needed; raises InputError for another."""
    with open_content(path) as content:
        yield StoredStack(content)


def read_stack(path: Path) -> dict[str, Field]:
    """Read all fields of a stack; raises InputError for anything that is not a sound one."""
    with open_stack(path) as stack:
        return {name: stack.stored(name).field() for name in stack.headers}


def stored_in(content: Content) -> StoredField | StoredStack:
    """Return the field or the stack of many in a weights file; raises InputError for another."""
    parsed = parse_header(content)
    if is_stack(parsed[0], content.name):
        return StoredStack(content, parsed)
    return StoredField(content, header=header_of(content, parsed=parsed))
