"""What a weights file or a signal says of itself, by name and of types that JSON has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sinefit.fields.metadata import network_values
from sinefit.fields.tensors import BYTE_TENSORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.fields.metadata import WeightsHeader
    from sinefit.signals.signal import Signal, SignalSpec


def weights_values(header: WeightsHeader, name: str) -> dict[str, Any]:
    """Return what a weights file says; of the parts that are bytes, which are there."""
    spec = header.spec
    return {
        "file": name,
        "type": "weights",
        "bytes": header.total_bytes,
        "source_bytes": spec.source_bytes,
        "share_of_source": header.total_bytes / spec.source_bytes if spec.source_bytes else None,
        "bits_per_sample": 8 * header.total_bytes / spec.sample_count,
        "parameters": header.parameter_count,
        "weights_per_value": header.parameter_count / (spec.sample_count * spec.channels),
        "storage": header.storage,
        "tool_version": header.tool_version,
        "signal": {
            **_spec_values(spec),
            **{part: part in header.byte_tensors for part in BYTE_TENSORS},
        },
        "network": network_values(header.family, header.size),
        "blocks": {
            "count": header.blocks.count,
            "counts": header.blocks.counts,
            "cell": header.blocks.cell,
            "margins": header.blocks.margins,
            "ensemble": header.blocks.ensemble,
        },
        "fit": dataclasses.asdict(header.record),
    }


def stack_values(headers: Mapping[str, WeightsHeader], name: str, size: int) -> dict[str, Any]:
    """Return what the file of a stack, of so many bytes, says of its fields, by their names."""
    first = next(iter(headers.values()))
    known = [each.record.psnr for each in headers.values() if each.record.psnr is not None]
    return {
        "file": name,
        "type": "stack",
        "bytes": size,
        "count": len(headers),
        "parameters": len(headers) * first.parameter_count,
        "storage": first.storage,
        "tool_version": first.tool_version,
        "network": network_values(first.family, first.size),
        "psnr_mean": sum(known) / len(known) if known else None,
        "psnr_lowest": min(known, default=None),
        "fields": [
            {"name": key, "shape": each.spec.shape, "psnr": each.record.psnr}
            for key, each in headers.items()
        ],
    }


def signal_values(signal: Signal, name: str) -> dict[str, Any]:
    """Return what a signal says; of the parts that are bytes, which are there."""
    spec = signal.spec
    return {
        "file": name,
        "type": "signal",
        "bytes": spec.source_bytes,
        "signal": {
            **_spec_values(spec),
            **{part: getattr(spec, part) is not None for part in BYTE_TENSORS},
        },
        "notices": list(signal.notices),
    }


def _spec_values(spec: SignalSpec) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(BYTE_TENSORS)
    without_bytes = dataclasses.replace(spec, **nothing)
    return {
        **dataclasses.asdict(without_bytes),
        "rate": None if spec.rate is None else str(spec.rate),
    }
