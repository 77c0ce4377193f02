"""What a weights file says of itself: its header, read and checked without the weights.

A safetensors file begins with the length of a JSON header in 8 bytes and the header itself, which
names every tensor's type, shape and place, and holds the metadata as strings. Reading checks all
that header and metadata say against each other before a tensor is made, and needs no torch.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import string
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sinefit.errors import InputError
from sinefit.fields.record import FitRecord
from sinefit.fields.schema import json_types
from sinefit.networks.registry import FAMILIES
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import DOMAINS, KINDS, SignalSpec, range_fault
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sinefit.networks.family import Family

FORMAT: Final = "sinefit"
FORMAT_VERSION: Final = "1"
SUFFIX: Final = ".safetensors"
MAX_BYTES: Final = 2**31
"""Largest weights file that is read, 2 GiB."""
MAX_HEADER: Final = 2**22
"""Largest header that is read, 4 MiB: parsed, it takes fifty times as much."""
LARGEST_SIGNAL: Final = 2**40
"""Bytes of samples, 1 TiB, that no fitted signal can have had: it would be 64 times the largest
that is read where nothing else is asked for."""
BYTE_TENSORS: Final = ("icc_profile", "soundtrack")
"""Fields of `SignalSpec` that are kept as tensors of bytes."""
STATE_PREFIX: Final = "state."
"""How the names of tensors begin that only a checkpoint has."""
STORAGE_TYPES: Final = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Types of stored weights, by their name in the header."""

_ITEM_BYTES: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Bytes of one value, by the name of its type in the header."""
_EXPONENTS: Final = {"F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}
"""How many bits a stored weight has, and which of them are its exponent."""
_HEAD_BYTES: Final = 16
_PIECE_BYTES: Final = 2**24
_SIGNAL_TYPES: Final = json_types(SignalSpec)
_SIZE_TYPES: Final = json_types(NetworkSize)
_RECORD_TYPES: Final = json_types(FitRecord)
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_SAMPLE_TYPES: Final = frozenset({"bool", *_INTEGERS, "float16", "float32", "float64"})


@dataclass(frozen=True)
class WeightsHeader:
    """Everything in a weights file but the tensors."""

    spec: SignalSpec
    """The fitted signal, without the bytes that are kept as tensors."""
    family: Family
    size: NetworkSize
    record: FitRecord
    storage: str
    """Type of the stored weights: "float32", "float16" or "bfloat16"."""
    tool_version: str
    """Version of the sinefit that wrote the file."""
    byte_tensors: tuple[str, ...]
    """Which of `BYTE_TENSORS` the file has."""
    checkpoint: str | None
    """What makes the file a checkpoint, a JSON object; None for a finished field."""


def make_metadata(
    spec: SignalSpec, family: Family, size: NetworkSize, record: FitRecord
) -> dict[str, str]:
    """Return the metadata of a weights file, strings by key."""
    signal = dataclasses.asdict(spec)
    for name in BYTE_TENSORS:
        del signal[name]
    signal["rate"] = None if spec.rate is None else str(spec.rate)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "signal": to_json(signal),
        "network": to_json({"family": family.name, **dataclasses.asdict(size)}),
        "fit": to_json(dataclasses.asdict(record)),
    }


def read_content(path: Path, most: int = MAX_BYTES) -> bytes:
    """Read a weights file's bytes; raises InputError if it cannot be read or is too large."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: it is a folder; name a weights file")
        with path.open("rb") as file:
            return read_stream(file, str(path), most)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the name") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def read_stream(file: BinaryIO, name: str, most: int = MAX_BYTES) -> bytes:
    """Read a weights file's bytes from an open file, or from a pipe, which may have no end.

    Raises InputError, which calls the file `name`, when it begins otherwise or is too large.
    """
    head = file.read(_HEAD_BYTES)
    if not is_weights_file(head):
        raise InputError(f"{name}: not a weights file; make one with: sinefit fit")
    pieces = [head]
    size = len(head)
    while piece := file.read(_PIECE_BYTES):
        size += len(piece)
        if size > most:
            raise InputError(f"{name}: more than {most} bytes are too many for a weights file")
        pieces.append(piece)
    return b"".join(pieces)


