"""What each network of a fit has of its own: a few numbers are kept, the rest is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, overload

import torch

from sinefit.fitting.omega import BLOCK_SHARE, CENTROID_SHARE, FILLING_SHARE, resolve_omega
from sinefit.fitting.omega_choice import AUTO
from sinefit.fitting.rates import EqualRates, PeakRates, RateTable
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.own import OwnStart
from sinefit.networks.network import Network
from sinefit.signals.storage import allocate_samples, let_go
from sinefit.theory.spectra import MAX_LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from sinefit.fitting.config import FitConfig
    from sinefit.initializers.base import Initializer, SignalTraits, TrainingRules
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal

MANY: Final = 4096
"""Blocks from which on fewer lines of each are looked at, so that it takes seconds in all."""
FEW_LINES: Final = 16
"""Those lines along each axis: a centroid is then off by some percent."""
LOOKED_AT_ONCE: Final = 64
"""Blocks that a thread measures before it takes others."""

PIECE_MEMBERS: Final = 4096
"""Networks after whose weights what holds them may let go of its memory."""

_SEED_STRIDE: Final = 0x1E3779B97F4A7C15
"""Odd and near 2^61, so that blocks' seeds are far apart, and none is that of a nearby fit."""


@dataclass(frozen=True)
class MemberPlan:
    """What the network of a block has of its own, besides its starting weights."""

    omega: tuple[float, ...]
    """First-layer frequency factor per coordinate."""
    rules: TrainingRules
    rates: PeakRates | EqualRates
    seed: int
    """Of the draws of its weights and of the order of its samples."""


@dataclass(frozen=True)
class Members(Sequence[MemberPlan]):
    """The networks of a fit, one per block in their order."""

    initializer: Initializer | OwnStart
    size: NetworkSize
    seed: int
    """Of the fit."""
    learning_rate: float | None
    """The one that was asked for."""
    steps: int
    batch: int
    omegas: tuple[tuple[float, ...], ...]
    """First-layer frequency factors of each, none of a network that has its own start."""
    traits: tuple[SignalTraits, ...]
    """What is known of each one's part of the signal; nothing of those that begin with `earlier`
    weights."""
    earlier: Callable[[], Network] | None = None
    """Returns the weights of an earlier fit to begin with, which are not to be changed."""
    rate_share: float = 1.0
    """Of the scheme's usual rate, for training on other than values."""
    first: int = 0
    """Number of the first block, of a part of a fit."""
    in_blocks: bool = False
    """Whether each is for a part of the signal."""

    def __len__(self) -> int:
        return len(self.omegas)

    @property
    def numbers(self) -> range:
        """The numbers of their blocks."""
        return range(self.first, self.first + len(self))

    def part(self, numbers: range) -> Members:
        """Return those of some blocks, which keep their numbers."""
        chosen = slice(numbers.start - self.first, numbers.stop - self.first)
        earlier = None if self.earlier is None else Weights(self.earlier().clone()).part(chosen)
        return replace(
            self,
            omegas=self.omegas[chosen],
            traits=self.traits[chosen],
            earlier=earlier,
            first=numbers.start,
        )

    @overload
    def __getitem__(self, number: int) -> MemberPlan: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[MemberPlan]: ...
    def __getitem__(self, number: int | slice) -> MemberPlan | Sequence[MemberPlan]:
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        number = self.numbers[number]
        rules = self.rules(number, self.begin(number))
        seed = block_seed(self.seed, number)
        return MemberPlan(self._omega(number), rules, self._rates(rules), seed)

    def start(self) -> Network:
        """Return a stack of all starting weights, in memory of its own, on the CPU."""
        if self.earlier is not None:
            return self.earlier().clone()
        first = self.begin(self.first)
        return self._drawn(first, first.values.new_empty((len(self), first.values.shape[1])))

    def start_to_see(self) -> Network:
        """Return the same weights, not to be changed: no copy, or of many in a temporary file."""
        if self.earlier is not None:
            return self.earlier()
        first = self.begin(self.first)
        values = allocate_samples((len(self), first.values.shape[1]), first.values.numpy().dtype)
        found = self._drawn(first, torch.from_numpy(values), lambda: let_go(values))
        let_go(values)
        return found

    def _drawn(
        self, first: Network, values: Tensor, on_piece: Callable[[], None] = lambda: None
    ) -> Network:
        """Return a stack of all starting weights, of which the first are known, in these values."""
        values[0] = first.values[0]
        for place in range(1, len(self)):
            values[place] = self.begin(self.first + place).values[0]
            if place % PIECE_MEMBERS == 0:
                on_piece()
        return Network(first.family, first.size, values)

    def begin(self, number: int) -> Network:
        """Return the starting weights of one; those of an earlier fit are not to be changed."""
        if self.earlier is not None:
            return self.earlier().member(number - self.first)
        generator = torch.Generator().manual_seed(block_seed(self.seed, number))
        traits = self.traits[number - self.first]
        return self.initializer.draw(self.size, self._omega(number), traits, generator)

    def boldest(self) -> Network:
        """Return the starting weights that are likely to have the largest among them."""
        if self.earlier is not None:
            return self.earlier()
        if not self.omegas[0]:
            return self.begin(self.first)
        return self.begin(max(self.numbers, key=lambda number: max(self._omega(number))))

    def rules(self, number: int, network: Network) -> TrainingRules:
        """Return the rules for training one with its starting or present weights."""
        return self.initializer.rules(network, self._omega(number))

    def rate_table(self) -> RateTable:
        """Return the peak rates of all."""
        return RateTable(self._all_rates())

    def _all_rates(self) -> Iterator[PeakRates | EqualRates]:
        """Yield the peak rates of each; their rules' scales do not follow from weights."""
        first = self.begin(self.first)
        known: dict[tuple[float, ...], PeakRates | EqualRates] = {}
        for number, omega in zip(self.numbers, self.omegas, strict=True):
            if omega not in known:
                known = {omega: self._rates(self.rules(number, first))}
            yield known[omega]

    def _omega(self, number: int) -> tuple[float, ...]:
        return self.omegas[number - self.first]

    def _rates(self, rules: TrainingRules) -> PeakRates | EqualRates:
        size = self.size
        if isinstance(self.initializer, OwnStart):
            usual = self.initializer.family.usual_rate * self.rate_share
            return EqualRates(self.learning_rate or usual, rules)
        return PeakRates(
            self.learning_rate,
            self.initializer.hidden_rate * self.rate_share,
            rules,
            size.depth,
            size.width,
            self.steps,
            self.batch,
            of_block=self.in_blocks,
        )


