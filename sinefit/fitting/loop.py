"""The fit: from a signal and its settings to a field."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import torch

from sinefit import metrics
from sinefit.errors import InputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import default_steps
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.engines import AutogradEngine, ManualEngine, fast_operands, piece_size
from sinefit.fitting.measure import estimate_psnr, measure_quality
from sinefit.fitting.objective import MeanSquaredError
from sinefit.fitting.omega import resolve_omega
from sinefit.fitting.optimizer import RuledAdam, layer_rates
from sinefit.fitting.report import FitDivergedError, FitReport, FitResult, Progress
from sinefit.fitting.samples import BatchOrder, TrainingSamples
from sinefit.fitting.schedule import cosine_factor, restarting_progress
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.registry import describe
from sinefit.networks.sine import SineNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.engines import Engine
    from sinefit.initializers.base import TrainingRules
    from sinefit.signals.signal import Signal

    ProgressCallback = Callable[[Progress], None]

REPORT_EVERY: Final = 50
"""Steps between two looks at the loss; each waits for the device, so they are not more frequent."""
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

EndedBy = Literal["steps", "time", "quality", "plateau", "divergence"]


@dataclass
class _Best:
    """The best weights seen, by the running PSNR."""

    psnr: float
    weights: list[torch.Tensor]

    def offer(self, psnr: float, network: SineNetwork) -> None:
        # The PSNR is that of the batches before the last step, which can have spoilt the weights.
        if psnr > self.psnr and all(bool(p.isfinite().all()) for p in network.parameters()):
            self.psnr = psnr
            for kept, parameter in zip(self.weights, network.parameters(), strict=True):
                kept.copy_(parameter.detach())

    def restore(self, network: SineNetwork) -> None:
        with torch.no_grad():
            for kept, parameter in zip(self.weights, network.parameters(), strict=True):
                parameter.copy_(kept)


def fit_signal(
    signal: Signal,
    config: FitConfig,
    *,
    start_from: Field | None = None,
    on_progress: ProgressCallback | None = None,
) -> FitResult:
    """Fit a sine network to a signal.

    `start_from` continues from the weights of an earlier field: its recipe, omega and network size
    take the place of those in `config`.
    Raises SettingError for settings that do not fit the signal, InputError for a signal without
    samples and FitDivergedError, with the best weights, for a fit that diverges.
    """
    spec = signal.spec
    if spec.sample_count == 0:
        raise InputError(
            f"{spec.source or 'the signal'}: it has no samples, so there is nothing to fit"
        )
    device = resolve_device(config.device)
    with cpu_threads(config.threads):
        return _Fit(signal, config, device, start_from, on_progress).run()


class _Fit:
    """One run of optimisation."""

    def __init__(
        self,
        signal: Signal,
        config: FitConfig,
        device: torch.device,
        start_from: Field | None,
        on_progress: ProgressCallback | None,
    ) -> None:
        self.spec = signal.spec
        self.config = config if start_from is None else config.continuing(start_from)
        self.device = device
        self.on_progress = on_progress
        self.budget = config.budget or Budget(steps=default_steps(signal.spec))
        self.generator = torch.Generator().manual_seed(config.seed)
        self.network, rules, self.omega = self._start(signal, start_from)
        self.samples = TrainingSamples(signal, device)
        self.order = BatchOrder(self.samples.count, self.config.batch, self.generator)
        self.rates = layer_rates(
            self.config.learning_rate,
            self.config.initializer.hidden_rate,
            rules.learning_rate_scales,
        )
        self.optimizer = RuledAdam(self.network, self.rates, rules)
        self.engine = self._engine()
        self.ceiling = math.inf if start_from is None else CONTINUED_FLOOR
        self._check_storage()

    def _start(
        self, signal: Signal, start_from: Field | None
    ) -> tuple[SineNetwork, TrainingRules, tuple[float, ...]]:
        spec, config = self.spec, self.config
        size = config.size_for(spec)
        if start_from is not None and start_from.network.size != size:
            earlier = start_from.network.size
            raise SettingError(
                f"--from holds a field of {earlier.in_features} coordinates and "
                f"{earlier.out_features} channels, the signal has {size.in_features} "
                f"and {size.out_features}: start from a field of the same kind"
            )
        omega = resolve_omega(config.omega, config.initializer, signal, size)
        start = config.initializer.draw(size, omega, signal_traits(signal), self.generator)
        weights, biases = list(start.weights), list(start.biases)
        if start_from is not None:
            weights = [weight.detach().clone() for weight in start_from.network.weights]
            biases = [bias.detach().clone() for bias in start_from.network.biases]
        return SineNetwork(weights, biases).to(self.device), start.rules, omega

    def _engine(self) -> Engine:
        objective = MeanSquaredError()
        if self.config.engine == "autograd":
            return AutogradEngine(self.network, objective)
        piece = min(self.order.size, piece_size(self.device))
        return ManualEngine(self.network, objective, fast_operands(self.device), piece)

    def run(self) -> FitResult:
        """Train to the end of the budget, then measure and wrap up."""
        initial = estimate_psnr(self.network, self.samples)
        best = _Best(
            initial, [parameter.detach().clone() for parameter in self.network.parameters()]
        )
        begin = time.perf_counter()
        steps, ended_by = self._train(initial, best, begin)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - begin
        if not estimate_psnr(self.network, self.samples) >= self._floor(initial):
            ended_by = "divergence"
        if ended_by == "divergence":
            best.restore(self.network)
        self._round_to_storage(self.network)
        result = self._result(steps, seconds, ended_by)
        final = result.report.record.psnr_float
        if ended_by == "divergence":
            raise FitDivergedError(
                f"{self.spec.source or 'the fit'}: diverged after {steps} steps (it began at "
                f"{initial:.2f} dB); the best weights have {final:.2f} dB; "
                f"try a lower --lr than {self.rates[-1]:.2g}, or another --omega or --init",
                result,
            )
        return result

    def _train(self, initial: float, best: _Best, begin: float) -> tuple[int, EndedBy]:
        budget = self.budget
        horizon = default_steps(self.spec)
        loss_sum = torch.zeros((), device=self.device)
        step, summed, low_reports = 0, 0, 0
        last_cycle, cycle_psnr = 0, initial
        while True:
            seconds = time.perf_counter() - begin
            share = budget.spent(step, seconds)
            if share >= 1.0:
                return step, "steps" if step == budget.steps else "time"
            if not budget.bounded:
                cycle, share = restarting_progress(step, horizon)
                if cycle > last_cycle:
                    reached = estimate_psnr(self.network, self.samples)
                    if reached < cycle_psnr + PLATEAU_GAIN:
                        return step, "plateau"
                    last_cycle, cycle_psnr = cycle, reached
            coordinates, targets = self.samples.batch(self.order.draw())
            loss_sum += self.engine.step(coordinates, targets)
            self.optimizer.step(cosine_factor(share))
            step, summed = step + 1, summed + 1
            if step % REPORT_EVERY:
                continue
            loss = float(loss_sum) / summed
            psnr = metrics.psnr(loss, 2.0) if math.isfinite(loss) else -math.inf
            loss_sum.zero_()
            summed = 0
            self._tell("fitting", step, begin, psnr, share if budget.bounded else None)
            low_reports = low_reports + 1 if psnr < self._floor(initial) else 0
            if psnr == -math.inf or low_reports >= DIVERGENCE_REPORTS:
                return step, "divergence"
            best.offer(psnr, self.network)
            if self._reached_target(psnr):
                return step, "quality"

    def _floor(self, initial: float) -> float:
        """Return the PSNR below which a fit that began at `initial` counts as diverging."""
        return min(initial, self.ceiling) - DIVERGENCE_MARGIN

    def _reached_target(self, psnr: float) -> bool:
        target = self.budget.target_psnr
        if target is None or psnr < target - QUALITY_MARGIN:
            return False
        if estimate_psnr(self.network, self.samples) < target:
            return False
        # What counts is what will be saved.
        stored = copy.deepcopy(self.network)
        self._round_to_storage(stored)
        return measure_quality(stored, self.samples, self.spec).psnr_float >= target

    def _tell(
        self,
        phase: Literal["fitting", "measuring"],
        step: int,
        begin: float,
        psnr: float,
        share: float | None,
        pace: float | None = None,
    ) -> None:
        if self.on_progress is not None:
            seconds = time.perf_counter() - begin
            if pace is None:
                pace = step * self.order.size / seconds
            self.on_progress(Progress(phase, step, share, seconds, psnr, pace))

    def _check_storage(self) -> None:
        """Refuse a type that cannot hold even the starting weights."""
        limit = torch.finfo(getattr(torch, self.config.storage)).max
        largest = max(float(part.detach().abs().max()) for part in self.network.parameters())
        if largest > limit:
            raise SettingError(
                f"--dtype is {self.config.storage}: it cannot hold weights of {largest:g}; "
                "use float32 or bfloat16"
            )

    def _round_to_storage(self, network: SineNetwork) -> None:
        """Round the weights as they will be saved, so that what is measured is what is kept."""
        storage = getattr(torch, self.config.storage)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.to(storage))

    def _result(self, steps: int, seconds: float, ended_by: EndedBy) -> FitResult:
        pace = steps * self.order.size / seconds if seconds > 0 else 0.0
        begin = time.perf_counter()
        latest = estimate_psnr(self.network, self.samples)
        quality = measure_quality(
            self.network,
            self.samples,
            self.spec,
            lambda share: self._tell("measuring", steps, begin, latest, share, pace),
        )
        record = FitRecord(
            initializer=describe(self.config.initializer),
            omega=self.omega,
            seed=self.config.seed,
            steps=steps,
            batch=self.order.size,
            learning_rates=self.rates,
            psnr=quality.psnr,
            psnr_float=quality.psnr_float,
            psnr_range=self.spec.value_range,
            snr=quality.snr if self.spec.kind == "audio" else None,
        )
        report = FitReport(record, seconds, pace, str(self.device), ended_by)
        return FitResult(Field(self.network.cpu(), self.spec, record), report)
