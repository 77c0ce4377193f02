"""What an initializer is, and what it hands to training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.errors import SettingError
from sinefit.parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class SignalTraits:
    """What an initializer may know of the signal that will be fitted."""

    shape: tuple[int, ...]
    """Samples per coordinate axis; on the sphere three times half those along the equator."""
    channels: int
    """Values per sample."""
    mean_square_coordinate: float = 1.0 / 3.0
    """Mean over samples and axes of the squared coordinate; 1/3 on [-1, 1] and on the sphere."""
    spectral_centroid: float = 0.0
    """Mean frequency weighted by the spectrum's magnitude, cycles per sample, on the last axis."""


@dataclass(frozen=True)
class TrainingRules:
    """What training must respect, by the names of parameters.

    A value that is a tensor is broadcast to the parameter's shape: one of (fan_in,) has an entry
    for each column of a weight matrix.
    """

    rate_scales: Mapping[str, float | Tensor]
    """Factor on Adam's learning rate, for every parameter."""
    frozen: frozenset[str] = frozenset()
    """Parameters that are never changed."""
    bounds: Mapping[str, Tensor] = field(default_factory=dict)
    """Largest magnitude, to which values are clamped at the start and after each step."""


@dataclass(frozen=True)
class Initializer(ABC):
    """A recipe that draws a network's starting weights.

    Its parameters are its dataclass fields, each with a default and with its help text and range as
    metadata (see `sinefit.parameters`); a value out of range raises `SettingError`.
    They can be written in one word: `lambert:sigma_a=1`.
    """

    name: ClassVar[str]
    """The name after `--init`."""
    formula: ClassVar[str]
    """The drawing of the weights in one line."""
    advice: ClassVar[str]
    """When to choose it, in one sentence."""
    reference: ClassVar[str]
    """Authors, year, title or venue, and section or equation."""
    hidden_rate: ClassVar[float] = 0.012
    """Learning rate of the hidden layers' effective weights that trains well in batches of a few
    thousand, for 256 neurons per layer; it is inversely proportional to their number."""

    paper_rate: ClassVar[float] = 1e-4
    """Adam's rate on the scheme's own weights in the papers' scripts, SIREN's where the scheme's
    paper states none."""
    reads_spectrum: ClassVar[bool] = False
    """Whether `draw` looks at the signal's spectral centroid, which takes some time to measure."""

    def __post_init__(self) -> None:
        check_parameters(self, f"initializer {self.name}")

    @abstractmethod
    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return the omega whose first layer has standard deviation `frequency` along one axis.

        `frequency` is in radians per unit of a coordinate. A factor that a parameter puts on the
        first layer comes on top and is not divided out: it is what the scheme proposes. Schemes
        that take their frequencies from the signal instead return a constant, and say so.
        """

    def omega_at(self, share: float, nyquist: float) -> float:
        """Return the omega that a share of an axis's Nyquist frequency stands for.

        It is that frequency itself, `nyquist` being in radians per unit of a coordinate as omega
        is. Schemes whose omega is something else say so.
        """
        return share * nyquist

    def paper_omega(self, features: int) -> str:
        """Return the omega of the papers' scripts for so many coordinates, as `--omega` takes it.

        It is SIREN's: 30, for sound 3000. Schemes with another say so.
        """
        return "3000" if features == 1 else "30"

    @abstractmethod
    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,
        generator: torch.Generator,
    ) -> Network:
        """Draw a network's starting weights in effective form, float32.

        `omega` holds one positive factor per input axis (`size.in_features` of them); anything else
        raises `SettingError`.
        """

    @abstractmethod
    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return the rules for training a network that this recipe has drawn with `omega`.

        The weights may be those of an earlier fit: what rules follow from is read off them. The
        scales of the rates follow from the network's size and `omega` alone.
        """


def mean_omega(omega: tuple[float, ...]) -> float:
    """Geometric mean over the axes: the one factor that a bias or a learning rate can follow.

    Raises `SettingError` where a factor is not a positive number.
    """
    for value in omega:
        if not (math.isfinite(value) and value > 0.0):
            raise SettingError(f"omega is {value:g}: it must be a positive number")
    return math.exp(sum(math.log(value) for value in omega) / len(omega))


def check_omega(omega: tuple[float, ...], size: NetworkSize) -> None:
    """Raise `SettingError` unless `omega` holds one positive factor per input axis."""
    if len(omega) != size.in_features:
        raise SettingError(
            f"omega has {len(omega)} values, the network {size.in_features} input axes: "
            "give one value per axis"
        )
    mean_omega(omega)
