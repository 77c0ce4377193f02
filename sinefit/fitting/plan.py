"""The plan of a fit: everything that is decided before the first step, decided once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from sinefit.engines.engine import StackKind
from sinefit.engines.registry import piece_size
from sinefit.errors import SettingError
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.layout import extent_text
from sinefit.fitting.members import Weights, plan_members
from sinefit.fitting.monitor import LAST_PSNR, QUALITY_MARGIN
from sinefit.fitting.rates import geometric_means
from sinefit.fitting.shape_plan import engine_for, plan_shape, precisions_for
from sinefit.fitting.supervision import RATE_SHARE, outputs_for, trained_on
from sinefit.signals.blocks import width_first
from sinefit.signals.signal import NOUNS

if TYPE_CHECKING:
    from sinefit.engines.adam import Constants
    from sinefit.engines.engine import EngineKind, Precision, Work
    from sinefit.fields.field import Field
    from sinefit.fitting.budget import Budget
    from sinefit.fitting.config import FitConfig, StorageType
    from sinefit.fitting.machine import Machine
    from sinefit.fitting.members import Members
    from sinefit.fitting.rates import RateTable
    from sinefit.fitting.schedule import Schedule
    from sinefit.fitting.shape_plan import ShapePlan
    from sinefit.networks.network import Network
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal, SignalSpec


@dataclass(frozen=True)
class FitPlan:
    """What a fit is going to do; read by whoever tells, trains, measures or keeps it."""

    config: FitConfig
    """The settings that it was made of, with blocks, width and batch as numbers."""
    spec: SignalSpec
    blocks: BlockGrid
    """What the signal is cut into, a network each."""
    members: Members
    """What each of their networks has of its own."""
    rates: RateTable
    """How fast each of them learns at most."""
    schedule: Schedule
    """How their rates change from step to step."""
    adam: Constants
    """Adam's beta1, beta2 and epsilon."""
    budget: Budget
    """What ends the fit."""
    steps: int
    """About how many steps the budget allows for; of a fit that only quality ends, those of its
    first cycle."""
    batch: int
    """Samples per step of a member."""
    fewest: int
    """Samples that the member is fitted to which has fewest."""
    dtype: StorageType
    """Type in which the weights are to be saved."""
    machine: Machine
    work: Work
    """What its engine does at a time: alone, or with others of a stack."""
    engine: EngineKind
    precision: Precision
    """Of the products, at first."""
    last_precision: Precision
    """Of the products in the last part of a good fit."""
    continued: bool
    """Whether it begins with the weights of an earlier fit."""

    @property
    def numbers(self) -> range:
        """The numbers of the blocks that are fitted: all, or of a part of a fit some."""
        return self.members.numbers

    def part(self, numbers: range) -> FitPlan:
        """Return the plan of some of the blocks, which are fitted as among all of them."""
        return replace(self, members=self.members.part(numbers), rates=self.rates.part(numbers))

    def on_machine(self, machine: Machine) -> FitPlan:
        """Return the same plan as it had been made for another machine."""
        most = piece_size(machine.device.type) // self.work.points
        work = replace(
            self.work,
            targets=max(1, min(self.batch, most)),
            device=machine.device,
            threads=machine.threads,
        )
        engine = engine_for(work, self.config)
        precisions = precisions_for(work, engine, self.config)
        return replace(
            self,
            machine=machine,
            work=work,
            engine=engine,
            precision=precisions[0],
            last_precision=precisions[-1],
        )

    @property
    def start(self) -> Network:
        """The starting weights, a stack with a member per block: drawn anew, on the CPU."""
        return self.members.start()

    @property
    def omega(self) -> tuple[float, ...]:
        """First-layer frequency factor per coordinate, of several blocks their geometric mean."""
        return geometric_means(self.members.omegas)

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Peak rate per layer, of several blocks their geometric mean; else the one rate."""
        return self.rates.by_layer

    @property
    def weights(self) -> int:
        """Weights of all members."""
        return self.blocks.count * self.work.parameter_count

    @property
    def samples(self) -> int:
        """Samples that all members train on, each as often as it is in a batch."""
        return self.steps * self.batch * self.blocks.count

    @property
    def base_rate(self) -> float:
        """The highest `learning_rate` at which no layer would learn faster than it does."""
        return self.rates.base

    @property
    def is_stacked(self) -> bool:
        """Whether its network is trained as a member of a stack with those of other fits."""
        return self.work.members > self.blocks.count

    def stacked(self, fits: int) -> FitPlan:
        """Return the same plan of one network for a stack of at most so many fits like this one."""
        work = replace(self.work, members=fits)
        engine = engine_for(work, self.config)
        precision: Precision = "float32"
        target, asked = self.budget.target_psnr, self.config.precision
        # Precision changes for all of a stack at once: rounded factors serve those alone that end
        # before they would be in the way.
        is_rough = target is not None and target <= LAST_PSNR - QUALITY_MARGIN
        if is_rough and asked in (None, "auto") and isinstance(engine, StackKind):
            precision = engine.precisions(work)[0]
        return replace(
            self, work=work, engine=engine, precision=precision, last_precision=precision
        )

    def mapped(self, signal: Signal) -> Signal:
        """Return its signal with the coordinates, targets and footprint that are fitted."""
        return signal if signal.spec is self.spec else replace(signal, spec=self.spec)

    def trained_on(self, signal: Signal) -> Signal:
        """Return what the networks are to meet at the samples of a signal that `mapped` returns."""
        return trained_on(signal, self.work.outputs)

    def on_threads(self, threads: int) -> FitPlan:
        """Return the same plan for another number of threads."""
        machine = replace(self.machine, threads=threads)
        return replace(self, machine=machine, work=replace(self.work, threads=threads))


def plan_fit(
    signal: Signal,
    config: FitConfig,
    machine: Machine,
    start_from: Field | None = None,
    *,
    continued: bool | None = None,
    shape: ShapePlan | None = None,
) -> FitPlan:
    """Decide everything about a fit of settled settings, see `pace.settled`.

    With `start_from`, whose recipe and size `config` has, the fit begins with its weights; it then
    continues another fit, unless `continued` says otherwise: a fit goes on from its own. `shape` is
    what has been decided for signals of this shape with these settings. Equal arguments give equal
    plans.

    Raises InputError for a signal without samples, SettingError for settings that do not fit it,
    MemoryLimitError for a network that memory cannot hold.
    """
    if start_from is not None:
        decided = config.decided_for(signal.spec)
        check_start(start_from, decided, mapped_spec(signal.spec, decided))
    if shape is None:
        decided = config.decided_for(signal.spec)
        spec = mapped_spec(signal.spec, decided)
        outputs = outputs_for(replace(signal, spec=spec), decided)
        shape = plan_shape(spec, config, machine, outputs)
    config, blocks, outputs = shape.decided, shape.blocks, shape.work.outputs
    spec = mapped_spec(signal.spec, config)
    signal = replace(signal, spec=spec)
    fewest = shape.fewest
    if signal.known is not None:  # a batch may then have a sample of a block more than once
        choice = SampleChoice.of(signal, config.holdout)
        fewest = min(choice.count_in(blocks, number) for number in range(blocks.count))
    members = plan_members(
        signal,
        config,
        blocks,
        shape.work.size,
        steps=shape.steps,
        batch=shape.batch,
        threads=machine.threads,
        earlier=None if start_from is None else Weights(start_from.network),
        rate_share=1.0 if outputs is None else RATE_SHARE[outputs.quantity],
    )
    _check_dtype(members.boldest(), shape.dtype)
    return FitPlan(
        config=shape.config,
        spec=spec,
        blocks=blocks,
        members=members,
        rates=members.rate_table(),
        schedule=shape.schedule,
        adam=shape.adam,
        budget=shape.budget,
        steps=shape.steps,
        batch=shape.batch,
        fewest=fewest,
        dtype=shape.dtype,
        machine=machine,
        work=shape.work,
        engine=shape.engine,
        precision=shape.precisions[0],
        last_precision=shape.precisions[-1],
        continued=start_from is not None if continued is None else continued,
    )


def check_start(field: Field, config: FitConfig, spec: SignalSpec) -> None:
    """Raise SettingError, naming what differs, unless a fit of a signal can begin with a field."""
    mine, theirs = ((one.coordinate_features, one.channels) for one in (spec, field.spec))
    if mine != theirs:
        raise SettingError(
            f"`start_from` holds a field of {theirs[0]} coordinates and {theirs[1]} channels, the "
            f"signal has {mine[0]} and {mine[1]}: start from a field of the same kind"
        )
    for word in ("coordinates", "targets"):
        asked, has = getattr(config, word), getattr(field.spec, word)
        if asked not in (None, has):
            raise SettingError(
                f"`{word}` is {asked}, the field of `start_from` has {has}: leave it out"
            )
    earlier = field.blocks
    if config.blocks is not None or config.block_size is not None:
        word = "blocks" if config.block_size is None else "block_size"
        _check_alike(word, config.blocks_for(spec).counts, earlier.counts, spec)
    if config.margin is not None:
        counts = width_first(earlier.counts, spec.kind)
        margins = replace(config, blocks=counts, block_size=None).blocks_for(spec).margins
        _check_alike("margin", margins, earlier.margins, spec)


def mapped_spec(spec: SignalSpec, config: FitConfig) -> SignalSpec:
    """Return a spec with the coordinates, targets and footprint of settings that are not open.

    Raises SettingError for coordinates and footprints that its domain does not have.
    """
    if config.footprint not in (None, "point") and spec.domain == "sphere":
        raise SettingError(f"`footprint` is {config.footprint}: samples of a sphere are points")
    if config.footprint == "band-limited" and spec.kind != "audio":
        raise SettingError(
            f"`footprint` is band-limited: that is for sounds, not for {NOUNS[spec.kind]}; "
            "take box or gaussian"
        )
    if config.coordinates == "ends" and spec.domain == "sphere":
        raise SettingError("`coordinates` is ends: a sphere has none, only centres")
    return replace(
        spec,
        coordinates=config.coordinates or spec.coordinates,
        targets=config.targets or spec.targets,
        footprint=config.footprint or spec.footprint,
    )


def _check_alike(
    word: str, asked: tuple[int, ...], earlier: tuple[int, ...], spec: SignalSpec
) -> None:
    if asked != earlier:
        mine, theirs = (extent_text(width_first(each, spec.kind)) for each in (asked, earlier))
        what = "a margin of {}" if word == "margin" else "{} blocks"
        raise SettingError(
            f"`{word}` makes {what.format(mine)}, the field of `start_from` has "
            f"{what.format(theirs)}: leave it out"
        )


def _check_dtype(network: Network, dtype: str) -> None:
    """Refuse a type that cannot hold even the starting weights."""
    smallest, largest = (float(value) for value in network.values.aminmax())
    largest = max(-smallest, largest)
    if largest > torch.finfo(getattr(torch, dtype)).max:
        raise SettingError(
            f"`dtype` is {dtype}: it cannot hold weights of {largest:g}; use float32 or bfloat16"
        )
