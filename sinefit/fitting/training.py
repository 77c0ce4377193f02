"""A network in training: everything that a step changes, and how to put it back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sinefit.errors import SettingError
from sinefit.fitting.engines import (
    AutogradEngine,
    CudaEngine,
    FlatNetwork,
    ManualEngine,
    NativeEngine,
    choose_engine,
    choose_stages,
    choose_update,
    fast_operands,
    piece_size,
)
from sinefit.fitting.flat_adam import FlatAdam
from sinefit.fitting.memory import check_fit_memory
from sinefit.fitting.objective import MeanSquaredError
from sinefit.fitting.omega import resolve_omega
from sinefit.fitting.optimizer import RuledAdam, column_rates_of, rates_of
from sinefit.fitting.recorded import CudaRecorder, RecordedStep
from sinefit.fitting.samples import BatchOrder, TrainingSamples
from sinefit.fitting.traits import signal_traits
from sinefit.networks.sine import SineNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.fields.field import Field
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.engines import Engine
    from sinefit.initializers.base import TrainingRules
    from sinefit.signals.signal import Signal


class Training:
    """Network, samples, order of the samples, engine and optimiser of one fit."""

    def __init__(
        self,
        signal: Signal,
        config: FitConfig,
        device: torch.device,
        start_from: Field | None = None,
        *,
        samples: TrainingSamples | None = None,
    ) -> None:
        """Draw the starting weights, or take those of `start_from`, whose settings `config` has.

        `samples` are those of the signal where they are on the device already. Raises
        SettingError for settings that do not fit the signal.
        """
        self.spec = signal.spec
        config = replace(config, width=config.size_for(signal.spec).width)
        self.config = config
        self.device = device
        self.batch = config.batch_for(self.spec)
        self.wanted_piece = min(self.batch, piece_size(device))
        """Samples that the engine works on at a time if the device has memory for them."""
        self._piece = self.wanted_piece
        self._threads = torch.get_num_threads()
        if device.type == "cpu":
            check_fit_memory(config.size_for(self.spec), self._piece, self._threads)
        generator = torch.Generator().manual_seed(config.seed)
        self.network, self.rules, self.omega = self._start(signal, start_from, generator)
        self.samples = samples or TrainingSamples(signal, device)
        self.rates = rates_of(config, self.spec, self.rules)
        self.column_rates = column_rates_of(config, self.spec, self.rules)
        if self.samples.resident:
            generator = torch.Generator(self.samples.device).manual_seed(config.seed)
        self._order = BatchOrder(self.samples.count, self.batch, generator)
        self._flat: FlatNetwork | None = None
        self._recorded: RecordedStep | None = None
        self._optimizer: RuledAdam | FlatAdam
        self._engine_name = choose_engine(config.engine, device, self.network.size)
        if self._engine_name == "cuda":
            self._flat = FlatNetwork(self.network)
            self._optimizer = FlatAdam(
                self._flat, self.rates, self.rules, self.column_rates, choose_update(device)
            )
        else:
            self._optimizer = RuledAdam(self.network, self.rates, self.rules, self.column_rates)
        self._fine = False
        self._engine = self._make_engine()

    @property
    def base_rate(self) -> float:
        """The highest `learning_rate` at which no layer would learn faster than it does."""
        pairs = zip(self.rates, self.rules.learning_rate_scales, strict=True)
        return min(rate / scale for rate, scale in pairs if scale > 0)

    def step(self, factor: float) -> Tensor:
        """Take one step at `factor` times the learning rates; return the loss before it, 0-d."""
        return self.step_on(self.draw(), factor)

    def step_on(self, indices: Tensor, factor: float) -> Tensor:
        """Take a step on the samples of these numbers (batch,); return the loss before it, 0-d.

        A device without memory for a piece gets pieces of half the size, with the same result but
        for the order of sums.
        """
        if self._recorded is not None:
            return self._recorded(indices, factor)
        coordinates, targets = self.samples.batch(indices)
        while True:
            try:
                loss = self._engine.step(coordinates, targets)
                break
            except torch.OutOfMemoryError:
                if self._piece == 1 or self.config.engine == "autograd":
                    raise
            del self._engine  # its buffers go before new ones are asked for
            self._piece = (self._piece + 1) // 2
            self._engine = self._make_engine()
        self._optimizer.step(factor)
        return loss

    def draw(self) -> Tensor:
        """Return the numbers of the next batch's samples (batch,), int64."""
        return self._order.draw()

    def refine(self) -> None:
        """Take all further steps in full precision."""
        self._fine = True
        del self._engine
        self._engine = self._make_engine()

    @property
    def has_own_threads(self) -> bool:
        """Whether the engine brings threads, beside which those of torch would only be in the way.

        They wait for their next task by looking out for it, and keep the cores from the engine.
        """
        return isinstance(self._engine, NativeEngine)

    @property
    def launch_failure(self) -> str | None:
        """Why a CUDA device is told every part of every step anew, None as long as it is not."""
        return None if self._recorded is None else self._recorded.failure

    @property
    def piece(self) -> int:
        """Samples that the engine works on at a time."""
        return self._piece

    def state(self) -> dict[str, Tensor]:
        """Return all that steps change besides the weights, by name, on the CPU."""
        return {**self._order.state(), **self._optimizer.state()}

    def restore(self, weights: SineNetwork, state: dict[str, Tensor], steps: int) -> None:
        """Put back the weights and the state of a training of the same settings after `steps`."""
        with torch.no_grad():
            for parameter, kept in zip(
                self.network.parameters(), weights.parameters(), strict=True
            ):
                parameter.copy_(kept)
        self._order.restore(state)
        self._optimizer.restore(state, steps)

    def _start(
        self, signal: Signal, start_from: Field | None, generator: torch.Generator
    ) -> tuple[SineNetwork, TrainingRules, tuple[float, ...]]:
        config = self.config
        size = config.size_for(self.spec)
        if start_from is not None and start_from.network.size != size:
            earlier = start_from.network.size
            raise SettingError(
                f"`start_from` holds a field of {earlier.in_features} coordinates and "
                f"{earlier.out_features} channels, the signal has {size.in_features} "
                f"and {size.out_features}: start from a field of the same kind"
            )
        omega = resolve_omega(config.omega, config.initializer, signal, size)
        start = config.initializer.draw(size, omega, signal_traits(signal), generator)
        weights, biases, rules = list(start.weights), list(start.biases), start.rules
        if start_from is not None:
            weights = [weight.detach().clone() for weight in start_from.network.weights]
            biases = [bias.detach().clone() for bias in start_from.network.biases]
            rules = config.initializer.rules_for(start, weights)
        network = SineNetwork(weights, biases).to(self.device)
        self._check_storage(network)
        return network, rules, omega

    def _check_storage(self, network: SineNetwork) -> None:
        """Refuse a type that cannot hold even the starting weights."""
        limit = torch.finfo(getattr(torch, self.config.storage)).max
        largest = max(float(part.detach().abs().max()) for part in network.parameters())
        if largest > limit:
            raise SettingError(
                f"`dtype` is {self.config.storage}: it cannot hold weights of {largest:g}; "
                "use float32 or bfloat16"
            )

    def _make_engine(self) -> Engine:
        objective = MeanSquaredError()
        operands = torch.float32 if self._fine else fast_operands(self.device)
        if self._flat is not None:
            return self._make_cuda_engine(self._flat, operands)
        if self._engine_name == "autograd":
            return AutogradEngine(self.network, objective)
        if self._engine_name == "native":
            return NativeEngine(self.network, self._threads, split=self._fine)
        return ManualEngine(self.network, objective, operands, self._piece)

    def _make_cuda_engine(self, flat: FlatNetwork, operands: torch.dtype) -> Engine:
        """Return the engine of a CUDA device; with resident samples its steps are recorded."""
        self._recorded = None
        while True:
            try:
                stages = choose_stages(flat.size, self._piece, self.device)
                engine = CudaEngine(flat, operands, self._piece, stages)
                break
            except torch.OutOfMemoryError:
                if self._piece == 1:
                    raise
            self._piece = (self._piece + 1) // 2
        if self.samples.resident and isinstance(self._optimizer, FlatAdam):
            recorder = CudaRecorder(self.device)
            self._recorded = RecordedStep(
                self.samples, self.batch, engine, self._optimizer, recorder
            )
        return engine
