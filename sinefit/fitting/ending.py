"""The end of a fit: its field is measured, and what comes of it is told."""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import torch

from sinefit.errors import SinefitError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.fitting.gradient_quality import gradient_psnr
from sinefit.fitting.keeping import pieces
from sinefit.fitting.measure import (
    Blend,
    MeasuringStoppedError,
    estimate_psnr,
    mean_missing,
    measure_quality,
    measured_samples,
)
from sinefit.fitting.measured import errors_in_turn
from sinefit.fitting.report import (
    FitDivergedError,
    FitNotMeasuredError,
    FitReport,
    FitResult,
    Progress,
)
from sinefit.fitting.supervision import with_level
from sinefit.initializers.registry import describe
from sinefit.networks.registry import describe_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.measured import MeasuredErrors
    from sinefit.fitting.monitor import Monitor, Standing
    from sinefit.fitting.peak import Peak
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.tally import Quality
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

EndedBy = Literal["steps", "time", "quality", "plateau", "holdout", "divergence"]


class FitEnd(ABC):
    """What a fit is measured by and judged by, wherever its networks were trained."""

    def __init__(self, signal: Signal, plan: FitPlan, hooks: FitHooks) -> None:
        self.plan = plan
        self.ended: EndedBy | SinefitError | None = None
        """How the training ended; None while it goes on."""
        self.network: Network | None = None
        """The weights at the end of the training, once it has ended."""
        self.signal = signal
        self._hooks = hooks
        self._monitor: Monitor
        self._peak: Peak | None = None
        self._errors: MeasuredErrors = errors_in_turn
        self.quality: Quality | None = None
        """How good its present weights are as they are saved, once that is known."""

    @property
    def standing(self) -> Standing:
        """Where the fit stands."""
        return self._monitor.standing

    def finish(self) -> FitResult:
        """Measure the field that the training has left, and wrap up.

        Raises the error that ended the training; FitDivergedError, with the best weights, for a fit
        that has diverged; FitNotMeasuredError, with the result, for one that is stopped meanwhile.
        """
        if isinstance(self.ended, SinefitError):
            raise self.ended
        assert self.ended is not None
        assert self.network is not None
        standing, plan = self.standing, self.plan
        ended_by, network = self.ended, self._sound(self.network)
        if self._peak is not None:
            if self._peak.is_better(self._blend(network), standing):
                standing.peak_step = standing.step
            else:
                network = self._peak.network
        quality = self.quality if network is self.network else None
        reached_now = self._estimate(network) if quality is None else quality.psnr_float
        if not reached_now >= self._monitor.floor:
            ended_by = "divergence"
        if ended_by == "divergence":
            network, quality = self._best_network(), None
        network = self._levelled(network)
        self.round(network)
        result = self._result(network, ended_by, quality)
        name = self.signal.spec.source or "the fit"
        reached = result.report.record.psnr_float
        if ended_by == "divergence":
            known = "were not measured" if reached is None else f"have {reached:.2f} dB"
            # What went on from a field cannot begin in another way.
            others = "" if standing.continued else ", or another `omega` or `init`"
            raise FitDivergedError(
                f"{name}: diverged after {standing.step} steps (it began at "
                f"{standing.initial:.2f} dB); the best weights {known}; try a lower "
                f"`learning_rate` than {plan.base_rate:.2g}{others}",
                result,
            )
        if reached is None:
            raise FitNotMeasuredError(
                f"{name}: stopped after {standing.step} steps, while the field was measured", result
            )
        return result

    def _measure(
        self, network: Network, on_share: Callable[[float], None] | None = None
    ) -> Quality | None:
        """Measure a network of this fit, None when it is asked to stop."""
        try:
            return measure_quality(
                self._blend(network),
                self.signal,
                on_share,
                count=self._measured_samples(),
                should_stop=self._hooks.should_stop,
                holdout=self.plan.config.holdout,
                errors=self._errors,
            )
        except MeasuringStoppedError:
            return None

    def _estimate(self, network: Network) -> float:
        """Return the PSNR of a network of this fit over some of its samples."""
        holdout = self.plan.config.holdout
        blend = self._blend(self._levelled(network))
        return estimate_psnr(blend, self.signal, holdout=holdout)

    def _levelled(self, network: Network) -> Network:
        """Return a network of this fit with the mean of the signal, where training tells it none.

        Any other is returned as it is.
        """
        outputs = self.plan.work.outputs
        if outputs is None or outputs.with_values:
            return network
        return with_level(network, mean_missing(self._blend(network), self.signal))

    def _blend(self, network: Network) -> Blend:
        """Return what is measured of a network of this fit: a field's weights are float32."""
        return Blend(network.astype(torch.float32), self.plan.blocks)

    def _measured_samples(self) -> int:
        trained = self.standing.step * self.plan.batch * self.plan.blocks.count
        count, weights = self.plan.spec.sample_count, self.plan.work.parameter_count
        return measured_samples(count, trained, weights)

    def round(self, network: Network) -> None:
        """Round weights as they will be saved, so that what is measured is what is kept."""
        dtype = getattr(torch, self.plan.dtype)
        for part in pieces(network):
            network.values[part] = network.values[part].to(dtype).to(network.values.dtype)

    @abstractmethod
    def _best_network(self) -> Network:
        """Return the best weights that the fit had."""

    @abstractmethod
    def _sound(self, network: Network) -> Network:
        """Return weights of this fit, with the best ones of blocks that have lost theirs."""

    @abstractmethod
    def _done(self) -> float:
        """Return the steps that were taken."""

    def _pace(self) -> float:
        """Return samples per second of training."""
        seconds = self.standing.seconds
        trained = self._done() * self.plan.batch * self.plan.blocks.count
        return trained / seconds if seconds > 0 else 0.0

    def _tell_measuring(self, share: float, seconds: float) -> None:
        if self._hooks.on_progress is not None:
            standing = self.standing
            self._hooks.on_progress(
                Progress("measuring", standing.step, share, seconds, standing.latest, self._pace())
            )

    def _record(
        self, psnr: float | None, psnr_float: float | None, snr: float | None, samples: int
    ) -> FitRecord:
        plan = self.plan
        recipe = plan.config.initializer
        return FitRecord(
            initializer=None if recipe is None else describe(recipe),
            omega=plan.omega,
            seed=plan.config.seed,
            steps=self.standing.step,
            batch=plan.batch,
            learning_rates=plan.learning_rates,
            psnr=psnr,
            psnr_float=psnr_float,
            psnr_range=self.signal.spec.value_range,
            snr=snr,
            psnr_samples=samples,
            holdout=None if plan.config.holdout is None else str(plan.config.holdout),
            schedule=plan.schedule,
            betas=plan.adam[:2],
            epsilon=plan.config.epsilon,
            precision=plan.config.precision or "auto",
            supervise=plan.config.supervise,
        )

    def _with_holdout(self, record: FitRecord, network: Network, quality: Quality) -> FitRecord:
        """Return a record with the figures of samples that were held out, if any were."""
        holdout = self.plan.config.holdout
        if holdout is None:
            return record
        try:
            gradient = gradient_psnr(
                self._blend(network),
                self.signal,
                holdout,
                should_stop=self._hooks.should_stop,
            )
        except MeasuringStoppedError:
            gradient = None
        return dataclasses.replace(
            record, psnr_holdout=quality.psnr_holdout, psnr_gradient=gradient
        )

    def _result(self, network: Network, ended_by: EndedBy, quality: Quality | None) -> FitResult:
        """Return the result, measured unless the quality is known."""
        spec = self.signal.spec
        begin = time.perf_counter()
        if quality is None:
            self.standing.latest = self._estimate(network)
            quality = self._measure(
                network, lambda share: self._tell_measuring(share, time.perf_counter() - begin)
            )
        else:
            self.standing.latest = quality.psnr_float
            self._tell_measuring(1.0, 0.0)
        if quality is None:
            record = self._record(None, None, None, 0)
        else:
            snr = quality.snr if spec.kind == "audio" else None
            record = self._record(quality.psnr, quality.psnr_float, snr, quality.samples)
            record = self._with_holdout(record, network, quality)
        device = str(self.plan.machine.device)
        report = FitReport(
            record,
            self.standing.seconds,
            self._pace(),
            device,
            ended_by,
            self.plan.dtype,
            describe_network(self.plan.config.network),
            None if self._peak is None else self.standing.peak_step,
        )
        network = network.to("cpu").astype(torch.float32)
        return FitResult(Field(network, spec, record, self.plan.blocks), report)