def read_header(content: bytes, name: str) -> WeightsHeader:
    """Read and check the header of a weights file's bytes; `name` is for error messages.

    Raises InputError for anything that sinefit did not write, or not in this format version.
    """
    header = _parse(content, name)
    metadata = header.pop("__metadata__", None)
    try:
        if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
            raise _UnsoundError("it is a safetensors file, but not one that sinefit wrote")
        version = metadata.get("format_version")
        if version != FORMAT_VERSION:
            raise _UnsoundError(
                f"its format version is {version!r}, this sinefit reads {FORMAT_VERSION}; "
                "use the version of sinefit that wrote it, or a newer one"
            )
        family, size = _network(_object(metadata, "network"))
        spec = _signal_spec(_object(metadata, "signal"))
        record = _fit_record(_object(metadata, "fit"), spec)
        if (size.in_features, size.out_features) != (spec.coordinate_features, spec.channels):
            raise _UnsoundError("damaged weights file: its network does not fit its signal")
        if len(record.omega) != size.in_features:
            raise _UnsoundError("damaged weights file: its omega does not fit its network")
        checkpoint = metadata.get("checkpoint")
        shapes = _shapes(family, size, len(header))
        storage = _check_tensors(header, shapes, is_checkpoint=checkpoint is not None)
        begin = 8 + int.from_bytes(content[:8], "little")
        _check_places(header, len(content) - begin)
        _check_finite(header, shapes, memoryview(content)[begin:])
    except _UnsoundError as error:
        raise InputError(f"{name}: {error}") from error
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: damaged weights file: {reason}") from error
    present = tuple(key for key in BYTE_TENSORS if key in header)
    version = str(metadata.get("tool_version", "unknown"))
    return WeightsHeader(spec, family, size, record, storage, version, present, checkpoint)


def is_weights_file(head: bytes) -> bool:
    """Tell from a file's first bytes whether it is a safetensors file."""
    return len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MAX_HEADER


class _UnsoundError(Exception):
    """The content contradicts itself or the format; the message says how."""


def _parse(content: bytes, name: str) -> dict[str, Any]:
    """Return the JSON header of a safetensors file: its length in 8 bytes, then itself."""
    if not is_weights_file(content):
        raise InputError(f"{name}: not a weights file; make one with: sinefit fit")
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length:
        raise InputError(f"{name}: damaged weights file: it ends within its header")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: damaged weights file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise InputError(f"{name}: damaged weights file: its header is no JSON object")
    return header


def _object(metadata: dict[str, Any], key: str) -> dict[str, Any]:
    try:
        value = json.loads(metadata[key], parse_constant=_refuse_constant)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _UnsoundError(
            f"damaged weights file: metadata {key!r} is missing or not JSON"
        ) from error
    if not isinstance(value, dict):
        raise _UnsoundError(f"damaged weights file: metadata {key!r} is no JSON object")
    return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _check_types(values: dict[str, Any], types: dict[str, tuple[type, ...]]) -> None:
    for name in sorted(types.keys() | values.keys()):
        if name not in values or type(values[name]) not in types.get(name, ()):
            raise _UnsoundError(
                f"damaged weights file: {name!r} in its metadata is missing, unknown or of no use"
            )


def _network(values: dict[str, Any]) -> tuple[Family, NetworkSize]:
    # Files of the first release have no family: theirs are sine networks.
    name = values.pop("family", SINE.name)
    family = FAMILIES.get(name) if isinstance(name, str) else None
    if family is None:
        raise _UnsoundError(
            f"its network is of the family {name!r}, which this sinefit does not know; use the "
            "version of sinefit that wrote it, or a newer one"
        )
    _check_types(values, _SIZE_TYPES)
    if not all(1 <= value < 2**20 for value in values.values()):
        raise _UnsoundError("damaged weights file: the size of its network makes no sense")
    return family, NetworkSize(**values)


