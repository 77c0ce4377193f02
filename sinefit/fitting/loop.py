"""The fit: from a signal and its settings to a field."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from typing import TYPE_CHECKING, Final, Literal

import torch

from sinefit import metrics
from sinefit.errors import InputError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import Checkpoint, Standing, fingerprint
from sinefit.fitting.defaults import default_steps
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.engines import piece_size
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.measure import (
    MeasuringStoppedError,
    estimate_psnr,
    measure_quality,
    measured_samples,
)
from sinefit.fitting.pace import settled
from sinefit.fitting.report import (
    FitDivergedError,
    FitNotMeasuredError,
    FitReport,
    FitResult,
    FitStoppedError,
    Progress,
)
from sinefit.fitting.schedule import progress_within, rate_factor, restarting_progress
from sinefit.fitting.training import Training
from sinefit.forks import begin_threads
from sinefit.initializers.registry import describe
from sinefit.networks.sine import SineNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from torch import Tensor

    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.measure import Quality
    from sinefit.signals.signal import Signal


REPORT_EVERY: Final = 50
"""Steps between two looks at the loss; each waits for the device, so they are not more frequent."""
CUDA_REPORT_EVERY: Final = 500
"""The same on CUDA, where a step takes well under a millisecond."""
DIVERGENCE_MARGIN: Final = 1.0
"""dB below the starting PSNR at which a fit counts as diverging."""
CONTINUED_FLOOR: Final = 15.0
"""The most that counts as the starting PSNR of a fit which continues another, in dB: at the full
learning rate a good field falls far below its quality for a while."""
DIVERGENCE_REPORTS: Final = 6
"""Reports in a row below that margin which end a fit."""
QUALITY_MARGIN: Final = 1.5
"""dB below the target at which the running PSNR, taken at full learning rate, calls for a check."""
PLATEAU_GAIN: Final = 0.1
"""dB that a restart, twice as long as the last, must bring for a quality-only fit to go on."""
FINE_SHARE: Final = 0.8
"""Share of the budget after which low precision can be in the way of a good fit."""
FINE_PSNR: Final = 50.0
"""PSNR of the batches, in dB, from which on it is."""

EndedBy = Literal["steps", "time", "quality", "plateau", "divergence"]


def fit_signal(
    signal: Signal,
    config: FitConfig,
    *,
    start_from: Field | None = None,
    resume: Checkpoint | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    hooks: FitHooks | None = None,
) -> FitResult:
    """Fit a sine network to a signal.

    `start_from` continues from the weights of an earlier field: its recipe, omega and network size
    take the place of those in `config`. `resume` goes on from a checkpoint of the same signal and
    settings, to the same weights as if the fit had never been stopped. `on_progress` is a short
    form of `hooks`.

    Raises SettingError for settings that do not fit the signal or the checkpoint, InputError for a
    signal without samples, FitDivergedError, with the best weights, for a fit that diverges, and
    for one that `hooks` stop FitStoppedError, with a checkpoint, or FitNotMeasuredError, with the
    result, when all steps are done.
    """
    spec = signal.spec
    if spec.sample_count == 0:
        raise InputError(
            f"{spec.source or 'the signal'}: it has no samples, so there is nothing to fit"
        )
    hooks = hooks or FitHooks()
    if on_progress is not None:
        hooks = dataclasses.replace(hooks, on_progress=on_progress)
    if start_from is not None:
        config = config.continuing(start_from)
    is_continued = start_from is not None
    device = resolve_device(config.device)
    config = settled(config, signal, resume)
    if resume is not None:
        resume.check(config, signal)
        start_from = resume.field
    with cpu_threads(config.threads):
        begin_threads(torch.get_num_threads())
        fit = Fit(signal, Training(signal, config, device, start_from), hooks)
        fit.standing.continued = is_continued
        if resume is not None:
            fit.resume(resume)
        return fit.run()


class Fit:
    """One run of optimisation: the budget, the reports and what they lead to."""

    def __init__(
        self,
        signal: Signal,
        training: Training,
        hooks: FitHooks,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Begin; `clock` tells the seconds that count in the budget."""
        self.clock = clock
        self.signal = signal
        self.training = training
        self.hooks = hooks
        self.budget = training.config.budget or Budget(steps=default_steps(signal.spec))
        initial = estimate_psnr(training.network, training.samples)
        self.standing = Standing(initial, best=initial, cycle_psnr=initial, latest=initial)
        self.best = [parameter.detach().clone() for parameter in training.network.parameters()]
        self.loss_sum = torch.zeros((), device=training.device)
        self.fingerprint: str | None = None
        self.first_piece = min(training.batch, piece_size(training.device))
        self.told_launches = False
        self.report_every = CUDA_REPORT_EVERY if training.device.type == "cuda" else REPORT_EVERY

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint, whose field the training starts from; it must have been checked."""
        name = self.signal.spec.source or "the checkpoint"
        state = dict(checkpoint.state)
        try:
            kept = [state[f"best.{number}"] for number in range(len(self.best))]
            for mine, theirs in zip(self.best, kept, strict=True):
                mine.copy_(theirs)
            self.training.restore(checkpoint.field.network, state, checkpoint.standing.step)
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{name}: damaged checkpoint: {reason}") from error
        self.standing = dataclasses.replace(checkpoint.standing)
        if self.standing.fine:
            self.training.refine()
        self.loss_sum.fill_(self.standing.loss_sum)

    def run(self) -> FitResult:
        """Train to the end of the budget, then measure and wrap up."""
        training, steps = self.training, self.steps()
        with cpu_threads(1 if training.has_own_threads else None):
            try:
                factor = next(steps)
                while True:
                    factor = steps.send(training.step(factor))
            except StopIteration as end:
                ended_by: EndedBy = end.value
        return self.finish(ended_by)

    def finish(self, ended_by: EndedBy) -> FitResult:
        """Measure the field that `steps` has left, and wrap up."""
        training, standing = self.training, self.standing
        if training.device.type == "cuda":
            torch.cuda.synchronize(training.device)
        if not estimate_psnr(training.network, training.samples) >= self._floor():
            ended_by = "divergence"
        if ended_by == "divergence":
            self._restore_best()
        self._round_to_storage(training.network)
        result = self._result(ended_by)
        reached = result.report.record.psnr_float
        if ended_by == "divergence":
            known = "were not measured" if reached is None else f"have {reached:.2f} dB"
            # What went on from a field cannot begin in another way.
            others = "" if standing.continued else ", or another `omega` or `init`"
            raise FitDivergedError(
                f"{training.spec.source or 'the fit'}: diverged after {standing.step} steps (it "
                f"began at {standing.initial:.2f} dB); the best weights {known}; try a lower "
                f"`learning_rate` than {training.base_rate:.2g}{others}",
                result,
            )
        if reached is None:
            raise FitNotMeasuredError(
                f"{training.spec.source or 'the fit'}: stopped after {standing.step} steps, while "
                "the field was measured",
                result,
            )
        return result

    def steps(self) -> Generator[float, Tensor, EndedBy]:
        """Yield the factor on the learning rates of each step, take its loss; return the end.

        Whoever asks takes the steps, so that many fits can take theirs together.
        """
        standing, budget, hooks = self.standing, self.budget, self.hooks
        training = self.training
        expected = training.config.expected_steps(training.spec)
        first_cycle = default_steps(training.spec)
        before = standing.seconds
        begin = self.clock()
        last_checkpoint = last_field = begin
        while True:
            now = self.clock()
            standing.seconds = before + now - begin
            share = budget.spent(standing.step, standing.seconds)
            if share >= 1.0:
                return "steps" if standing.step == budget.steps else "time"
            stopping = hooks.should_stop is not None and hooks.should_stop()
            due = hooks.on_checkpoint and now - last_checkpoint >= hooks.checkpoint_every
            if (stopping or due) and not math.isfinite(float(self.loss_sum)):
                return "divergence"
            if stopping:
                name = self.training.spec.source or "the fit"
                raise FitStoppedError(
                    f"{name}: stopped after {standing.step} steps", self._checkpoint()
                )
            if due and hooks.on_checkpoint is not None:
                hooks.on_checkpoint(self._checkpoint())
                last_checkpoint = now
            if hooks.on_field is not None and now - last_field >= hooks.field_every:
                field = self._field()  # waits for the device, so that its steps count
                paused = self.clock()
                hooks.on_field(field)
                last_field = self.clock()
                begin += last_field - paused
            if budget.bounded:
                progress = progress_within(share, standing.step, expected)
            else:
                cycle, progress = restarting_progress(standing.step, first_cycle)
                if cycle > standing.cycle and self._on_plateau(cycle):
                    return "plateau"
            self.loss_sum += yield rate_factor(standing.step, progress)
            standing.step += 1
            standing.summed += 1
            if standing.step % self.report_every == 0:
                self._report(share)
                if standing.latest == -math.inf or standing.low_reports >= DIVERGENCE_REPORTS:
                    return "divergence"
                if self._reached_target():
                    return "quality"
                fine = progress >= FINE_SHARE and standing.latest >= FINE_PSNR
                if fine and not standing.fine:
                    standing.fine = True
                    training.refine()

    def _report(self, share: float) -> None:
        """Look at the losses since the last report, keep the best weights, tell the caller."""
        standing = self.standing
        loss = float(self.loss_sum) / standing.summed
        standing.latest = metrics.psnr(loss, 2.0) if math.isfinite(loss) else -math.inf
        standing.summed = 0
        self.loss_sum.zero_()
        low = standing.latest < self._floor()
        standing.low_reports = standing.low_reports + 1 if low else 0
        network = self.training.network
        # The PSNR is that of the batches before the last step, which can have spoilt the weights.
        if standing.latest > standing.best and bool(
            torch.stack([part.isfinite().all() for part in network.parameters()]).all()
        ):
            standing.best = standing.latest
            for kept, parameter in zip(self.best, network.parameters(), strict=True):
                kept.copy_(parameter.detach())
        if self.training.piece < self.first_piece and self.hooks.on_notice is not None:
            self.first_piece = 0  # said once
            self.hooks.on_notice(
                f"the device has too little memory: working on {self.training.piece} samples at a "
                "time"
            )
        failure = self.training.launch_failure
        if failure is not None and not self.told_launches and self.hooks.on_notice is not None:
            self.told_launches = True
            self.hooks.on_notice(
                f"the device cannot record a step ({failure}): its parts are launched one by one"
            )
        self._tell("fitting", share if self.budget.bounded else None, standing.seconds)

    def _on_plateau(self, cycle: int) -> bool:
        """Begin a cycle of a fit that only quality ends; tell whether the last was in vain."""
        reached = estimate_psnr(self.training.network, self.training.samples)
        in_vain = reached < self.standing.cycle_psnr + PLATEAU_GAIN
        self.standing.cycle, self.standing.cycle_psnr = cycle, reached
        return in_vain

    def _floor(self) -> float:
        """Return the PSNR below which the fit counts as diverging."""
        ceiling = CONTINUED_FLOOR if self.standing.continued else math.inf
        return min(self.standing.initial, ceiling) - DIVERGENCE_MARGIN

    def _reached_target(self) -> bool:
        target = self.budget.target_psnr
        if target is None or self.standing.latest < target - QUALITY_MARGIN:
            return False
        training = self.training
        if estimate_psnr(training.network, training.samples) < target:
            return False
        # What counts is what will be saved.
        stored = copy.deepcopy(training.network)
        self._round_to_storage(stored)
        quality = self._measure(stored)
        return quality is not None and quality.psnr_float >= target

    def _measure(
        self, network: SineNetwork, on_share: Callable[[float], None] | None = None
    ) -> Quality | None:
        """Measure a network of this fit, None when it is asked to stop."""
        try:
            return measure_quality(
                network,
                self.training.samples,
                self.training.spec,
                on_share,
                count=self._measured_samples(),
                seed=self.training.config.seed,
                should_stop=self.hooks.should_stop,
            )
        except MeasuringStoppedError:
            return None

    def _measured_samples(self) -> int:
        training = self.training
        trained = self.standing.step * training.batch
        return measured_samples(
            training.samples.count, trained, training.network.size.parameter_count
        )

    def _restore_best(self) -> None:
        with torch.no_grad():
            for kept, parameter in zip(self.best, self.training.network.parameters(), strict=True):
                parameter.copy_(kept)

    def _round_to_storage(self, network: SineNetwork) -> None:
        """Round the weights as they will be saved, so that what is measured is what is kept."""
        storage = getattr(torch, self.training.config.storage)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.to(storage))

    def _checkpoint(self) -> Checkpoint:
        training = self.training
        self.standing.loss_sum = float(self.loss_sum)
        if self.fingerprint is None:
            self.fingerprint = fingerprint(self.signal)
        state: dict[str, Tensor] = training.state()
        for number, kept in enumerate(self.best):
            state[f"best.{number}"] = kept.cpu().clone()
        return Checkpoint(
            self._field(),
            training.config,
            dataclasses.replace(self.standing),
            state,
            self.fingerprint,
        )

    def _field(self) -> Field:
        """Return the field with its present weights, copied to the CPU."""
        network = SineNetwork(
            [weight.detach().cpu().clone() for weight in self.training.network.weights],
            [bias.detach().cpu().clone() for bias in self.training.network.biases],
        )
        latest = self.standing.latest
        return Field(network, self.training.spec, self._record(latest, latest, None, 0))

    def _tell(
        self, phase: Literal["fitting", "measuring"], share: float | None, seconds: float
    ) -> None:
        if self.hooks.on_progress is not None:
            standing = self.standing
            self.hooks.on_progress(
                Progress(phase, standing.step, share, seconds, standing.latest, self._pace())
            )

    def _pace(self) -> float:
        """Return samples per second of training."""
        seconds = self.standing.seconds
        return self.standing.step * self.training.batch / seconds if seconds > 0 else 0.0

    def _record(
        self, psnr: float | None, psnr_float: float | None, snr: float | None, samples: int
    ) -> FitRecord:
        training = self.training
        return FitRecord(
            initializer=describe(training.config.initializer),
            omega=training.omega,
            seed=training.config.seed,
            steps=self.standing.step,
            batch=training.batch,
            learning_rates=training.rates,
            psnr=psnr,
            psnr_float=psnr_float,
            psnr_range=training.spec.value_range,
            snr=snr,
            psnr_samples=samples,
        )

    def _result(self, ended_by: EndedBy) -> FitResult:
        training = self.training
        begin = time.perf_counter()
        self.standing.latest = estimate_psnr(training.network, training.samples)
        quality = self._measure(
            training.network,
            lambda share: self._tell("measuring", share, time.perf_counter() - begin),
        )
        if quality is None:
            record = self._record(None, None, None, 0)
        else:
            snr = quality.snr if training.spec.kind == "audio" else None
            samples = self._measured_samples()
            record = self._record(quality.psnr, quality.psnr_float, snr, samples)
        device = str(training.device)
        report = FitReport(record, self.standing.seconds, self._pace(), device, ended_by)
        return FitResult(Field(training.network.cpu(), training.spec, record), report)
