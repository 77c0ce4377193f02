"""Many fits of the same kind, made together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.errors import InputError, SettingError
from sinefit.fitting.devices import resolve_device
from sinefit.fitting.group import Group, GroupHooks
from sinefit.fitting.lockstep import fit_in_lockstep
from sinefit.fitting.pace import settled
from sinefit.fitting.side_by_side import fit_side_by_side
from sinefit.native import tiles_supported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitResult
    from sinefit.signals.signal import Signal

STACKED_LIMIT: Final = 2**16
"""Sines of a layer and a step, samples times width, up to which steps of a stack are faster."""
TILED_LIMIT: Final = 2**13
"""The same where tile registers can do the steps of single fits."""


def fit_together(
    signals: Sequence[Signal],
    config: FitConfig,
    hooks: GroupHooks | None = None,
    *,
    start_from: Field | None = None,
    resume: Sequence[Checkpoint | None] | None = None,
) -> list[FitResult]:
    """Fit a sine network of the same size to each of many signals, faster than one by one.

    Every fit draws the starting weights and the order of its samples that it would draw alone, has
    a budget of its own, and ends as it would alone; how the work is laid out is chosen by what the
    machine offers. `config.threads` bounds the CPU threads of the whole group. `start_from` is
    where all fits begin, `resume` holds a checkpoint, or None, for each.

    Returns the results in the order of the signals. A fit that diverges leaves the others alone;
    its result holds its best weights and was ended by "divergence".

    Raises SettingError for signals whose networks or batches would differ, naming two of them;
    InputError for one without samples; GroupStoppedError, with what is done and checkpoints of the
    rest, when `hooks` stop the group; and, once the others have ended, what `fit_signal` raises
    for a fit that cannot be made.
    """
    if not signals:
        return []
    if start_from is not None:
        config = config.continuing(start_from)
    check_alike(signals, config)
    device = resolve_device(config.device)
    group = Group(len(signals), hooks or GroupHooks())
    kept = [None] * len(signals) if resume is None else list(resume)
    # Settled once for all; in a group each fit has about one thread.
    known = next((one for one in kept if one is not None), None)
    config = replace(settled(replace(config, threads=1), signals[0], known), threads=config.threads)
    # A device other than the CPU does one thing at a time: its threads would only take turns.
    threads = (config.threads or torch.get_num_threads()) if device.type == "cpu" else 1
    workers = min(threads, len(signals))
    if device.type == "cpu" and stacking_pays(signals[0], config):
        fit_in_lockstep(signals, config, group, start_from=start_from, resume=kept)
    else:
        fit_side_by_side(signals, config, group, workers, start_from=start_from, resume=kept)
    return group.results()


def stacking_pays(signal: Signal, config: FitConfig) -> bool:
    """Tell whether fits like this one are so small that the CPU makes them faster in lockstep."""
    size = config.size_for(signal.spec)
    neurons = config.batch_for(signal.spec) * size.width
    limit = TILED_LIMIT if tiles_supported(size) else STACKED_LIMIT
    return config.engine != "autograd" and neurons <= limit


def check_alike(signals: Sequence[Signal], config: FitConfig) -> None:
    """Raise SettingError unless all networks and batches have one size, InputError without samples.

    The message names the first signal that differs, and the one that it differs from.
    """
    first = signals[0].spec
    for number, signal in enumerate(signals):
        spec = signal.spec
        name = spec.source or f"signal {number}"
        if spec.sample_count == 0:
            raise InputError(f"{name}: it has no samples, so there is nothing to fit")
        for what, cure, mine, theirs in (
            ("coordinates", "fit it apart", spec.coordinate_features, first.coordinate_features),
            ("channels", "fit it apart", spec.channels, first.channels),
            (
                "neurons per layer",
                "give a `width`",
                config.size_for(spec).width,
                config.size_for(first).width,
            ),
            (
                "samples per step",
                "give a smaller `batch`",
                config.batch_for(spec),
                config.batch_for(first),
            ),
        ):
            if mine != theirs:
                raise SettingError(
                    f"{name} has {mine} {what}, {first.source or 'signal 0'} has {theirs}: "
                    f"fits together must be alike; {cure}"
                )
