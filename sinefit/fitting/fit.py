"""One fit: its budget, what it tells, and what its reports lead to."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from typing import TYPE_CHECKING, Final

import torch

from sinefit.errors import InputError, SinefitError
from sinefit.fields.field import Field
from sinefit.fitting.checkpoint import Checkpoint, fingerprint
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.ending import FitEnd
from sinefit.fitting.joint_measure import is_measured_jointly, targets_of
from sinefit.fitting.keeping import BestWeights
from sinefit.fitting.monitor import Monitor, Standing
from sinefit.fitting.peak import Peak
from sinefit.fitting.rates import steps_factor
from sinefit.fitting.report import (
    FitStoppedError,
    Progress,
)
from sinefit.fitting.schedule import (
    Course,
    course_without_clock,
    progress_within,
    rate_factor,
    restarting_progress,
    steps_to_restart,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.trainer import Trainer
    from sinefit.networks.network import Network
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal

REPORT_EVERY: Final = 50
"""Steps between two looks at the loss; each waits for the device, so they are not more frequent."""
MOST_STEPS: Final = 2000
"""The same on CUDA, at most and for steps that are over in some microseconds."""
REPORT_WORK: Final = 5e12
"""Operations of the steps between two looks on CUDA, a tenth of a second of a large device. (By the
clock they would lie elsewhere each time, and with them what a fit ends with.)"""
TELL_EVERY: Final = 1.0
"""Seconds of a round after which it is told how far it is."""


def report_interval(device: torch.device, weights: int, batch: int) -> int:
    """Return the steps between two looks at the loss of a fit with so many weights in all."""
    if device.type != "cuda":
        return REPORT_EVERY
    return max(REPORT_EVERY, min(MOST_STEPS, int(REPORT_WORK / (6.0 * weights * batch))))


def shares_of(blocks: BlockGrid) -> Tensor:
    """Return which share of the samples that blocks reach each of them has (blocks,)."""
    samples = [blocks.samples_in(number) for number in range(blocks.count)]
    return torch.tensor(samples) / sum(samples)


def told_of_guessed(signal: Signal, plan: FitPlan) -> list[str]:
    """Return a sentence on blocks of which next to nothing is known, if there are any."""
    choice = SampleChoice.of(signal, plan.config.holdout)
    blocks = plan.blocks
    guessed = sum(choice.is_guessed(blocks, number) for number in range(blocks.count))
    if guessed == 0:
        return []
    sentence = (
        f"{guessed} of {blocks.count} blocks lie in what is left out: they are fitted to a smooth "
        "guess from the samples around (larger blocks reach over it)"
    )
    return [sentence]


class Fit(FitEnd):
    """A member of a stack in training: when it ends, what it tells, what it keeps."""

    def __init__(
        self,
        signal: Signal,
        plan: FitPlan,
        trainer: Trainer,
        hooks: FitHooks,
        first: int = 0,
        initial: float | None = None,
    ) -> None:
        """Begin with the weights that the trainer has from place `first` of its stack on.

        `initial` is their PSNR in dB, where it is known.
        """
        super().__init__(signal, plan, hooks)
        self._members = plan.blocks.count
        self.first = first
        self.is_measured_jointly = is_measured_jointly(
            signal, plan.blocks, plan.config.holdout, plan.work.outputs
        )
        """Whether it can be measured in one pass with others of its stack."""
        self._trainer = trainer
        network = self._present()
        if initial is None:
            initial = self._estimate(network)
        standing = Standing(initial, cycle_psnr=initial, latest=initial)
        standing.continued = plan.continued
        self._monitor = Monitor(standing, plan.budget, plan.spec.target_range)
        # A block can begin worse than the whole, and would then keep what it began with.
        power = plan.spec.target_range**2
        loss = power * 10.0 ** (-initial / 10.0) if plan.blocks.count == 1 else math.inf
        self._best = BestWeights(network, loss)
        self._guessed = told_of_guessed(signal, plan)
        if plan.config.stop_on is not None and plan.config.holdout is not None:
            drawn = plan.batch * plan.blocks.count
            self._peak = Peak(signal, plan.config.holdout, network, drawn)
        self._losses = torch.zeros(plan.blocks.count, device=plan.machine.device)
        """Of each member, those since the last report."""
        self._shares = shares_of(plan.blocks).to(plan.machine.device)
        self.factor = Course(0, [])
        """Returns the factor on the learning rates of a step of the round, counted from 0."""
        self._last_progress = 0.0
        self._advanced = 0
        """Members that have taken the steps of the present round."""
        self._told_at = 0.0
        """Seconds of training at the last word on it."""
        self._fingerprint: str | None = None
        self._told: set[str] = set()
        self._report_every = report_interval(plan.machine.device, plan.weights, plan.batch)
        if trainer.steps_together > 1:
            self._report_every = trainer.steps_together
        self._seen: dict[str, float] = {}
        self._wants_refining = False

    @property
    def places(self) -> range:
        """Where its members are in the trainer's stack."""
        return range(self.first, self.first + self._members)

    @property
    def target(self) -> float | None:
        """PSNR in dB that it is to reach."""
        return self.plan.budget.target_psnr

    @cached_property
    def targets(self) -> NDArray[np.floating]:
        """What all of its samples are to be met by (count, channels)."""
        return targets_of(self.signal)

    @property
    def wants_measuring(self) -> bool:
        """Whether it has ended well and is not measured yet, and nobody asks it to stop."""
        should_stop = self._hooks.should_stop
        is_well = self.ended != "divergence" and not isinstance(self.ended, SinefitError)
        return is_well and self.quality is None and not (should_stop is not None and should_stop())

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint of the same signal and settings.

        Raises InputError for one that cannot have come from such a fit.
        """
        name = self.signal.spec.source or "the checkpoint"
        standing = dataclasses.replace(checkpoint.standing)
        try:
            self._best.restore(checkpoint.state)
            if self._peak is not None:
                self._peak.restore(checkpoint.state)
            losses = checkpoint.state["losses"]
            if losses.shape != self._losses.shape or bool((losses < 0.0).any()):
                raise ValueError("its losses do not fit the network")
            self._losses.copy_(losses)
            self._trainer.restore(self.places, checkpoint.field.network, checkpoint.state)
            taken = self._taken()
            # Of a round that was stopped the first groups are ahead of the last.
            ahead = [steps - standing.step for steps in taken]
            if ahead[-1] or ahead != sorted(ahead, reverse=True) or ahead[0] > MOST_STEPS:
                raise ValueError("its steps do not fit its standing")
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{name}: damaged checkpoint: {reason}") from error
        self._monitor.standing = standing
        if standing.refined:
            self._trainer.refine()

    def turn(self, clock: Callable[[], float]) -> float:
        """Do what is due between two steps; return the seconds of it that do not count."""
        if self.ended is not None:  # by the last report, or before the first step
            return 0.0
        standing, hooks = self.standing, self._hooks
        self._note_changes()
        now = clock()
        budget = self.plan.budget
        if budget.spent(standing.step, standing.seconds) >= 1.0:
            self.ended = "steps" if standing.step == budget.steps else "time"
            return 0.0
        stopping = hooks.should_stop is not None and hooks.should_stop()
        last_checkpoint = self._seen.setdefault("checkpoint", now)
        due = hooks.on_checkpoint and now - last_checkpoint >= hooks.checkpoint_every
        if (stopping or due) and not self._is_sound():
            self.ended = "divergence"
        elif stopping:
            name = self.signal.spec.source or "the fit"
            self.ended = FitStoppedError(
                f"{name}: stopped after {standing.step} steps", self._checkpoint()
            )
        elif due and hooks.on_checkpoint is not None:
            hooks.on_checkpoint(self._checkpoint())
            self._seen["checkpoint"] = now
        if self.ended is None and not budget.bounded:
            self._begin_cycle()
        if self.ended is not None or hooks.on_field is None:
            return 0.0
        if now - self._seen.setdefault("field", now) < hooks.field_every:
            return 0.0
        field = self._field(
            self._levelled(self._present().clone())
        )  # waits for the device: its steps count
        begin = clock()
        hooks.on_field(field)
        self._seen["field"] = clock()
        return self._seen["field"] - begin

    def steps_ahead(self, pace: float) -> int:
        """Return how many steps, at least one, it is until a look is due at `pace` s per step."""
        standing, budget = self.standing, self.plan.budget
        if self._members > 1:
            further = max(self._taken()) - standing.step
            if further > 0:  # some members are ahead already, of a round that was stopped
                return further
        ahead = self._report_every - standing.step % self._report_every
        if budget.steps is not None:
            ahead = min(ahead, budget.steps - standing.step)
        if not budget.bounded:  # the cycle is judged by the weights that it ends with
            ahead = min(ahead, steps_to_restart(standing.step, self.plan.steps))
        if budget.max_time is not None and pace > 0:
            ahead = min(ahead, int((budget.max_time - standing.seconds) / pace))
        return max(1, ahead)

    def begin_round(self, steps: int, pace: float) -> None:
        """Settle the factors on the learning rates of the next steps, of all members alike."""
        plan, begin = self.plan, self.standing.step
        # Of a round that was stopped the first groups are ahead.
        self._advanced = 0
        if self._members > 1:
            self._advanced = sum(taken > begin for taken in self._taken())
        if plan.budget.max_time is None:
            limit = plan.budget.steps
            self.factor = course_without_clock(plan.schedule, begin, steps, plan.steps, limit)
        else:
            share = self._rate_share(pace)
            factors = [
                share * rate_factor(plan.schedule, begin + ahead, self._progress(ahead, pace))
                for ahead in range(steps)
            ]
            self.factor = Course(begin, factors)

    def _rate_share(self, pace: float) -> float:
        """Return the share of its rates that a fit takes whose time holds other steps than planned.

        The pace was tried for a moment, in which the machine may have had other work.
        """
        limit, standing = self.plan.budget.max_time, self.standing
        if limit is None or pace == 0 or self.plan.config.learning_rate is not None:
            return 1.0
        steps = standing.step + max(0.0, limit - standing.seconds) / pace
        steps = min(steps, self.plan.budget.steps or steps)
        return steps_factor(max(1.0, steps)) / steps_factor(self.plan.steps)

    def heard(self, places: range, losses: Tensor, seconds: float) -> None:
        """Take note of the sums of losses of members at these places, and of seconds spent."""
        own = self.places
        begin, end = max(places.start, own.start), min(places.stop, own.stop)
        own_losses = losses[begin - places.start : end - places.start]
        self._losses[begin - own.start : end - own.start] += own_losses
        self.standing.seconds += seconds
        self._advanced += end - begin
        is_due = self.standing.seconds - self._told_at >= TELL_EVERY
        if is_due and self._advanced < len(own):
            self._tell(self._share(), self.standing.seconds)

    def is_called(self, now: float) -> bool:
        """Tell whether something is due that cannot wait for the next report."""
        hooks, seen = self._hooks, self._seen
        return (
            (hooks.should_stop is not None and hooks.should_stop())
            or (
                hooks.on_checkpoint is not None
                and now - seen.get("checkpoint", now) >= hooks.checkpoint_every
            )
            or (hooks.on_field is not None and now - seen.get("field", now) >= hooks.field_every)
        )

    def end_round(self, steps: int, pace: float) -> bool:
        """Take note that all members have taken these steps of the round, at `pace` s each.

        Tells whether a report is due.
        """
        standing = self.standing
        self._last_progress = self._progress(steps - 1, pace)
        standing.step += steps
        standing.summed += steps
        self._advanced = 0
        return standing.step % self._report_every == 0

    def _taken(self) -> list[int]:
        """Return the steps that each of its members has taken."""
        return self._trainer.steps_of(self.places)

    def _progress(self, ahead: int, pace: float) -> float:
        """Return how far along the schedule, 0 to 1, the step after so many further ones is."""
        standing, budget = self.standing, self.plan.budget
        step = standing.step + ahead
        if not budget.bounded:
            return restarting_progress(step, self.plan.steps)[1]
        spent = budget.spent(step, standing.seconds + ahead * pace)
        return progress_within(spent, step, self.plan.steps)

    def _begin_cycle(self) -> None:
        """End a fit that only quality ends if its last cycle was in vain."""
        cycle, _ = restarting_progress(self.standing.step, self.plan.steps)
        if cycle > self.standing.cycle:
            reached = self._estimate(self._present())
            if self._monitor.ends_cycle(cycle, reached):
                self.ended = "plateau"

    def report(self) -> bool:
        """Look at the losses since the last report, and do what follows from them.

        Returns whether the target may be reached: who measures that says it to `judge`.
        """
        standing = self.standing
        losses = self._losses / standing.summed
        astray = self._best.keep(self._present(), losses)
        if len(losses) > 1:
            losses = self._put_back(astray, losses)
        look = self._monitor.look(float((losses * self._shares).sum()), self._last_progress)
        standing.summed = 0
        self._losses.zero_()
        self._note_changes()
        self._tell(self._share(), standing.seconds)
        self._wants_refining = look.refine
        if look.diverged:
            self.ended = "divergence"
        elif not look.near_target:
            self.judge(has_reached_target=False)
        return look.near_target and self.ended is None

    def judge(self, *, has_reached_target: bool) -> None:
        """Do what is left of a report, once it is known whether the target is reached."""
        if has_reached_target:
            self.ended = "quality"
        elif self._peak is not None and self._looks_past_peak(self._peak):
            self.ended = "holdout"
        elif self._wants_refining:
            self.standing.refined = True
            self._trainer.refine()

    def _looks_past_peak(self, peak: Peak) -> bool:
        return peak.look(self._blend(self._present()), self.standing)

    def _note_changes(self) -> None:
        """Tell what the machine had the fit change, each the first time that it is the case."""
        if self._hooks.on_notice is None:
            return
        for sentence in (*self._trainer.notices, *self._guessed):
            if sentence not in self._told:
                self._told.add(sentence)
                self._hooks.on_notice(sentence)

    def has_reached_target(self) -> bool:
        """Measure whether the present weights, as they are saved, are as good as asked for."""
        target = self.plan.budget.target_psnr
        present = self._present()
        if target is None or self._estimate(present) < target:
            return False
        stored = self._levelled(present.clone())
        self.round(stored)
        quality = self._measure(stored)
        return quality is not None and quality.psnr_float >= target

    def _put_back(self, astray: Tensor, losses: Tensor) -> Tensor:
        """Have blocks that lost their way go on from their best, slower; return the losses there.

        One of many is no reason to end a fit.
        """
        places = astray.nonzero().flatten().tolist()
        if not places:
            return losses
        self._trainer.put_back(
            [self.first + place for place in places], self._best.network.values[astray]
        )
        return torch.where(astray, self._best.losses, losses)

    def _is_sound(self) -> bool:
        """Tell whether the training can be gone on with: one network's loss is a number."""
        return len(self._losses) > 1 or math.isfinite(float(self._losses.sum()))

    def _present(self) -> Network:
        """Return its members with their present weights, in the trainer's memory."""
        return self._trainer.network.part(self.places)

    def _checkpoint(self) -> Checkpoint:
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.signal)
        state = self._trainer.state(self.places)
        state.update(self._best.state())
        if self._peak is not None:
            state.update(self._peak.state())
        state["losses"] = self._losses.cpu().clone()
        standing = dataclasses.replace(self.standing)
        field = self._field(self._present())
        return Checkpoint(field, self.plan.config, standing, state, self._fingerprint)

    def _field(self, network: Network) -> Field:
        """Return the field of a network with weights like the present ones, on the CPU."""
        latest = self.standing.latest
        record = self._record(latest, latest, None, 0)
        network = self._sound(network).to("cpu").astype(torch.float32)
        return Field(network, self.signal.spec, record, self.plan.blocks)

    def _share(self) -> float | None:
        """Return the share of the budget that is spent; None when only quality ends the fit."""
        budget = self.plan.budget
        return budget.spent(self._done(), self.standing.seconds) if budget.bounded else None

    def _done(self) -> float:
        """Return the steps that were taken, those of a round under way by the blocks that did."""
        ahead = len(self.factor.factors) * self._advanced / len(self._losses)
        return self.standing.step + ahead

    def _tell(self, share: float | None, seconds: float) -> None:
        if self._hooks.on_progress is not None:
            standing, blocks = self.standing, len(self._losses)
            self._told_at = standing.seconds
            under_way = 0 < self._advanced < blocks
            self._hooks.on_progress(
                Progress(
                    "fitting",
                    standing.step,
                    share,
                    seconds,
                    standing.latest,
                    self._pace(),
                    (self._advanced, blocks) if under_way else None,
                )
            )

    def _best_network(self) -> Network:
        return self._best.network

    def _sound(self, network: Network) -> Network:
        """Return weights of this fit, with the best ones of blocks that have lost theirs."""
        return self._best.whole(network) if network.members > 1 else network
