"""Many fits of the same kind, made together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sinefit.engines.torch_engine import TORCH
from sinefit.errors import InputError, SettingError, SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.fit import Fit
from sinefit.fitting.group import Group, GroupHooks
from sinefit.fitting.loop import fit_signal, make_plan, train
from sinefit.fitting.machine import machine_for
from sinefit.fitting.pace import settled
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.trainer import Trainer
from sinefit.forks import begin_threads
from sinefit.native import tiles_supported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.signals.signal import Signal

STACKED_LIMIT: Final = 2**16
"""Sines of a layer and a step, samples times width, up to which steps of a stack are faster."""
TILED_LIMIT: Final = 2**13
"""The same where tile registers can do the steps of single fits."""
MOST_FITS: Final = 64
"""Fits that step together; more of them gain nothing, and their weights must stay in cache."""


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
    machine = machine_for(config)
    group = Group(len(signals), hooks or GroupHooks())
    kept = [None] * len(signals) if resume is None else list(resume)
    # Settled once for all; in a group each fit has about one thread.
    known = next((one for one in kept if one is not None), None)
    config = replace(settled(replace(config, threads=1), signals[0], known), threads=config.threads)
    if machine.device.type == "cpu" and stacking_pays(signals[0], config):
        for begin in range(0, len(signals), MOST_FITS):
            if not group.stopping():
                numbers = range(begin, min(begin + MOST_FITS, len(signals)))
                _fit_as_stack(numbers, signals, config, group, start_from, kept)
    else:
        # A device other than the CPU does one thing at a time: its threads would only take turns.
        workers = min(machine.threads, len(signals)) if machine.device.type == "cpu" else 1
        _fit_side_by_side(signals, config, group, workers, start_from, kept)
    return group.results()


def stacking_pays(signal: Signal, config: FitConfig) -> bool:
    """Tell whether fits like this one are so small that the CPU makes them faster in lockstep."""
    size = config.size_for(signal.spec)
    neurons = config.batch_for(signal.spec) * size.width
    limit = TILED_LIMIT if tiles_supported(size) else STACKED_LIMIT
    return config.engine != "reference" and neurons <= limit


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


def _fit_as_stack(
    numbers: Sequence[int],
    signals: Sequence[Signal],
    config: FitConfig,
    group: Group,
    start_from: Field | None,
    resume: Sequence[Checkpoint | None],
) -> None:
    """Train the fits of these numbers as one stack on the CPU, in float32."""
    able, plans, samples = [], [], []
    for number in numbers:
        try:
            plan = make_plan(signals[number], config, start_from=start_from, resume=resume[number])
        except SinefitError as error:
            group.end(number, error)
            continue
        able.append(number)
        plans.append(replace(plan, engine=TORCH, precision="float32", last_precision="float32"))
        samples.append(TrainingSamples(signals[number], plan.machine.device))
    if not able:
        return
    threads = plans[0].machine.threads
    with cpu_threads(threads):
        begin_threads(threads)
        trainer = Trainer(plans, samples)
        fits = []
        for place, number in enumerate(able):
            hooks = group.hooks_for(number)
            fits.append(Fit(signals[number], plans[place], samples[place], trainer, hooks, place))
            kept = resume[number]
            if kept is not None:
                fits[-1].resume(kept)
        number_of = dict(zip(map(id, fits), able, strict=True))

        def end(fit: Fit) -> None:
            outcome: Outcome
            try:
                outcome = fit.finish()
            except SinefitError as error:
                outcome = error
            group.end(number_of[id(fit)], outcome)

        train(fits, trainer, on_end=end)


def _fit_side_by_side(
    signals: Sequence[Signal],
    config: FitConfig,
    group: Group,
    workers: int,
    start_from: Field | None,
    resume: Sequence[Checkpoint | None],
) -> None:
    """Run each fit as if alone on one thread, `workers` of them at a time, to the same bits.

    What takes long, products and sines, is computed outside of Python's lock, so that small fits on
    a core each end sooner than fits in a row on all cores, which wait for one another many times a
    step. An exception that is none of sinefit's stops the others.
    """
    alone = replace(config, threads=1)

    def run(number: int) -> None:
        if group.stopping():
            return
        outcome: Outcome
        try:
            outcome = fit_signal(
                signals[number],
                alone,
                start_from=start_from,
                resume=resume[number],
                hooks=group.hooks_for(number),
            )
        except SinefitError as error:
            outcome = error
        group.end(number, outcome)

    with cpu_threads(1), ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run, number) for number in range(len(signals))]
        try:
            for done in as_completed(waiting):
                done.result()
        except BaseException:
            # Leaving the pool waits for the fits that run: a moment each.
            group.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
