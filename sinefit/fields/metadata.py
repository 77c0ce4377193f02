"""What a weights file says of itself: its header, read and checked without the weights.

The JSON header of a safetensors file names every tensor's type, shape and place, and holds the
metadata as strings. Reading checks all that header and metadata say against each other before a
tensor is made, and needs no torch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
import string
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MemoryContent, header_text, open_content
from sinefit.fields.record import FitRecord
from sinefit.fields.schema import json_types
from sinefit.fields.tensors import (
    BYTE_TENSORS,
    UnsoundError,
    check_finite,
    check_places,
    check_tensors,
)
from sinefit.networks.registry import FAMILIES
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.parameters import parameters_of
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import (
    COORDINATES,
    DOMAINS,
    FOOTPRINTS,
    KINDS,
    TARGETS,
    SignalSpec,
    range_fault,
)
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sinefit.fields.content import Content
    from sinefit.networks.family import Family

FORMAT: Final = "sinefit"
FORMAT_VERSION: Final = "1"
"""Of a field of one block."""
BLOCKS_VERSION: Final = "2"
"""Of a field of several."""
STACK_VERSION: Final = "3"
"""Of many fields in one file."""
MAPPED_VERSION: Final = "4"
"""Of a field whose coordinates or targets are not the usual ones, of any number of blocks."""
SUFFIX: Final = ".safetensors"
LARGEST_SIGNAL: Final = 2**40
"""Bytes of samples, 1 TiB, that no fitted signal can have had: it would be 64 times the largest
that is read where nothing else is asked for."""

_SIGNAL_TYPES: Final = json_types(SignalSpec)
_USUAL_MAPPING: Final = {"coordinates": "centres", "targets": "-1,1"}
_SIZE_TYPES: Final = json_types(NetworkSize)
_BLOCK_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "counts": (list,),
    "margins": (list,),
    "ensemble": (int,),
}
_RECORD_TYPES: Final = json_types(FitRecord)
_HELD_OUT: Final = ("holdout", "psnr_holdout", "psnr_gradient")
"""What a record tells of samples that were held out."""
_DECIBELS: Final = ("psnr", "psnr_float", "snr", "psnr_holdout", "psnr_gradient")
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_SAMPLE_TYPES: Final = frozenset({"bool", *_INTEGERS, "float16", "float32", "float64"})


@dataclass(frozen=True)
class WeightsHeader:
    """Everything in a weights file but the tensors."""

    spec: SignalSpec
    """The fitted signal, without the bytes that are kept as tensors."""
    family: Family
    size: NetworkSize
    """Of the network of each block."""
    blocks: BlockGrid
    record: FitRecord
    storage: str
    """Type of the stored weights: "float32", "float16" or "bfloat16"."""
    tool_version: str
    """Version of the sinefit that wrote the file."""
    byte_tensors: tuple[str, ...]
    """Which of `BYTE_TENSORS` the file has."""
    checkpoint: str | None
    """What makes the file a checkpoint, a JSON object; None for a finished field."""
    places: Mapping[str, tuple[int, int]]
    """Of each tensor its first byte in the file and the first behind it."""
    kinds: Mapping[str, tuple[str, tuple[int, ...]]]
    """Of each tensor the name of its type and its shape."""
    total_bytes: int
    """Size of the file."""

    @property
    def parameter_count(self) -> int:
        """Number of stored weights, of all blocks."""
        return self.blocks.count * self.family.parameter_count(self.size)


def make_metadata(
    spec: SignalSpec, family: Family, size: NetworkSize, blocks: BlockGrid, record: FitRecord
) -> dict[str, str]:
    """Return the metadata of a weights file, strings by key.

    Those of one block tell of no blocks: they are what releases without blocks wrote and read.
    """
    signal = spec_values(spec)
    version = FORMAT_VERSION if blocks.count == 1 else BLOCKS_VERSION
    if any(signal[name] != value for name, value in _USUAL_MAPPING.items()):
        version = MAPPED_VERSION
    else:  # releases that know no other do not read of it
        signal = {name: signal[name] for name in signal.keys() - _USUAL_MAPPING.keys()}
    placed: dict[str, Any] = {"counts": blocks.counts, "margins": blocks.margins}
    if blocks.ensemble > 1:
        placed["ensemble"] = blocks.ensemble
    several = {"blocks": to_json(placed)}
    return {
        "format": FORMAT,
        "format_version": version,
        "tool_version": __version__,
        "signal": to_json(signal),
        "network": to_json(network_values(family, size)),
        "fit": to_json(dataclasses.asdict(record)),
        **(several if blocks.count > 1 else {}),
    }


def spec_values(spec: SignalSpec) -> dict[str, Any]:
    """Return what a weights file says of a signal, without the bytes that are tensors."""
    values = dataclasses.asdict(spec)
    for name in BYTE_TENSORS:
        del values[name]
    values["rate"] = None if spec.rate is None else str(spec.rate)
    return values


def network_values(family: Family, size: NetworkSize) -> dict[str, Any]:
    """Return what a weights file says of a network: its family with settings if any, its size."""
    settings = dataclasses.asdict(family)
    told = {"settings": settings} if settings else {}
    return {"family": family.name, **told, **dataclasses.asdict(size)}


def read_header(content: bytes, name: str) -> WeightsHeader:
    """Read and check the header of a weights file's bytes; `name` is for error messages.

    Raises InputError for anything that sinefit did not write, or not in this format version, and
    for weights that are not finite.
    """
    return header_of(MemoryContent(content, name), check_weights=True)


def read_file_header(path: Path) -> WeightsHeader:
    """Read and check the header of a weights file, of several blocks without their weights.

    Raises InputError as `read_header` does.
    """
    with open_content(path) as content:
        return header_of(content, check_weights=None)


Parsed = tuple[dict[str, Any], int]
"""The JSON header of a safetensors file, and where its tensors begin."""


def header_of(
    content: Content, *, check_weights: bool | None = False, parsed: Parsed | None = None
) -> WeightsHeader:
    """Read and check the header of a weights file, unless it is `parsed` check it alone.

    Weights are read for it only to `check_weights` that they are finite, with None those of a
    single network. Raises InputError as `read_header` does.
    """
    name = content.name
    header, begin = parse_header(content) if parsed is None else parsed
    header = dict(header)
    metadata = header.pop("__metadata__", None)
    with damage_told(name):
        version = check_format(metadata)
        if version == STACK_VERSION:
            raise UnsoundError(
                "it holds a stack of many fields: render or load one of them by its name"
            )
        family, size = network_of(json_object(metadata, "network"))
        spec = signal_spec_of(json_object(metadata, "signal"))
        record = fit_record_of(json_object(metadata, "fit"), spec)
        blocks = _blocks(metadata, spec)
        check_field(family, size, spec, blocks, record)
        checkpoint = metadata.get("checkpoint")
        shapes = _shapes(family, size, blocks, len(header))
        storage = check_tensors(header, shapes, is_checkpoint=checkpoint is not None)
        check_places(header, content.size - begin)
        places = places_of(header, begin)
        kinds = {key: (entry["dtype"], tuple(entry["shape"])) for key, entry in header.items()}
        if check_weights or (check_weights is None and blocks.count == 1):
            check_finite(content, storage, [places[key] for key in shapes])
    present = tuple(key for key in BYTE_TENSORS if key in header)
    tool = metadata.get("tool_version", "unknown")
    return WeightsHeader(
        spec=spec,
        family=family,
        size=size,
        blocks=blocks,
        record=record,
        storage=storage,
        tool_version=tool,
        byte_tensors=present,
        checkpoint=checkpoint,
        places=places,
        kinds=kinds,
        total_bytes=content.size,
    )


@contextlib.contextmanager
def damage_told(name: str) -> Iterator[None]:
    """Raise InputError, which names the file, for what its header cannot be."""
    try:
        yield
    except UnsoundError as error:
        raise InputError(f"{name}: {error}") from error
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: damaged weights file: {reason}") from error


def check_format(metadata: Any) -> str:
    """Return the format version; raises UnsoundError for what sinefit does not read."""
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise UnsoundError("it is a safetensors file, but not one that sinefit wrote")
    version = metadata.get("format_version")
    if version not in (FORMAT_VERSION, BLOCKS_VERSION, STACK_VERSION, MAPPED_VERSION):
        raise UnsoundError(
            f"its format version is {version!r}, this sinefit reads {FORMAT_VERSION} to "
            f"{MAPPED_VERSION}; use the version of sinefit that wrote it, or a newer one"
        )
    if not all(isinstance(value, str) for value in metadata.values()):
        raise UnsoundError("damaged weights file: its metadata are no strings")
    return str(version)


def is_stack(header: Mapping[str, Any], name: str) -> bool:
    """Tell from the header that `parse_header` returns whether the file holds many fields.

    Raises InputError, which calls the file `name`, for one that sinefit did not write.
    """
    with damage_told(name):
        return check_format(header.get("__metadata__")) == STACK_VERSION


def check_field(
    family: Family, size: NetworkSize, spec: SignalSpec, blocks: BlockGrid, record: FitRecord
) -> None:
    """Raise UnsoundError for parts that are not of one field."""
    features = spec.coordinate_features if blocks.count == 1 else spec.axes
    if (size.in_features, size.out_features) != (features, spec.channels):
        raise UnsoundError("damaged weights file: its network does not fit its signal")
    if (record.initializer is None) is (family is SINE):
        raise UnsoundError("damaged weights file: its initializer does not fit its network")
    if len(record.omega) != (size.in_features if family is SINE else 0):
        raise UnsoundError("damaged weights file: its omega does not fit its network")


def places_of(header: dict[str, Any], begin: int) -> dict[str, tuple[int, int]]:
    """Return of each tensor its first byte in the file and the first behind it."""
    return {
        key: (begin + first, begin + last)
        for key, entry in header.items()
        for first, last in [entry["data_offsets"]]
    }


def parse_header(content: Content) -> Parsed:
    """Return the JSON header of a safetensors file, and where its tensors begin."""
    text = header_text(content)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{content.name}: damaged weights file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise InputError(f"{content.name}: damaged weights file: its header is no JSON object")
    return header, 8 + len(text)


def json_object(metadata: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object in the metadata; raises UnsoundError for what is none."""
    try:
        value = json.loads(metadata[key], parse_constant=_refuse_constant)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnsoundError(
            f"damaged weights file: metadata {key!r} is missing or not JSON"
        ) from error
    if not isinstance(value, dict):
        raise UnsoundError(f"damaged weights file: metadata {key!r} is no JSON object")
    return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _check_types(values: dict[str, Any], types: dict[str, tuple[type, ...]]) -> None:
    for name in sorted(types.keys() | values.keys()):
        if name not in values or type(values[name]) not in types.get(name, ()):
            raise UnsoundError(
                f"damaged weights file: {name!r} in its metadata is missing, unknown or of no use"
            )


