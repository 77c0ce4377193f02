"""The weights file: a field in one self-describing safetensors file.

Tensors: the network's parameters by name, of a sine network `layers.0.weight` (fan_out, fan_in),
`layers.0.bias` (fan_out,) and so on, in effective weights, and the bytes of `icc_profile` and
`soundtrack` where the signal has them. Metadata: the keys below, each but the first three a JSON
object.

| key | content |
|---|---|
| `format` | "sinefit" |
| `format_version` | "1" |
| `tool_version` | the sinefit that wrote the file |
| `signal` | the fields of `SignalSpec`, without the bytes that are tensors |
| `network` | `family`, "sine"; `in_features`, `width`, `depth`, `out_features` |
| `fit` | the fields of `FitRecord` |
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch

from sinefit.errors import InputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.metadata import BYTE_TENSORS, make_metadata, read_content, read_header
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def encode_field(
    field: Field,
    storage: torch.dtype = torch.float32,
    *,
    state: Mapping[str, torch.Tensor] | None = None,
    checkpoint: str | None = None,
) -> bytes:
    """Return the weights file of a field; `storage` is the type of the stored weights.

    `state` and `checkpoint` are the further tensors and the metadata that make it a checkpoint.
    Raises SettingError where that type cannot hold the weights.
    """
    tensors: dict[str, torch.Tensor] = {}
    network = field.network
    for name, values in network.parameters.items():
        tensors[name] = values[0].detach().cpu().to(storage, copy=True).contiguous()
    largest = float(network.values.abs().max())
    if torch.finfo(storage).max < largest < float("inf"):
        name = str(storage).removeprefix("torch.")
        raise SettingError(f"`dtype` is {name}: it cannot hold weights of {largest:g}; use float32")
    for name in BYTE_TENSORS:
        content = getattr(field.spec, name)
        if content:
            tensors[name] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    tensors.update(state or {})
    metadata = make_metadata(field.spec, network.family, network.size, field.record)
    if checkpoint is not None:
        metadata["checkpoint"] = checkpoint
    return _in_order(safetensors.torch.save(tensors, metadata))


def _in_order(content: bytes) -> bytes:
    """Sort the metadata, which safetensors writes in an order that differs from run to run."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def read_field(path: Path) -> Field:
    """Read a weights file; raises InputError for anything that is not a sound one."""
    return decode_field(read_content(path), str(path))


def decode_field(content: bytes, name: str) -> Field:
    """Return the field in a weights file's bytes; `name` is what error messages call the file."""
    header = read_header(content, name)
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: damaged weights file: {reason}") from error
    shapes = header.family.shapes(header.size)
    parameters = {key: tensors[key].to(torch.float32)[None] for key in shapes}
    extra = {key: tensors[key].numpy().tobytes() for key in header.byte_tensors}
    return Field(
        Network.of(header.family, header.size, parameters),
        dataclasses.replace(
            header.spec,
            icc_profile=extra.get("icc_profile"),
            soundtrack=extra.get("soundtrack"),
        ),
        header.record,
    )