def _signal_spec(values: dict[str, Any]) -> SignalSpec:
    _check_types(values, _SIGNAL_TYPES)
    rate = values["rate"]
    if rate is not None:
        # No more than what is written, above all no exponent: it could ask for any memory.
        if not re.fullmatch("[0-9]{1,18}(/[0-9]{1,18})?", rate):
            raise _UnsoundError("damaged weights file: its rate is no number")
        rate = Fraction(rate)
    spec = SignalSpec(**{**values, "rate": rate, "shape": tuple(values["shape"])})
    sound = (
        spec.kind in KINDS
        and spec.domain in DOMAINS
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
        raise _UnsoundError(
            "damaged weights file: its description of the signal contradicts itself"
        )
    return spec


def _bytes_of(dtype: str) -> int:
    """Return the bytes of one sample by the name of its type."""
    bits = dtype.lstrip(string.ascii_letters)
    return int(bits) // 8 if bits else 1


def _fit_record(values: dict[str, Any], spec: SignalSpec) -> FitRecord:
    # Files of the first version do not tell this: every sample was measured.
    values = {"psnr_samples": spec.sample_count, **values}
    for name in ("psnr", "psnr_float", "snr"):
        if values.get(name) in ("inf", "-inf"):
            values[name] = float(values[name])
    _check_types(values, _RECORD_TYPES)
    for name in ("psnr", "psnr_float", "psnr_range", "snr"):
        if values.get(name) is not None:
            values[name] = float(values[name])
    for name in ("omega", "learning_rates"):
        if any(type(value) not in (float, int) for value in values[name]):
            raise _UnsoundError(f"damaged weights file: its {name} are no numbers")
        values[name] = tuple(float(value) for value in values[name])
        if not all(0 < value < math.inf for value in values[name]):
            raise _UnsoundError(f"damaged weights file: its {name} are not greater than 0")
    measured = values["psnr_samples"]
    if not 0 <= measured <= spec.sample_count:
        raise _UnsoundError("damaged weights file: it was measured on samples that there are not")
    if measured and None in (values["psnr"], values["psnr_float"]):
        raise _UnsoundError("damaged weights file: what was measured has no PSNR")
    return FitRecord(**values)


def _shapes(family: Family, size: NetworkSize, tensors: int) -> Mapping[str, tuple[int, ...]]:
    """Return the parameters' shapes; every layer has a tensor, so that depth cannot be made up."""
    if size.depth > tensors:
        raise _UnsoundError("damaged weights file: tensors of its network are missing")
    return family.shapes(size)


def _check_tensors(
    header: dict[str, Any], expected: Mapping[str, tuple[int, ...]], *, is_checkpoint: bool
) -> str:
    """Check that the header has tensors of these shapes and no others; return their type."""
    for name, shape in expected.items():
        entry = header.get(name)
        if not isinstance(entry, dict):
            raise _UnsoundError(f"damaged weights file: tensor {name} is missing")
        if entry.get("dtype") not in STORAGE_TYPES or entry.get("shape") != list(shape):
            raise _UnsoundError(f"damaged weights file: tensor {name} has a wrong type or shape")
    for name, entry in header.items():
        if name in expected or (is_checkpoint and name.startswith(STATE_PREFIX)):
            continue
        if name not in BYTE_TENSORS:
            raise _UnsoundError(f"damaged weights file: tensor {name!r} does not belong there")
        if not isinstance(entry, dict) or entry.get("dtype") != "U8":
            raise _UnsoundError(f"damaged weights file: tensor {name} has a wrong type")
    (*types,) = {header[name]["dtype"] for name in expected}
    if len(types) > 1:
        raise _UnsoundError("damaged weights file: its tensors are of different types")
    return STORAGE_TYPES[types[0]]


def _check_places(header: dict[str, Any], available: int) -> None:
    """Check that the tensors follow each other without a gap and end where the file does."""
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, last = entry["data_offsets"]
        size = math.prod(entry["shape"]) * _ITEM_BYTES[entry["dtype"]]
        if begin != end or last - begin != size or min(entry["shape"], default=0) < 0:
            raise _UnsoundError(f"damaged weights file: tensor {name} lies where it cannot")
        end = last
    if end > available:
        raise _UnsoundError("damaged weights file: it ends within its tensors; get another copy")
    if end < available:
        raise _UnsoundError("damaged weights file: it goes on after its tensors; get another copy")


def _check_finite(header: dict[str, Any], names: Iterable[str], tensors: memoryview) -> None:
    """Check that all weights are numbers: that their exponents are not the one of NaN and inf."""
    for name in names:
        word, exponent = _EXPONENTS[header[name]["dtype"]]
        begin, last = header[name]["data_offsets"]
        size = int(word[-1])
        highest = exponent >> 8 * (size - 1)
        usual = bytes(byte for byte in range(256) if byte & highest != highest)
        if not bytes(tensors[begin + size - 1 : last : size]).translate(None, delete=usual):
            continue
        # Weights so large are rare, and NumPy, which looks at them, takes long to load.
        import numpy as np

        bits = np.frombuffer(tensors[begin:last], word)
        if bool(((bits & exponent) == exponent).any()):
            raise _UnsoundError("damaged weights file: some weights are not finite numbers")


def to_json(values: dict[str, Any]) -> str:
    """Write JSON that every reader takes: infinite numbers become the strings "inf" and "-inf"."""
    plain = {
        key: str(value) if isinstance(value, float) and math.isinf(value) else value
        for key, value in values.items()
    }
    return json.dumps(plain, sort_keys=True, allow_nan=False)