def network_of(values: dict[str, Any]) -> tuple[Family, NetworkSize]:
    """Return what `network_values` told; raises UnsoundError for anything else."""
    # Files of the first release have no family: theirs are sine networks.
    name = values.pop("family", SINE.name)
    family = FAMILIES.get(name) if isinstance(name, str) else None
    if family is None:
        raise UnsoundError(
            f"its network is of the family {name!r}, which this sinefit does not know; use the "
            "version of sinefit that wrote it, or a newer one"
        )
    settings = values.pop("settings", {})
    if not isinstance(settings, dict):
        raise UnsoundError("damaged weights file: the settings of its network are no JSON object")
    for parameter in parameters_of(type(family)):
        if parameter.name not in settings or not parameter.allows(settings[parameter.name]):
            raise UnsoundError(
                f"damaged weights file: {parameter.name!r} of its network is missing or of no use"
            )
    if unknown := settings.keys() - {each.name for each in parameters_of(type(family))}:
        raise UnsoundError(f"damaged weights file: its network has no {min(unknown)!r}")
    if settings:
        family = dataclasses.replace(family, **settings)
    _check_types(values, _SIZE_TYPES)
    if not all(1 <= value < 2**20 for value in values.values()):
        raise UnsoundError("damaged weights file: the size of its network makes no sense")
    return family, NetworkSize(**values)


