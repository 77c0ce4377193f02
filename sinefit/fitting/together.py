"""Many fits of the same kind, made together."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sinefit.errors import SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.draws import samples_of
from sinefit.fitting.fit import Fit
from sinefit.fitting.group import Group, GroupHooks
from sinefit.fitting.group_plan import plan_together
from sinefit.fitting.judging import initial_psnrs, measure_ended
from sinefit.fitting.loop import LOOK_EVERY, run_plan, train
from sinefit.fitting.trainer import Trainer
from sinefit.forks import begin_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.signals.signal import Signal

SHARED_FROM: Final = 16
"""Fits per thread from which on each thread has stacks of its own; of fewer they share one."""


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
    return run_plans_together(signals, plans, hooks or GroupHooks(), resume).results()


def run_plans_together(
    signals: Sequence[Signal],
    plans: Sequence[FitPlan | SinefitError],
    hooks: GroupHooks,
    resume: Sequence[Checkpoint | None] | None = None,
) -> Group:
    """Carry out the plans of a group, see `fit_together`; what each came to is in the group."""
    group = Group(len(signals), hooks)
    kept = [None] * len(signals) if resume is None else list(resume)
    members = []
    for number, plan in enumerate(plans):
        if isinstance(plan, SinefitError):
            group.end(number, plan)
        else:
            members.append(_Member(number, plan.mapped(signals[number]), plan, kept[number]))
    if members and members[0].plan.is_stacked:
        stacks = _stacks_of(members)
        # Each on its share of the threads, so that one is trained while another is seen to.
        share = max(1, members[0].plan.machine.threads // len(stacks))
        _run_all([partial(_fit_as_stack, stack, group, share) for stack in stacks], members, group)
    elif members:
        _run_all([partial(_fit_alone, member, group) for member in members], members, group)
    return group


@dataclass(frozen=True)
class _Member:
    """A fit of a group."""

    number: int
    signal: Signal
    plan: FitPlan
    resume: Checkpoint | None


def _stacks_of(members: Sequence[_Member]) -> list[Sequence[_Member]]:
    """Return the fits in stacks of about one size: as many as threads if there are enough fits."""
    plan = members[0].plan
    count = -(-len(members) // plan.work.members)
    if len(members) >= SHARED_FROM * plan.machine.threads:
        count = -(-count // plan.machine.threads) * plan.machine.threads
    size = -(-len(members) // count)
    return [members[begin : begin + size] for begin in range(0, len(members), size)]


def _run_all(runs: Sequence[Callable[[], None]], members: Sequence[_Member], group: Group) -> None:
    """Run what each has a share of the threads for, one for each thread at a time.

    What takes long, products and sines, is computed outside of Python's lock, so that small fits on
    a core each end sooner than fits in a row on all cores, which wait for one another many times a
    step. An exception that is none of sinefit's stops the others.
    """
    machine = members[0].plan.machine
    # A device other than the CPU does one thing at a time: threads would only take turns.
    workers = min(machine.threads, len(runs)) if machine.device.type == "cpu" else 1
    begin_threads(machine.threads)

    def run(one: Callable[[], None]) -> None:
        if not group.stopping():
            one()

    if workers == 1:
        for one in runs:
            run(one)
        return
    with cpu_threads(max(1, machine.threads // workers)), ThreadPoolExecutor(workers) as pool:
        left = {pool.submit(run, one) for one in runs}
        try:
            # Signals are seen to between two looks, whatever thread they came to.
            while left:
                done, left = wait(left, LOOK_EVERY, FIRST_EXCEPTION)
                for one_done in done:
                    one_done.result()
        except BaseException:
            # Leaving the pool waits for the fits that run: a moment each.
            group.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fit_as_stack(members: Sequence[_Member], group: Group, threads: int) -> None:
    """Train fits as one stack on so many threads of the CPU."""
    plans = [member.plan.on_threads(threads) for member in members]
    with cpu_threads(threads):
        samples = [samples_of(member.plan, member.signal) for member in members]
        trainer = Trainer(plans, samples)
        trainer.rehearse()
        initial = initial_psnrs(plans, [member.signal for member in members], trainer.network)
        numbers: dict[Fit, int] = {}
        for place, member in enumerate(members):
            hooks = group.hooks_for(member.number)
            fit = Fit(member.signal, plans[place], trainer, hooks, place, initial[place])
            if member.resume is not None:
                try:
                    fit.resume(member.resume)
                except SinefitError as error:
                    fit.ended = error
            numbers[fit] = member.number

        def end(fits: Sequence[Fit]) -> None:
            measure_ended(fits)
            for fit in fits:
                group.end(numbers[fit], _outcome(fit.finish))

        train(list(numbers), trainer, end)


def _fit_alone(member: _Member, group: Group) -> None:
    """Run a fit as if alone on one thread, to the same bits."""
    plan = member.plan.on_threads(1)
    hooks = group.hooks_for(member.number)
    outcome = _outcome(lambda: run_plan(member.signal, plan, hooks, member.resume))
    group.end(member.number, outcome)


def _outcome(finish: Callable[[], FitResult]) -> Outcome:
    """Return how a fit ends."""
    try:
        return finish()
    except SinefitError as error:
        return error
