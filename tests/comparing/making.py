"""Results of cells, made up, and fields whose signals they are without any error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.comparing.results import CellResult
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import Signal
from tests.fitting.making import outputs_of, random_network

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

DRAWN = np.random.default_rng(0)


def cell(init: str | None, seed: int, file: str = "a.png", **others: Any) -> CellResult:
    values: dict[str, Any] = {
        "network": "sine" if init else "finer",
        "omega": "auto" if init else None,
        "width": 16,
        "depth": 3,
        "settings": (),
        "psnr": float(DRAWN.normal(30, 2)),
        "psnr_holdout": None,
        "psnr_gradient": float(DRAWN.normal(25, 2)),
        "ssim": float(DRAWN.uniform()),
        "samples_per_second": float(DRAWN.uniform(1e5, 1e6)),
        "seconds": float(DRAWN.uniform(1, 9)),
        "parameters": 1234,
        "steps": 50,
        "batch": 64,
        "operations": 1e9,
        "learning_rates": (0.02, 0.001),
        "holdout": None,
        "ended_by": "steps",
        "weights": "w.safetensors",
        "curve": ((50, 1.0, 20.0),),
    }
    return CellResult(file=file, init=init, seed=seed, **{**values, **others})


def field_on(spec: SignalSpec, seed: int = 0) -> Field:
    """A field of some smooth waves."""
    network = random_network(
        NetworkSize(spec.coordinate_features, 12, 2, spec.channels), seed
    ).clone()
    network.parameters["layers.0.weight"].mul_(6.0)
    network.parameters["layers.2.weight"].mul_(0.3)  # within the range
    network.parameters["layers.2.bias"].zero_()
    record = FitRecord("siren", (1.0,) * spec.axes, 0, 1, 1, (1.0,) * 3, None, None, 1.0, None)
    return Field(network, spec, record)


def signal_of(field: Field) -> Signal:
    """The signal that a field is without any error but rounding."""
    values = np.clip(outputs_of(field.network, field.spec), -1.0, 1.0).astype(np.float32)
    return Signal(field.spec, field.spec.store(values))