def signal_spec_of(values: dict[str, Any]) -> SignalSpec:
    """Return what `spec_values` told; raises UnsoundError for what no signal can be."""
    # Files of 0.1.0 have no footprint.
    values = {"footprint": SignalSpec.footprint, **_USUAL_MAPPING, **values}
    _check_types(values, _SIGNAL_TYPES)
    rate = values["rate"]
    if rate is not None:
        # No more than what is written, above all no exponent: it could ask for any memory.
        if not re.fullmatch("[0-9]{1,18}(/[0-9]{1,18})?", rate):
            raise UnsoundError("damaged weights file: its rate is no number")
        rate = Fraction(rate)
    spec = SignalSpec(**{**values, "rate": rate, "shape": tuple(values["shape"])})
    sound = (
        spec.kind in KINDS
        and spec.domain in DOMAINS
        and spec.footprint in FOOTPRINTS
        and spec.coordinates in COORDINATES
        and spec.targets in TARGETS
        and 1 <= len(spec.shape) <= 32
        and all(type(size) is int and 1 <= size < 2**40 for size in spec.shape)
        and 1 <= spec.channels < 2**20
        and range_fault(spec.low, spec.high) is None
        and spec.dtype in _SAMPLE_TYPES
        and math.prod(spec.shape) * spec.channels * _bytes_of(spec.dtype) < LARGEST_SIGNAL
        and (spec.rate is None or spec.rate > 0)
        and (spec.rate is not None or spec.kind not in ("audio", "video"))
        and len(spec.shape) == {"image": 2, "audio": 1, "video": 3}.get(spec.kind, len(spec.shape))
        and (spec.domain == "grid" or len(spec.shape) == 2)
    )
    if not sound:
        raise UnsoundError("damaged weights file: its description of the signal contradicts itself")
    return spec


