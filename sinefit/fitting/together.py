"""Many fits of the same kind, made together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.engine import StackKind
from sinefit.errors import InputError, SettingError, SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.fit import Fit
from sinefit.fitting.group import Group, GroupHooks
from sinefit.fitting.loop import make_plan, run_plan, train
from sinefit.fitting.pace import settled
from sinefit.fitting.plan import check_start
from sinefit.fitting.samples import TABLE_BYTES
from sinefit.fitting.trainer import Trainer, samples_of
from sinefit.forks import begin_threads
from sinefit.native.instruction_sets import tiles_supported
from sinefit.networks.registry import describe_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.signals.signal import Signal

STACKED_LIMIT: Final = 2**16
"""Sines of a layer and a step, samples times width, up to which steps of a stack in torch are
faster than those of single fits on a thread each."""
TILED_LIMIT: Final = 2**13
"""The same of any stack where tile registers can do the steps of single fits."""
WIDEST: Final = 128
"""Width up to which a stack in C is faster, however many samples a step has."""
WIDEST_TILED: Final = 64
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
    """Fit a network of the same size to each of many signals, faster than one by one.

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
    plans = plan_together(signals, config, start_from=start_from, resume=resume)
    return fit_plans_together(signals, plans, hooks or GroupHooks(), resume)


def plan_together(
    signals: Sequence[Signal],
    config: FitConfig,
    *,
    start_from: Field | None = None,
    resume: Sequence[Checkpoint | None] | None = None,
) -> list[FitPlan | SinefitError]:
    """Return a plan for each fit of a group, or the error of a fit that cannot be made.

    Raises what `fit_together` does before anything is fitted.
    """
    if not signals:
        return []
    if start_from is not None:
        check_start(start_from, config, signals[0].spec)
        config = config.continuing(start_from)
    check_alike(signals, config)
    kept = [None] * len(signals) if resume is None else list(resume)
    # Settled once for all; in a group each fit has about one thread.
    known = next((one for one in kept if one is not None), None)
    config = replace(settled(replace(config, threads=1), signals[0], known), threads=config.threads)
    plans: list[FitPlan | SinefitError] = []
    for signal, checkpoint in zip(signals, kept, strict=True):
        try:
            plans.append(make_plan(signal, config, start_from=start_from, resume=checkpoint))
        except SinefitError as error:
            plans.append(error)
    sound = [plan for plan in plans if not isinstance(plan, SinefitError)]
    stacks = stack_size(sound)
    return [
        plan.stacked(stacks) if stacks > 1 and not isinstance(plan, SinefitError) else plan
        for plan in plans
    ]


def fit_plans_together(
    signals: Sequence[Signal],
    plans: Sequence[FitPlan | SinefitError],
    hooks: GroupHooks,
    resume: Sequence[Checkpoint | None] | None = None,
) -> list[FitResult]:
    """Carry out the plans of a group, see `fit_together`."""
    group = Group(len(signals), hooks)
    kept = [None] * len(signals) if resume is None else list(resume)
    members = []
    for number, plan in enumerate(plans):
        if isinstance(plan, SinefitError):
            group.end(number, plan)
        else:
            members.append(_Member(number, plan.mapped(signals[number]), plan, kept[number]))
    if members and members[0].plan.is_stacked:
        fits = members[0].plan.work.members
        for begin in range(0, len(members), fits):
            if not group.stopping():
                _fit_as_stack(members[begin : begin + fits], group)
    elif members:
        _fit_side_by_side(members, group)
    return group.results()


@dataclass(frozen=True)
class _Member:
    """A fit of a group."""

    number: int
    signal: Signal
    plan: FitPlan
    resume: Checkpoint | None


def stack_size(plans: Sequence[FitPlan]) -> int:
    """Return how many fits of a group are trained as one stack at most, 1 where that does not pay.

    It hangs on no number of fits: one that goes on when the others are done does so as it began.
    """
    if not plans or not all(stacking_pays(plan) for plan in plans):
        return 1
    if not isinstance(plans[0].stacked(MOST_FITS).engine, StackKind):
        return MOST_FITS
    # An engine that gathers samples by itself wants all of a stack's in memory.
    return min(MOST_FITS, TABLE_BYTES // max(_table_bytes(plan) for plan in plans))


def stacking_pays(plan: FitPlan) -> bool:
    """Tell whether fits like this one are so small that the CPU makes them faster as a stack."""
    if plan.machine.device.type != "cpu" or plan.blocks.count > 1:
        return False
    if plan.config.engine == "reference" or plan.work.dtype != torch.float32:
        return False
    size = plan.work.size
    is_tiled = tiles_supported(size.width)
    in_c = isinstance(plan.stacked(MOST_FITS).engine, StackKind)
    if in_c and size.width <= (WIDEST_TILED if is_tiled else WIDEST):
        return 2 * _table_bytes(plan) <= TABLE_BYTES
    return plan.batch * size.width <= (TILED_LIMIT if is_tiled else STACKED_LIMIT)


def _table_bytes(plan: FitPlan) -> int:
    """Return the bytes of a table of all samples of a fit of one network."""
    size = plan.work.size
    return 4 * (size.in_features + size.out_features) * plan.spec.sample_count


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
                "as its network",
                "say its settings in `network`",
                describe_network(config.network_for(spec)),
                describe_network(config.network_for(first)),
            ),
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


def _fit_as_stack(members: Sequence[_Member], group: Group) -> None:
    """Train fits as one stack on the CPU."""
    plans = [member.plan for member in members]
    machine = plans[0].machine
    with cpu_threads(machine.threads):
        begin_threads(machine.threads)
        samples = [samples_of(member.plan, member.signal) for member in members]
        trainer = Trainer(plans, samples)
        trainer.rehearse()
        numbers: dict[Fit, int] = {}
        for place, member in enumerate(members):
            hooks = group.hooks_for(member.number)
            fit = Fit(member.signal, plans[place], trainer, hooks, place)
            if member.resume is not None:
                try:
                    fit.resume(member.resume)
                except SinefitError as error:
                    fit.ended = error
            numbers[fit] = member.number
        train(list(numbers), trainer, lambda fit: group.end(numbers[fit], _outcome(fit.finish)))


def _fit_side_by_side(members: Sequence[_Member], group: Group) -> None:
    """Run each fit as if alone on one thread, one for each thread at a time, to the same bits.

    What takes long, products and sines, is computed outside of Python's lock, so that small fits on
    a core each end sooner than fits in a row on all cores, which wait for one another many times a
    step. An exception that is none of sinefit's stops the others.
    """
    machine = members[0].plan.machine
    # A device other than the CPU does one thing at a time: threads would only take turns.
    workers = min(machine.threads, len(members)) if machine.device.type == "cpu" else 1

    def run(member: _Member) -> None:
        if not group.stopping():
            plan = member.plan.on_threads(1)
            hooks = group.hooks_for(member.number)
            outcome = _outcome(lambda: run_plan(member.signal, plan, hooks, member.resume))
            group.end(member.number, outcome)

    with cpu_threads(1), ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run, member) for member in members]
        try:
            for done in as_completed(waiting):
                done.result()
        except BaseException:
            # Leaving the pool waits for the fits that run: a moment each.
            group.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _outcome(finish: Callable[[], FitResult]) -> Outcome:
    """Return how a fit ends."""
    try:
        return finish()
    except SinefitError as error:
        return error
