"""Fields of any sort, drawn by hypothesis, and weights files taken apart."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.networks.size import NetworkSize
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import COORDINATES, KINDS, TARGETS, SignalSpec
from tests.engines.making import random_network

TYPES = ("bool", "uint8", "int16", "uint16", "int32", "int64", "float16", "float32", "float64")
finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(1e-6, 1e6)
decibels = st.floats(-200, 400) | st.sampled_from([math.inf, -math.inf])
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
rates = st.fractions(Fraction(1, 1000), 10**6, max_denominator=10**6)


@st.composite
def specs(draw: st.DrawFn) -> SignalSpec:
    kind = draw(st.sampled_from(KINDS))
    axes = {"image": 2, "audio": 1, "video": 3}.get(kind) or draw(st.integers(1, 5))
    domain = draw(st.sampled_from(["grid", "sphere"])) if (kind, axes) == ("array", 2) else "grid"
    low, height = draw(st.floats(-1e6, 1e6)), draw(st.floats(1e-3, 1e6))
    return SignalSpec(
        kind=kind,
        shape=tuple(
            draw(st.lists(st.integers(1, 2 ** (34 // axes)), min_size=axes, max_size=axes))
        ),
        channels=draw(st.integers(1, 5)),
        dtype=draw(st.sampled_from(TYPES)),
        low=low,
        high=low + height,
        format=draw(st.sampled_from(["png", "wav", "mp4", "npy"])),
        bit_depth=draw(st.sampled_from([1, 8, 16, 24, 32, 64])),
        rate=draw(rates) if kind in ("audio", "video") else None,
        encoding=draw(st.none() | st.just("PCM_16")),
        alpha=draw(st.booleans()),
        icc_profile=draw(st.none() | st.binary(min_size=1, max_size=40)),
        soundtrack=draw(st.none() | st.binary(min_size=1, max_size=40)),
        channels_last=draw(st.booleans()),
        domain=domain,  # type: ignore[arg-type]
        coordinates=draw(st.sampled_from(COORDINATES)),
        targets=draw(st.sampled_from(TARGETS)),
        source=draw(st.none() | names),
        source_bytes=draw(st.none() | st.integers(0, 2**50)),
    )


@st.composite
def grids_of_blocks(draw: st.DrawFn, spec: SignalSpec) -> BlockGrid:
    """One block half of the time, else some along any axes."""
    if draw(st.booleans()):
        return BlockGrid.single(spec)
    counts = [draw(st.integers(1, min(3, size))) for size in spec.shape]
    pairs = zip(spec.shape, counts, strict=True)
    most = [size // count // 2 if count > 1 else 0 for size, count in pairs]
    margins = [draw(st.integers(0, margin)) for margin in most]
    is_whole_sphere = spec.domain == "sphere" and math.prod(counts) == 1
    ensemble = 1 if is_whole_sphere else draw(st.integers(1, 3))
    return BlockGrid.over(spec, counts, margins, ensemble)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    spec = draw(specs())
    blocks = draw(grids_of_blocks(spec))
    features = spec.coordinate_features if blocks.count == 1 else spec.axes
    size = NetworkSize(features, draw(st.integers(1, 5)), draw(st.integers(1, 3)), spec.channels)
    is_measured = draw(st.booleans())
    holdout = draw(st.none() | st.sampled_from(["5%", "grid:2"]))
    has_scores = is_measured and holdout is not None
    record = FitRecord(
        initializer=draw(st.sampled_from(["siren", "lambert:sigma_a=1"])),
        omega=tuple(draw(positive) for _ in range(size.in_features)),
        seed=draw(st.integers(0, 2**63 - 1)),
        steps=draw(st.integers(0, 2**40)),
        batch=draw(st.integers(1, 2**40)),
        learning_rates=tuple(draw(positive) for _ in range(size.depth + 1)),
        psnr=draw(decibels) if is_measured else None,
        psnr_float=draw(decibels) if is_measured else None,
        psnr_range=draw(positive),
        snr=draw(st.none() | decibels),
        psnr_samples=draw(st.integers(0, spec.sample_count if is_measured else 0)),
        holdout=holdout,
        psnr_holdout=draw(decibels) if has_scores else None,
        psnr_gradient=draw(decibels) if has_scores else None,
        schedule=draw(st.sampled_from(["cosine", "constant"])),
        betas=draw(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 2)),
        epsilon=draw(st.none() | positive),
        precision=draw(st.sampled_from(["auto", "float32", "float64"])),
    )
    network = random_network(size, blocks.count, seed=draw(st.integers(0, 99)))
    return Field(network, spec, record, blocks)


def small_field() -> Field:
    spec = SignalSpec(
        "image", (4, 6), 3, "uint8", 0.0, 255.0, "png", 8, icc_profile=b"profile", source="a.png"
    )
    record = FitRecord("siren", (30.0, 20.0), 1, 2, 3, (1e-3,) * 3, 30.0, 29.5, 255.0, None)
    return Field(random_network(NetworkSize(2, 5, 2, 3)), spec, record)


def field_of_blocks(ensemble: int = 1) -> Field:
    """Twelve blocks on a picture, three rows of four."""
    spec = SignalSpec("image", (30, 40), 3, "uint8", 0.0, 255.0, "png", 8, icc_profile=b"profile")
    record = FitRecord("siren", (30.0, 20.0), 1, 2, 3, (1e-3,) * 3, 30.0, 29.5, 255.0, None)
    blocks = BlockGrid.over(spec, (3, 4), (2, 3), ensemble)
    return Field(random_network(NetworkSize(2, 5, 2, 3), blocks.count), spec, record, blocks)


def take_apart(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file and what follows it."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(header: Any, tensors: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def with_metadata(content: bytes, part: str, **changes: Any) -> bytes:
    """Change values of one JSON object of the metadata; `...` removes them."""
    header, tensors = take_apart(content)
    values = json.loads(header["__metadata__"][part]) | changes
    kept = {key: value for key, value in values.items() if value is not ...}
    header["__metadata__"][part] = json.dumps(kept)
    return put_together(header, tensors)
