"""What a page is told of its field: the numbers that its script needs, and the figures it shows."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from sinefit.signals.blocks import width_first
from sinefit.version import __version__
from sinefit.view.weights import layout_of

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.view.original import Original

_UNITS = {"image": "px", "video": "px", "array": "samples", "audio": "samples"}


def describe_field(field: Field, name: str, original: Original | None = None) -> dict[str, Any]:
    """Return the description of a field, of types that JSON has; `name` is the page's title."""
    spec, size = field.spec, field.network.size
    return {
        "name": name,
        "kind": spec.kind,
        "shape": spec.shape,
        "channels": spec.channels,
        "alpha": spec.alpha,
        "low": spec.low,
        "high": spec.high,
        "rate": None if spec.rate is None else float(spec.rate),
        "domain": spec.domain,
        "unit": _UNITS[spec.kind],
        "ensemble": field.blocks.ensemble,
        "blocks": [dataclasses.asdict(axis) for axis in field.blocks.axes],
        "network": {
            "in": size.in_features,
            "width": size.width,
            "depth": size.depth,
            "out": size.out_features,
        },
        "weights": dataclasses.asdict(layout_of(field.network)),
        "original": original is not None,
        "facts": figures(field, original),
    }


def operations_per_sample(field: Field) -> float:
    """Return the additions and multiplications that one sample of a render takes.

    Blocks overlap: where two reach, both networks are evaluated. Sines are not counted.
    """
    size, blocks = field.network.size, field.blocks
    products = sum(fan_out * fan_in for fan_out, fan_in in size.layers)
    reached = sum(blocks.samples_in(number) for number in range(blocks.count))
    return 2.0 * products * reached / field.spec.sample_count


def figures(field: Field, original: Original | None) -> list[tuple[str, str]]:
    """Return what a page tells of a fit: names and texts."""
    spec, record, size = field.spec, field.record, field.network.size
    extent = "x".join(map(str, width_first(spec.shape, spec.kind)))
    counts = "x".join(map(str, width_first(field.blocks.counts, spec.kind)))
    weights = field.blocks.count * size.parameter_count
    shape = f"{size.width} wide, {size.depth} sine layers"
    several, ensemble = field.blocks.count > 1, field.blocks.ensemble
    mean = f", the mean of {ensemble} each" if ensemble > 1 else ""
    values = spec.sample_count * spec.channels
    found = [
        ("Signal", f"{spec.kind}, {extent}, {spec.channels} channels, {spec.bit_depth} bit"),
        ("Networks", f"{counts} blocks, {shape}{mean}" if several else f"one, {shape}"),
        ("Weights", f"{weights:,}, {weights / values:.2g} per value"),
        ("Initializer", record.initializer or "of its own"),
        ("Omega", ", ".join(f"{value:.4g}" for value in record.omega)),
        ("Steps", f"{record.steps:,} of {record.batch:,} samples{' per block' if several else ''}"),
    ]
    if record.psnr is not None:
        found.insert(1, ("PSNR", _decibels(record.psnr)))
    if record.snr is not None:
        found.insert(2, ("SNR", _decibels(record.snr)))
    found.append(("Operations", f"{operations_per_sample(field):,.0f} per sample"))
    if original is not None and original.factor > 1:
        found.append(("Original", f"reduced to 1/{original.factor}"))
    return [*found, ("Made by", f"sinefit {__version__}")]


def _decibels(value: float) -> str:
    return "without any error" if math.isinf(value) else f"{value:.2f} dB"