@dataclass(frozen=True)
class Weights:
    """Weights to begin with, which another process can have too."""

    network: Network

    def __call__(self) -> Network:
        """Return them."""
        return self.network

    def part(self, chosen: slice) -> Weights:
        """Return those of some members."""
        return Weights(self.network.part(range(self.network.members)[chosen]))


def plan_members(
    signal: Signal,
    config: FitConfig,
    blocks: BlockGrid,
    size: NetworkSize,
    *,
    steps: int,
    batch: int,
    threads: int,
    earlier: Callable[[], Network] | None = None,
    rate_share: float = 1.0,
) -> Members:
    """Look at each block's part of a signal, on so many threads, and plan its network."""
    initializer = config.scheme
    share = CENTROID_SHARE if blocks.cell_count == 1 else BLOCK_SHARE
    if signal.known is not None and signal.spec.axes > 1:
        share *= FILLING_SHARE
    lines = MAX_LINES if blocks.cell_count < MANY else FEW_LINES
    noisy = config.stop_on is not None

    asked = AUTO if config.omega is None else config.omega

    def look(number: int) -> tuple[tuple[float, ...], SignalTraits]:
        part = blocks.part(signal, number)
        omega: tuple[float, ...] = ()
        if not isinstance(initializer, OwnStart):
            omega = resolve_omega(asked, initializer, part, size, share, lines, noisy=noisy)
        return omega, signal_traits(part, with_spectrum=initializer.reads_spectrum)

    def look_at(begin: int) -> list[tuple[tuple[float, ...], SignalTraits]]:
        found = [
            look(number) for number in range(begin, min(begin + LOOKED_AT_ONCE, blocks.cell_count))
        ]
        let_go(signal.samples)
        return found

    begins = range(0, blocks.cell_count, LOOKED_AT_ONCE)
    if len(begins) == 1 or threads == 1:
        found = [one for begin in begins for one in look_at(begin)]
    else:
        # Transforms and sums of arrays are computed outside of Python's lock.
        with ThreadPoolExecutor(threads) as pool:
            found = [one for part in pool.map(look_at, begins) for one in part]
    omegas, traits = zip(*found * blocks.ensemble, strict=True)
    return Members(
        initializer,
        size,
        config.seed,
        config.learning_rate,
        steps,
        batch,
        omegas,
        traits if earlier is None else (),
        earlier,
        rate_share,
        in_blocks=blocks.cell_count > 1,
    )


def block_seed(seed: int, number: int) -> int:
    """Return the seed of a block's own draws; that of the first block is the fit's."""
    return (seed + number * _SEED_STRIDE) % 2**63
