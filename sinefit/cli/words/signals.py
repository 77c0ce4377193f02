"""Signals in words, and on how much of one a quality rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec


def describe_signal(spec: SignalSpec) -> str:
    """Return one line about a signal: kind, size, channels, depth and rate."""
    if spec.kind == "image":
        extent = f"{spec.shape[1]}x{spec.shape[0]} pixels"
    elif spec.kind == "video":
        assert spec.rate is not None
        extent = (
            f"{spec.shape[0]} frames of {spec.shape[2]}x{spec.shape[1]} at {float(spec.rate):g} fps"
        )
    elif spec.kind == "audio":
        assert spec.rate is not None
        extent = f"{spec.shape[0]} samples at {float(spec.rate):g} Hz"
    else:
        extent = "x".join(str(size) for size in spec.shape) + " samples"
    channels = f"{spec.channels} channel{'s' if spec.channels > 1 else ''}"
    return f"{spec.kind}, {extent}, {channels}, {spec.bit_depth} bit"


def measured_words(samples: int, of: int) -> str:
    """Return on how many samples of a signal a PSNR was measured."""
    if samples == 0:
        return "not measured"
    return (
        f"measured on all {of:,} samples"
        if samples == of
        else (f"estimated from {samples:,} of {of:,} samples")
    )


def range_name(spec: SignalSpec) -> str:
    """Return what PSNR's range is for this kind of signal."""
    if spec.kind == "audio":
        return f"range: twice the peak, {spec.value_range:.4g}"
    if not spec.full_scale:
        return f"range: that of the values, {spec.value_range:.4g}"
    return f"range: full scale, {spec.value_range:g}"
