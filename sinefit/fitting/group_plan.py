"""What is decided for fits that are made together, before the first of them begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.engine import StackKind
from sinefit.errors import InputError, SettingError, SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.loop import make_plan
from sinefit.fitting.machine import machine_for
from sinefit.fitting.pace import settled
from sinefit.fitting.plan import check_start, mapped_spec, plan_fit
from sinefit.fitting.samples import TABLE_BYTES
from sinefit.fitting.shape_plan import plan_shape
from sinefit.forks import begin_threads
from sinefit.native.instruction_sets import tiles_supported
from sinefit.networks.registry import describe_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.shape_plan import ShapePlan
    from sinefit.signals.signal import Signal, SignalSpec

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


def plan_together(
    signals: Sequence[Signal],
    config: FitConfig,
    *,
    start_from: Field | None = None,
    resume: Sequence[Checkpoint | None] | None = None,
) -> list[FitPlan | SinefitError]:
    """Return a plan for each fit of a group, or the error of a fit that cannot be made.

    What follows from the shape of a signal is decided once for all that have it. Raises what
    `fit_together` does before anything is fitted.
    """
    if not signals:
        return []
    if start_from is not None:
        check_start(start_from, config, signals[0].spec)
        config = config.continuing(start_from)
        # Whatever its owner does to it later.
        start_from = replace(start_from, network=start_from.network.clone())
    check_alike(signals, config)
    kept = [None] * len(signals) if resume is None else list(resume)
    # Settled once for all; in a group each fit has about one thread.
    known = next((one for one in kept if one is not None), None)
    config = replace(settled(replace(config, threads=1), signals[0], known), threads=config.threads)
    machine = machine_for(config)
    shapes: dict[SignalSpec, ShapePlan] = {}
    plans: list[FitPlan | SinefitError] = []
    with cpu_threads(machine.threads):
        begin_threads(machine.threads)
        for signal, checkpoint in zip(signals, kept, strict=True):
            try:
                # What a checkpoint has decided holds; what meets derivatives hangs on the samples.
                if checkpoint is not None or config.supervise != "values":
                    plan = make_plan(signal, config, start_from=start_from, resume=checkpoint)
                else:
                    key = shape_of(signal.spec)
                    if key not in shapes:
                        spec = mapped_spec(signal.spec, config.decided_for(signal.spec))
                        shapes[key] = plan_shape(spec, config, machine)
                    plan = plan_fit(signal, config, machine, start_from, shape=shapes[key])
                plans.append(plan)
            except SinefitError as error:
                plans.append(error)
        return stacked_plans(plans)


def shape_of(spec: SignalSpec) -> SignalSpec:
    """Return what is decided by of a signal: its spec without what tells one file from another."""
    return replace(spec, source=None, source_bytes=None, icc_profile=None, soundtrack=None)


def stacked_plans(plans: Sequence[FitPlan | SinefitError]) -> list[FitPlan | SinefitError]:
    """Return the plans for stacks where these pay, the same where not."""
    sound = [plan for plan in plans if not isinstance(plan, SinefitError)]
    stacks = stack_size(sound)
    if stacks == 1:
        return list(plans)
    # Of plans of one work and settings the engine of a stack is the same.
    known: dict[tuple[int, int], FitPlan] = {}
    found: list[FitPlan | SinefitError] = []
    for plan in plans:
        if isinstance(plan, SinefitError):
            found.append(plan)
            continue
        key = id(plan.work), id(plan.config)
        if key not in known:
            known[key] = plan.stacked(stacks)
        like = known[key]
        found.append(
            replace(
                plan,
                work=like.work,
                engine=like.engine,
                precision=like.precision,
                last_precision=like.last_precision,
            )
        )
    return found


def stack_size(plans: Sequence[FitPlan]) -> int:
    """Return how many fits of a group are trained as one stack at most, 1 where that does not pay.

    It hangs on no number of fits: one that goes on when the others are done does so as it began.
    """
    # What decides it, plans of one shape have in common.
    shapes = list({id(plan.work): plan for plan in plans}.values())
    if not shapes or not all(stacking_pays(plan) for plan in shapes):
        return 1
    if not isinstance(shapes[0].stacked(MOST_FITS).engine, StackKind):
        return MOST_FITS
    # An engine that gathers samples by itself wants all of a stack's in memory.
    return min(MOST_FITS, TABLE_BYTES // max(_table_bytes(plan) for plan in shapes))


def stacking_pays(plan: FitPlan) -> bool:
    """Tell whether fits like this one are so small that the CPU makes them faster as a stack."""
    if plan.machine.device.type != "cpu" or plan.blocks.count > 1:
        return False
    if plan.work.outputs is not None:  # each has units of its own
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
    known: dict[SignalSpec, tuple[tuple[str, str, object], ...]] = {}
    for number, signal in enumerate(signals):
        spec = signal.spec
        name = spec.source or f"signal {number}"
        if spec.sample_count == 0:
            raise InputError(f"{name}: it has no samples, so there is nothing to fit")
        key = shape_of(spec)
        if key in known:
            continue
        known[key] = _common_facts(spec, config)
        theirs = known[shape_of(first)]
        for (what, cure, mine), (_, _, other) in zip(known[key], theirs, strict=True):
            if mine != other:
                raise SettingError(
                    f"{name} has {mine} {what}, {first.source or 'signal 0'} has {other}: "
                    f"fits together must be alike; {cure}"
                )


def _common_facts(spec: SignalSpec, config: FitConfig) -> tuple[tuple[str, str, object], ...]:
    """Return what fits together have in common: what it is, the cure where not, and its value."""
    return (
        ("coordinates", "fit it apart", spec.coordinate_features),
        ("channels", "fit it apart", spec.channels),
        (
            "as its network",
            "say its settings in `network`",
            describe_network(config.network_for(spec)),
        ),
        ("neurons per layer", "give a `width`", config.size_for(spec).width),
        ("samples per step", "give a smaller `batch`", config.batch_for(spec)),
    )
