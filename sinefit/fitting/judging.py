"""What fits that are trained as one stack have measured in one pass, not each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sinefit.fitting.joint_measure import (
    estimate_jointly,
    grid_of,
    is_measured_jointly,
    measure_jointly,
    outputs_at_samples,
    psnrs_of,
    qualities_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sinefit.fitting.fit import Fit
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal


def initial_psnrs(
    plans: Sequence[FitPlan], signals: Sequence[Signal], network: Network
) -> list[float | None]:
    """Return the PSNR in dB that each fit of a stack begins with, None where it is measured alone.

    All have one network.
    """
    found: list[float | None] = [None] * len(plans)
    grids: dict[tuple[object, ...], list[int]] = {}
    for place, (plan, signal) in enumerate(zip(plans, signals, strict=True)):
        if is_measured_jointly(signal, plan.blocks, plan.config.holdout, plan.work.outputs):
            grids.setdefault(grid_of(signal.spec), []).append(place)
    for places in grids.values():
        part = network.chosen(places).astype(torch.float32)
        for place, psnr in zip(
            places, estimate_jointly(part, [signals[place] for place in places]), strict=True
        ):
            found[place] = psnr
    return found


def judge(fits: Sequence[Fit], network: Network) -> None:
    """Tell fits that may have reached their target, of a stack with these weights, whether so.

    A fit counts as there by its weights as they are saved.
    """
    for fit in fits:
        if not fit.is_measured_jointly:
            fit.judge(has_reached_target=fit.has_reached_target())
    for group in _by_grid(fits):
        stored = network.chosen([fit.first for fit in group]).astype(torch.float32)
        group[0].round(stored)
        spec = group[0].signal.spec
        outputs = outputs_at_samples(stored, spec, spec.bit_depth)
        targets = np.stack([fit.targets for fit in group])
        psnrs = psnrs_of(outputs, targets, spec.target_range)
        near = [place for place, fit in enumerate(group) if psnrs[place] >= (fit.target or np.inf)]
        found = qualities_of(outputs[near], [group[place].signal for place in near])
        qualities = dict(zip(near, found, strict=True))
        for place, fit in enumerate(group):
            quality = qualities.get(place)
            reached = quality is not None and quality.psnr_float >= (fit.target or np.inf)
            if reached:
                fit.quality = quality
            fit.judge(has_reached_target=reached)


def measure_ended(fits: Sequence[Fit]) -> None:
    """Measure the weights that fits have ended with, as they are saved, where it is not known."""
    wanting = [fit for fit in fits if fit.network is not None and fit.wants_measuring]
    for group in _by_grid(wanting):
        rows = [fit.network.values for fit in group if fit.network is not None]
        first = group[0].network
        assert first is not None
        network = type(first)(first.family, first.size, torch.cat(rows)).astype(torch.float32)
        group[0].round(network)
        found = measure_jointly(network, [fit.signal for fit in group])
        for fit, quality in zip(group, found, strict=True):
            fit.quality = quality


def _by_grid(fits: Iterable[Fit]) -> list[list[Fit]]:
    """Return the fits that can be measured with others, by what these must have in common."""
    found: dict[tuple[object, ...], list[Fit]] = {}
    for fit in fits:
        if fit.is_measured_jointly:
            found.setdefault((*grid_of(fit.signal.spec), fit.plan.dtype), []).append(fit)
    return list(found.values())
