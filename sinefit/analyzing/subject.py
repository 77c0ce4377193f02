"""What is analysed: the start that an initializer draws, or a fitted network and its start."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.errors import SettingError
from sinefit.fitting.members import block_seed
from sinefit.fitting.omega import nyquist_frequencies, resolve_omega
from sinefit.fitting.omega_choice import AUTO, NyquistShare
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.base import SignalTraits
from sinefit.initializers.registry import describe
from sinefit.networks.size import NetworkSize
from sinefit.signals.grid import Grid, GridAxis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.analyzing.settings import AnalysisSettings
    from sinefit.fields.field import Field
    from sinefit.initializers.base import Initializer
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Coordinates, Domain, Signal, SignalSpec

DEFAULT_OMEGA: Final = (NyquistShare(0.125),)
"""Without a signal; of 512 samples it is 100 radians per unit."""
SAMPLES: Final = {1: 512, 2: 128, 3: 32}
"""Along each of so many axes, without a signal."""
SAME_MEAN: Final = 1e-6
"""Relative distance within which two means of omegas are one."""


@dataclass(frozen=True)
class Subject:
    """A network to be analysed, with all that its start can be drawn again from."""

    name: str
    """What was named: an initializer, or a weights file's signal."""
    initializer: Initializer
    omega: tuple[float, ...]
    size: NetworkSize
    seed: int
    """Of the draw of this network."""
    shape: tuple[int, ...]
    """Samples along each axis of the part of the signal that the network is for."""
    domain: Domain
    nyquist: tuple[float, ...]
    """Of each coordinate, in radians per unit."""
    traits: SignalTraits | None
    """None where the signal would have to be there to draw the start again."""
    fitted: Network | None = None
    """The weights of a fit."""
    signal: Signal | None = None
    """The part of the signal that the network is for."""
    notes: tuple[str, ...] = ()
    """What a reader of the analysis must know, one sentence each."""
    coordinates: Coordinates = "centres"
    """Where the samples lie along each axis."""

    def start(
        self, *, omega: tuple[float, ...] | None = None, depth: int | None = None
    ) -> Network | None:
        """Draw the starting weights again, or those of another omega or depth."""
        if self.traits is None:
            return None
        size = self.size if depth is None else replace(self.size, depth=depth)
        generator = torch.Generator().manual_seed(self.seed)
        return self.initializer.draw(size, omega or self.omega, self.traits, generator)

    def lattice(self, points: int) -> tuple[tuple[int, ...], torch.Tensor]:
        """Return the shape and coordinates (count, features), float64, of at most `points` points.

        They lie at the centres of equal cells over the domain, no more along an axis than the
        signal has samples.
        """
        counts = _lattice_counts(self.shape, points)
        axes = tuple(
            GridAxis(size, 0.0, size / count, count)
            for size, count in zip(self.shape, counts, strict=True)
        )
        grid = Grid(axes, self.domain, where=self.coordinates)
        return counts, grid.coordinates(torch.arange(grid.sample_count)).double()

    def values_on(self, counts: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Return the signal's nearest samples (count, channels) on a lattice, None without one."""
        if self.signal is None:
            return None
        numbers = [
            ((np.arange(count) + 0.5) * size / count).astype(np.int64)
            for size, count in zip(self.shape, counts, strict=True)
        ]
        samples = self.signal.samples[np.ix_(*numbers)]
        unit = self.signal.spec.to_unit(samples).astype(np.float64)
        return unit.reshape(-1, self.signal.spec.channels)


def subject_of_initializer(
    initializer: Initializer, settings: AnalysisSettings, signal: Signal | None
) -> Subject:
    """Return the start of an initializer, without a signal on a grid that `settings` name."""
    if signal is not None:
        spec = signal.spec
        axes, channels = spec.coordinate_features, spec.channels
        shape, domain, nyquist = spec.shape, spec.domain, nyquist_frequencies(spec)
    else:
        axes, channels, domain = settings.axes, 1, "grid"
        shape = (settings.samples or SAMPLES.get(axes, 16),) * axes
        nyquist = tuple(math.pi * count / 2.0 for count in shape)
    size = NetworkSize(axes, settings.width or 256, settings.depth or 4, channels)
    if signal is not None:
        asked = AUTO if settings.omega is None else settings.omega
        omega = resolve_omega(asked, initializer, signal, size)
        traits = signal_traits(signal, with_spectrum=initializer.reads_spectrum)
    else:
        choice = settings.omega if isinstance(settings.omega, tuple) else DEFAULT_OMEGA
        if len(choice) not in (1, axes):
            raise SettingError(
                f"`omega` has {len(choice)} values, the network {axes} coordinates: give one "
                "value, or one per coordinate"
            )
        omega = tuple(
            initializer.omega_at(factor.share, highest)
            if isinstance(factor, NyquistShare)
            else factor
            for factor, highest in zip(
                choice * (axes if len(choice) == 1 else 1), nyquist, strict=True
            )
        )
        traits = SignalTraits(shape, channels)
    notes: tuple[str, ...] = ()
    if initializer.reads_spectrum and signal is None:
        notes = (f"{initializer.name} follows a signal's spectrum: without one it is siren",)
    return Subject(
        describe(initializer),
        initializer,
        omega,
        size,
        settings.seed or 0,
        shape,
        domain,
        nyquist,
        traits,
        signal=signal,
        notes=notes,
    )


def subject_of_field(
    field: Field, initializer: Initializer, block: int | None, signal: Signal | None
) -> Subject:
    """Return a block's network of a field; `initializer` is the one on record.

    The middle block is taken unless one is named. Raises SettingError for a block that is not
    there, and for a `signal` that is not the one on the field's grid.
    """
    blocks = field.blocks
    if signal is not None:
        _check_signal(signal.spec, field.spec)
        mapping = {"coordinates": field.spec.coordinates, "targets": field.spec.targets}
        signal = replace(signal, spec=replace(signal.spec, **mapping))  # type: ignore[arg-type]
    if block is None:
        block = blocks.number(tuple(count // 2 for count in blocks.counts))
    if block >= blocks.count:
        raise SettingError(f"`block` is {block}: the field has {blocks.count}, counted from 0")
    network = field.network.member(block).to("cpu")
    part = None if signal is None else blocks.part(signal, block)
    shape = tuple(end - begin for begin, end in blocks.reaches(block))
    spec = field.spec.with_shape(shape)
    omega, notes = field.record.omega, []
    if blocks.count > 1:
        notes.append(f"block {block} of {blocks.count}, counted from 0")
        if signal is None:
            notes.append(
                "the omega of a single block is not on record: the start is drawn with the mean of "
                "all blocks, unless the signal is named too"
            )
        else:
            omega = _block_omega(field, initializer, signal, block)
    traits: SignalTraits | None
    if part is not None:
        traits = signal_traits(part, with_spectrum=initializer.reads_spectrum)
    elif initializer.reads_spectrum:
        traits = None
        notes.append(f"{initializer.name} follows the signal's spectrum: name the signal to see it")
    else:
        sphere = spec.domain == "sphere"
        traits = SignalTraits((max(1, shape[1] // 2),) * 3 if sphere else shape, spec.channels)
    return Subject(
        field.spec.source or describe(initializer),
        initializer,
        omega,
        network.size,
        block_seed(field.record.seed, block),
        shape,
        spec.domain,
        nyquist_frequencies(spec),
        traits,
        network,
        part,
        tuple(notes),
        spec.coordinates,
    )


def _block_omega(
    field: Field, initializer: Initializer, signal: Signal, block: int
) -> tuple[float, ...]:
    """Return the omega of one block: that of all, or what its part of the signal asked for."""
    from sinefit.fitting.omega import BLOCK_SHARE

    recorded = field.record.omega
    size = field.network.size
    derived = [
        resolve_omega(AUTO, initializer, field.blocks.part(signal, number), size, BLOCK_SHARE)
        for number in range(field.blocks.count)
    ]
    means = np.exp(np.log(np.asarray(derived)).mean(axis=0))
    if np.allclose(means, recorded, rtol=SAME_MEAN, atol=0.0):
        return derived[block]
    return recorded


def _check_signal(given: SignalSpec, fitted: SignalSpec) -> None:
    if (given.shape, given.channels) != (fitted.shape, fitted.channels):
        mine, theirs = (
            f"{'x'.join(map(str, spec.shape))} samples of {spec.channels} channels"
            for spec in (given, fitted)
        )
        raise SettingError(
            f"`signal` has {mine}, the field was fitted to {theirs}: name the same signal"
        )


def _lattice_counts(shape: tuple[int, ...], points: int) -> tuple[int, ...]:
    """Return points along each axis in the proportions of a shape, at most `points` in all."""
    share = min(1.0, (points / math.prod(shape)) ** (1.0 / len(shape)))
    counts = [max(1, min(size, math.floor(size * share + 1e-9))) for size in shape]
    while math.prod(counts) > points and max(counts) > 1:  # very unequal axes were rounded up to 1
        largest = counts.index(max(counts))
        others = math.prod(counts) // counts[largest]
        counts[largest] = max(1, min(counts[largest] - 1, points // others))
    return tuple(counts)
