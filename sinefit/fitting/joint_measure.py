"""Measuring many small fits at once: networks of one size against signals of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sinefit import metrics
from sinefit.engines.evaluation import EXACT_BITS, choose_evaluator
from sinefit.fitting.measure import ESTIMATED, FLOAT_PSNR
from sinefit.fitting.tally import Tally, piece_errors
from sinefit.rendering.footprints import own_footprint
from sinefit.signals.grid import Grid
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.engines.derived import DerivedOutputs
    from sinefit.fitting.holdout import Holdout
    from sinefit.fitting.tally import Quality
    from sinefit.networks.network import Network
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal, SignalSpec


def is_measured_jointly(
    signal: Signal,
    blocks: BlockGrid,
    holdout: Holdout | None,
    outputs: DerivedOutputs | None = None,
) -> bool:
    """Tell whether a fit is so small and simple that it can be measured with others.

    It is one network whose values meet all samples, each of which is a point and counts. `outputs`
    is what else of a network meets its targets, None for its values.
    """
    spec = signal.spec
    is_plain = blocks.count == 1 and own_footprint(spec) == "point" and outputs is None
    is_whole = signal.known is None and holdout is None
    return is_plain and is_whole and 0 < spec.sample_count <= ESTIMATED


def grid_of(spec: SignalSpec) -> tuple[object, ...]:
    """Return what signals have in common whose networks are evaluated in one pass."""
    return spec.shape, spec.channels, spec.domain, spec.coordinates, spec.bit_depth


@torch.no_grad()
def outputs_at_samples(network: Network, spec: SignalSpec, bits: int) -> NDArray[np.float32]:
    """Return all members' values at the samples of a signal's grid, (members, count, channels).

    They are exact enough for samples of so many `bits`.
    """
    evaluator = choose_evaluator(network, bits)
    coordinates = Grid.of_signal(spec, evaluator.device).coordinates(
        torch.arange(spec.sample_count, device=evaluator.device)
    )  # (count, features)
    parts = []
    for begin in range(0, len(coordinates), evaluator.piece):
        part = coordinates[begin : begin + evaluator.piece]
        parts.append(evaluator(part.expand(network.members, *part.shape)))
    found: NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
    return found


def psnrs_of(
    outputs: NDArray[np.float32], targets: NDArray[np.floating], span: float
) -> list[float]:
    """Return each member's PSNR of unrounded values, of targets of a range `span`.

    Both are (members, count, channels).
    """
    differences = outputs.astype(np.float64) - targets
    errors = np.square(differences).mean(axis=(1, 2))
    return [metrics.psnr(float(error), span) for error in errors]


def estimate_jointly(network: Network, signals: Sequence[Signal]) -> list[float]:
    """Return what `estimate_psnr` does, of each member on its signal; all have one grid."""
    spec = signals[0].spec
    outputs = outputs_at_samples(network, spec, spec.bit_depth)
    return psnrs_of(outputs, np.stack([targets_of(each) for each in signals]), spec.target_range)


def targets_of(signal: Signal) -> NDArray[np.floating]:
    """Return what all samples of a signal are mapped to (count, channels)."""
    spec = signal.spec
    return spec.to_unit(in_memory(signal.samples)).reshape(spec.sample_count, spec.channels)


def measure_jointly(network: Network, signals: Sequence[Signal]) -> list[Quality]:
    """Return what `measure_quality` does, of each member on its signal; all have one grid."""
    spec = signals[0].spec
    found = qualities_of(outputs_at_samples(network, spec, spec.bit_depth), signals)
    close = [place for place, each in enumerate(found) if each.psnr_float > FLOAT_PSNR]
    if close:
        chosen = [signals[place] for place in close]
        outputs = outputs_at_samples(network.chosen(close), spec, EXACT_BITS)
        for place, quality in zip(close, qualities_of(outputs, chosen), strict=True):
            found[place] = quality
    return found


def qualities_of(outputs: NDArray[np.float32], signals: Sequence[Signal]) -> list[Quality]:
    """Return the quality of each member's outputs (members, count, channels) at all samples."""
    found = []
    for own, signal in zip(outputs, signals, strict=True):
        tally = Tally(signal.spec)
        samples = in_memory(signal.samples)
        tally.add(piece_errors(signal.spec, own.reshape(samples.shape), samples))
        found.append(tally.quality())
    return found
