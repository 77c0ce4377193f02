"""How a field was fitted, as far as it is the same for every run of the same settings.

Of a field of several blocks it tells what is alike in all, and of what differs one figure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FitRecord:
    """What a weights file tells of the fit that made it; no times, so that runs compare equal."""

    initializer: str | None
    """The recipe with all its parameters, as `--init` takes it; None for a network that is no sine
    network and has a start of its own."""
    omega: tuple[float, ...]
    """First-layer frequency factor per coordinate; of several blocks their geometric mean; of a
    network that is no sine network none."""
    seed: int
    steps: int
    """Optimiser steps taken, those of an earlier fit it started from not counted; of several
    blocks, those of the one that took most."""
    batch: int
    """Samples per step, of each block."""
    learning_rates: tuple[float, ...]
    """Adam's peak rate on each layer's effective weights, first layer first; of the first layer's
    columns, which each follow the omega of their axis, it is that of their mean; of several blocks
    their geometric mean. The one rate of a network that is no sine network."""
    psnr: float | None
    """PSNR in dB as saved: of values rounded to the signal's own sample type; inf for no error,
    None where it was not measured."""
    psnr_float: float | None
    """PSNR in dB of the field's values, not rounded."""
    psnr_range: float
    """The range that both refer to, in units of the signal's values."""
    snr: float | None
    """For sound, the signal-to-noise ratio in dB as saved."""
    psnr_samples: int = 0
    """Samples that these were measured on, unknown ones among them, fewer than the signal has for
    an estimate; 0 where they were not measured, and in a checkpoint, whose PSNR is that of the
    latest batches."""
    holdout: str | None = None
    """Which samples were never trained on, as `--holdout` takes it; `psnr`, `psnr_float` and `snr`
    are then those of the others. None: all samples were trained on."""
    psnr_holdout: float | None = None
    """PSNR in dB as saved over samples that were never trained on."""
    psnr_gradient: float | None = None
    """PSNR in dB of the field's gradient at these samples, against central differences of the
    signal, over the range of such differences."""
    schedule: str = "cosine"
    """Course of the rates: "cosine" or "constant"."""
    betas: tuple[float, ...] = (0.9, 0.99)
    """Adam's two decay rates."""
    epsilon: float | None = None
    """Adam's epsilon beside gradients by the initializer's own weights; None for one far below all
    gradients."""
    precision: str = "auto"
    """What was asked of products: "auto", "float32" or "float64"."""
    supervise: str = "values"
    """What of the signal was fitted: "values", "gradient" or "laplacian"."""