def _bytes_of(dtype: str) -> int:
    """Return the bytes of one sample by the name of its type."""
    bits = dtype.lstrip(string.ascii_letters)
    return int(bits) // 8 if bits else 1


def fit_record_of(values: dict[str, Any], spec: SignalSpec) -> FitRecord:
    """Return the record of a fit of a signal; raises UnsoundError for what none can be."""
    # Files of the first version do not tell these: every sample was trained on and measured, and
    # there was one way to train.
    usual = {"schedule": "cosine", "betas": [0.9, 0.99], "epsilon": None, "precision": "auto"}
    values = {"psnr_samples": spec.sample_count, **dict.fromkeys(_HELD_OUT), **usual, **values}
    for name in _DECIBELS:
        if values.get(name) in ("inf", "-inf"):
            values[name] = float(values[name])
    _check_types(values, _RECORD_TYPES)
    for name in ("psnr_range", *_DECIBELS):
        if values.get(name) is not None:
            values[name] = float(values[name])
    for name in ("omega", "learning_rates"):
        if any(type(value) not in (float, int) for value in values[name]):
            raise UnsoundError(f"damaged weights file: its {name} are no numbers")
        values[name] = tuple(float(value) for value in values[name])
        if not all(0 < value < math.inf for value in values[name]):
            raise UnsoundError(f"damaged weights file: its {name} are not greater than 0")
    betas, epsilon = values["betas"], values["epsilon"]
    if len(betas) != 2 or not all(type(beta) in (float, int) and 0 <= beta < 1 for beta in betas):
        raise UnsoundError("damaged weights file: its betas are no decay rates")
    if epsilon is not None and not 0 < epsilon < math.inf:
        raise UnsoundError("damaged weights file: its epsilon is not greater than 0")
    values["betas"] = tuple(float(beta) for beta in betas)
    measured = values["psnr_samples"]
    if not 0 <= measured <= spec.sample_count:
        raise UnsoundError("damaged weights file: it was measured on samples that there are not")
    if measured and None in (values["psnr"], values["psnr_float"]):
        raise UnsoundError("damaged weights file: what was measured has no PSNR")
    return FitRecord(**values)


def _blocks(metadata: dict[str, Any], spec: SignalSpec) -> BlockGrid:
    """Return the grid of blocks: a single one where the file tells of none."""
    version = metadata["format_version"]
    if version == FORMAT_VERSION or (version == MAPPED_VERSION and "blocks" not in metadata):
        return BlockGrid.single(spec)
    values = {"ensemble": 1, **json_object(metadata, "blocks")}
    _check_types(values, _BLOCK_TYPES)
    if any(type(each) is not int for name in ("counts", "margins") for each in values[name]):
        raise UnsoundError("damaged weights file: its blocks are no whole numbers")
    try:
        blocks = BlockGrid.over(spec, values["counts"], values["margins"], values["ensemble"])
    except SettingError as error:
        raise UnsoundError("damaged weights file: its blocks do not fit its signal") from error
    if blocks.count == 1:
        raise UnsoundError("damaged weights file: it tells of blocks, of which it has one")
    return blocks


def _shapes(
    family: Family, size: NetworkSize, blocks: BlockGrid, tensors: int
) -> dict[str, tuple[int, ...]]:
    """Return the tensors' shapes; every layer has a tensor, so that depth cannot be made up."""
    if size.depth > tensors:
        raise UnsoundError("damaged weights file: tensors of its network are missing")
    members = () if blocks.count == 1 else (blocks.count,)
    return {name: (*members, *shape) for name, shape in family.shapes(size).items()}


def to_json(values: dict[str, Any]) -> str:
    """Write JSON that every reader takes: infinite numbers become the strings "inf" and "-inf"."""
    plain = {
        key: str(value) if isinstance(value, float) and math.isinf(value) else value
        for key, value in values.items()
    }
    return json.dumps(plain, sort_keys=True, allow_nan=False)
