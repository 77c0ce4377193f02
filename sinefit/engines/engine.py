"""What fitting asks of an engine, and what an engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import torch

from sinefit.engines.objective import MeanSquaredError
from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.derived import DerivedOutputs
    from sinefit.engines.objective import Batch, Objective
    from sinefit.native.shuffles import Shuffles
    from sinefit.networks.family import Family
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize

Precision = Literal["float32", "bfloat16", "two bfloat16", "float16", "float64"]
"""How the factors of the hidden layers' products are taken: as they are, rounded to bfloat16 (8
bits) or to float16 (11 bits, what flows back scaled to its range), or as the sum of two values of
bfloat16 (16 bits). Sums and all else are float32; with "float64" everything is that."""


@dataclass(frozen=True)
class Work:
    """What an engine is to train."""

    family: Family
    size: NetworkSize
    members: int
    """Networks in the stack."""
    targets: int
    """Most targets of a batch, per member."""
    points: int
    """Points per target."""
    objective: Objective
    device: torch.device
    threads: int
    """Threads of the CPU that the engine may use."""
    dtype: torch.dtype = torch.float32
    """Type of weights, coordinates and targets."""
    outputs: DerivedOutputs | None = None
    """What of the networks meets the targets; None for their values."""
    has_gains: bool = False
    """Whether Adam goes by the gradient by weights that the scheme calls its own, see
    `Adam.__init__`."""

    @property
    def samples(self) -> int:
        """Coordinates of a batch, per member."""
        return self.targets * self.points

    @property
    def parameter_count(self) -> int:
        """Weights of a member."""
        return self.family.parameter_count(self.size)

    @property
    def is_sine(self) -> bool:
        """Whether it is values of sine networks in float32 and the mean squared error.

        They are met at whatever points.
        """
        is_usual = self.dtype == torch.float32 and isinstance(self.objective, MeanSquaredError)
        return self.family is SINE and self.outputs is None and is_usual

    @property
    def is_pointwise(self) -> bool:
        """Whether it is that at one point per target."""
        return self.is_sine and self.points == 1

    @property
    def is_plain(self) -> bool:
        """Whether it is that for one network."""
        return self.is_pointwise and self.members == 1

    def halved(self) -> Work:
        """Return the same work with half the targets at a time."""
        return replace(self, targets=(self.targets + 1) // 2)


class Engine(Protocol):
    """Computes the losses of a batch and their gradient."""

    gradient: Tensor
    """(members, count), laid out like the network's values; what the last step has left."""

    def step(self, batch: Batch) -> Tensor:
        """Return each member's loss (members,), and leave its gradient behind."""


class StackTraining(Protocol):
    """Trains a stack by itself, many steps in a call."""

    def take(self, indices: Tensor | Shuffles, factors: Tensor) -> Tensor:
        """Take steps on samples (steps, members, batch) at factors (steps, members) on the rates.

        Shuffles instead of samples are drawn here.

        Factors are float64, on the CPU.

        Returns the sums of the members' losses before the steps (members,).
        """


class EngineKind(Protocol):
    """A way to train that some machines offer for some networks."""

    @property
    def name(self) -> str:
        """What settings call it."""

    @property
    def in_parts(self) -> bool:
        """Whether a batch goes by parts of `Work.targets`, whatever its size."""

    @property
    def has_own_threads(self) -> bool:
        """Whether it brings threads, beside which those of torch would only be in the way."""

    @property
    def can_be_recorded(self) -> bool:
        """Whether each step uses the same memory and waits for nothing: a device can record it."""

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        """Return the precisions that it has for this work here, the fastest first.

        There is none where it cannot do the work.
        """

    def memory(self, work: Work) -> int:
        """Return the bytes that it takes besides values, gradient and Adam's averages."""

    def make(self, network: Network, work: Work, precision: Precision) -> Engine:
        """Allocate an engine that takes at most `work.targets` targets per member at a time."""


@runtime_checkable
class Wanting(Protocol):
    """An engine that does its work by slower means on machines which lack something."""

    def shortfall(self, work: Work) -> str | None:
        """Return in a sentence what is lacking for such work and what serves instead.

        None where nothing is, and for work that is not for this engine on any machine.
        """


@runtime_checkable
class StackKind(EngineKind, Protocol):
    """An engine that gathers the samples of a stack's steps and updates its weights itself.

    It knows no gains: see `Work.has_gains`.
    """

    @property
    def together(self) -> int:
        """How many members a call of it is for: more of them do not end sooner."""

    def make_training(
        self,
        network: Network,
        adam: Adam,
        tables: Sequence[Tensor],
        work: Work,
        precision: Precision,
        offsets: Tensor | None = None,
    ) -> StackTraining:
        """Prepare the training of a stack whose members' samples are in tables.

        A table holds coordinates and targets side by side, (samples, in + out). With offsets
        (members, points, in), float32, which only kinds take that have a precision for such work, a
        target is met by the mean of the outputs at so many points around its coordinates.
        """
