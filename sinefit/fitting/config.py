"""The settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.choice import fewest_fitted
from sinefit.fitting.defaults import DEFAULT_INITIALIZER, FIRST_ATTEMPT, default_steps
from sinefit.fitting.holdout import (
    Holdout,  # noqa: TC001 (the settings read the annotation)
    RandomHoldout,
    parse_holdout,
)
from sinefit.fitting.layout import (
    BATCH,
    batch_size,
    block_grid,
    network_size,
    parse_batch,
    parse_extent,
)
from sinefit.fitting.omega_choice import (
    OmegaChoice,  # noqa: TC001 (the settings read the annotation)
    checked_omega,
)
from sinefit.fitting.recipes import (
    RecipeName,  # noqa: TC001 (the settings read the annotation)
    decided,
    parse_betas,
    recipe_for,
)
from sinefit.fitting.schedule import Schedule  # noqa: TC001 (the settings read the annotation)
from sinefit.fitting.traits import coordinate_shape
from sinefit.initializers.base import Initializer
from sinefit.initializers.own import OwnStart
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.family import Family, Published  # noqa: TC001 (as above)
from sinefit.networks.registry import as_network
from sinefit.networks.sine import SINE
from sinefit.parameters import parameters_of
from sinefit.settings import setting, settings_in, settle_settings
from sinefit.signals.blocks import width_first
from sinefit.signals.selection import Selection
from sinefit.signals.signal import (
    Coordinates,  # noqa: TC001 (the settings read the annotation)
    Footprint,  # noqa: TC001
    Targets,  # noqa: TC001
)
from sinefit.validation import check_type, positive, settle, threads, whole_number

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import SignalSpec

TrainingPrecision = Literal["auto", "float32", "float64"]
StorageType = Literal["float32", "float16", "bfloat16"]
STORAGE_TYPES: tuple[StorageType, ...] = get_args(StorageType)

Supervised = Literal["values", "gradient", "laplacian"]
StopOn = Literal["holdout"]
USUAL_HOLDOUT: Final = RandomHoldout(0.05)
"""What is held out of a fit that ends by it."""

NETWORK: Final = "The network and its start"
"""The heading of the settings that a fit which goes on from a field has from it."""
TRAINING: Final = "Training"
STORED: Final = "Output"


def _recipe(name: str, value: object) -> object:
    check_type(name, value, Initializer, "an initializer")
    return value


@dataclass(frozen=True)
class FitConfig:
    """Everything that decides a fit besides the signal; None lets the signal decide."""

    initializer: Initializer | None = field(
        default=None,
        metadata=setting(
            "Initializer, with parameters: lambert:sigma_a=1. See: sinefit inits.",
            group=NETWORK,
            form="NAME",
            word="init",
            unset=DEFAULT_INITIALIZER,
            check=_recipe,
        ),
    )
    """The recipe for the starting weights of a sine network; None for any other, which has its
    own, and for a sine network the default."""
    network: Family = field(
        default=SINE,
        metadata=setting(
            "Kind of network, with settings: wire:omega=10. See: sinefit networks.",
            group=NETWORK,
            form="NAME",
            unset=SINE.name,
            check=lambda _name, value: as_network(value),
        ),
    )
    """The kind of network."""
    recipe: RecipeName = field(
        default="usual",
        metadata=setting(
            "usual; paper: as the papers' scripts train, full batches at a constant rate; upscale: "
            "for what is between the samples. What is given beside it holds.",
            group=TRAINING,
            form="NAME",
            also="for",
        ),
    )
    """What decides the settings that are left open: "usual", "paper" for plain Adam at a constant
    rate, as in the scripts of the papers, "upscale" for what is between the samples of a picture
    or a sound; see `sinefit.fitting.recipes`."""
    omega: OmegaChoice = field(
        default=None,
        metadata=setting(
            "First-layer frequency: auto, or a number, nyquist or 0.5nyquist, one per axis if you "
            "like (images: height,width). For tuner a factor on its band.",
            group=NETWORK,
            form="W",
            unset="auto",
            check=lambda _name, value: checked_omega(value),
        ),
    )
    """First-layer frequency factors: one for all axes or one per axis; "auto" derives them from the
    signal's spectrum, None is that or, by the papers' recipe, the initializer's published one."""
    blocks: tuple[int, ...] | None = field(
        default=None,
        metadata=setting(
            "Parts of the signal with a network each: 1, or 6x4 (width x height; of a video frames "
            "first, of an array in the order of its axes).",
            group=NETWORK,
            form="WxH",
            unset="auto",
            check=parse_extent,
        ),
    )
    """Blocks along each axis, width before height, or one number for all; None cuts a signal by
    its size."""
    block_size: tuple[int, ...] | None = field(
        default=None,
        metadata=setting(
            "Samples along a block's edges, one number or as 64x48.",
            group=NETWORK,
            form="N",
            unset="by the kind of signal",
            check=parse_extent,
        ),
    )
    """About how many samples a block has along each axis, in the order of `blocks`."""
    margin: tuple[int, ...] | None = field(
        default=None,
        metadata=setting(
            "Samples by which blocks reach into their neighbours.",
            group=NETWORK,
            form="N",
            unset="a tenth of a block",
            check=parse_extent,
        ),
    )
    """Samples by which blocks reach into their neighbours, in the order of `blocks`."""
    ensemble: int | None = field(
        default=None,
        metadata=setting(
            "Networks on each block, whose mean the field is: truer between the samples.",
            group=NETWORK,
            form="N",
            unset="1, of pictures to upscale 4",
            check=whole_number,
        ),
    )
    """How many networks are fitted to each block, each from a start of its own; the field is their
    mean. None is by the recipe."""
    weights_per_value: float | None = field(
        default=None,
        metadata=setting(
            "Weights per value of the signal; decides the width of the networks.",
            group=NETWORK,
            form="X",
            unset="by the kind of signal",
            check=positive,
        ),
    )
    """Weights of all blocks per value of the signal, of one network of an ensemble each; decides
    their width."""
    width: int | None = field(
        default=None,
        metadata=setting(
            "Neurons per layer.",
            group=NETWORK,
            form="N",
            unset="by the signal",
            check=whole_number,
        ),
    )
    """Neurons per sine layer; None follows the signal's size, and in a fit with a budget in
    seconds the pace of the machine."""
    depth: int = field(
        default=4,
        metadata=setting(
            "Sine layers; a linear one follows.", group=NETWORK, form="N", check=whole_number
        ),
    )
    """Number of sine layers."""
    budget: Budget | None = None
    """When to stop; None takes the default steps of the kind of signal."""
    seed: int = field(
        default=0,
        metadata=setting(
            "Seed of all draws.",
            group=TRAINING,
            form="N",
            check=partial(whole_number, least=0, most=2**63 - 1),
        ),
    )
    """Seed of the starting weights and of the order of the samples."""
    device: str = field(
        default="auto",
        metadata=setting(
            "auto, cpu, cuda, cuda:1 or mps.", group=TRAINING, form="NAME", decides=False
        ),
    )
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    threads: int | None = field(
        default=None,
        metadata=setting(
            "CPU threads.",
            group=TRAINING,
            form="N",
            unset="one per core",
            decides=False,
            check=lambda _name, value: threads(value),
        ),
    )
    """CPU threads; None takes one per core."""
    learning_rate: float | None = field(
        default=None,
        metadata=setting(
            "Adam's learning rate on effective weights, before the initializer's scales.",
            group=TRAINING,
            form="RATE",
            flag="lr",
            unset="the initializer's or network's",
            check=positive,
        ),
    )
    """Adam's rate on effective weights, before the recipe's scales; None takes the recipe's own."""
    stop_on: StopOn | None = field(
        default=None,
        metadata=setting(
            "holdout: end where the samples held out are met best, for a noisy signal.",
            group=TRAINING,
            form="NAME",
            unset="the budget alone",
        ),
    )
    """What ends a fit besides its budget; "holdout" keeps the weights that met the samples held out
    best, `USUAL_HOLDOUT` unless told, and derives omega from the spectrum without white noise."""
    holdout: Holdout | None = field(
        default=None,
        metadata=setting(
            "Samples that are not trained on but scored: 5% of them at random, or grid:2, all but "
            "every second along each axis.",
            group=TRAINING,
            form="PART",
            unset="none",
            check=parse_holdout,
        ),
    )
    """Samples that training never sees, on which the field is scored; None holds out none."""
    supervise: Supervised = field(
        default="values",
        metadata=setting(
            "What of the signal is fitted: values, or its gradient or laplacian and their integral "
            "(alone where it is trained as in the paper), by one network.",
            group=TRAINING,
            form="NAME",
        ),
    )
    """"values", or "gradient" or "laplacian" and what these determine; see
    `sinefit.fitting.supervision`."""
    footprint: Footprint | None = field(
        default=None,
        metadata=setting(
            "What a sample is: the field's value at a point, its mean over a box or a gaussian, "
            "or one of a band-limited sound: truer between the samples.",
            group=TRAINING,
            form="NAME",
            unset="point",
        ),
    )
    """What a sample counts as: the field's value at its centre, or the mean over its cell or by a
    bell around it, or a sample of a sound with nothing above its band, which is all that counts of
    the field then. None is by the recipe."""
    schedule: Schedule | None = field(
        default=None,
        metadata=setting(
            "Course of the rate: cosine, with a short rise before it, or constant.",
            group=TRAINING,
            form="NAME",
            unset="cosine",
        ),
    )
    """"cosine" rises over the first steps and falls to zero, "constant" is what it says; None is by
    the recipe."""
    betas: tuple[float, float] | None = field(
        default=None,
        metadata=setting(
            "Adam's decay rates, two numbers.",
            group=TRAINING,
            form="B1,B2",
            unset="0.9,0.99",
            check=parse_betas,
        ),
    )
    """Adam's two decay rates, from 0 to below 1; None is by the recipe."""
    epsilon: float | None = field(
        default=None,
        metadata=setting(
            "Adam's epsilon, beside gradients by the initializer's own weights.",
            group=TRAINING,
            form="X",
            unset="1e-12 beside those by effective weights",
            check=positive,
        ),
    )
    """Adam's epsilon in the parametrisation of the initializer's paper, whose weights times omega
    are the effective ones; None is by the recipe, of the usual one far below all gradients."""
    batch: int | Literal["full"] | None = field(
        default=None,
        metadata=setting(
            "Samples per step of a network, or full: all in every step.",
            group=TRAINING,
            form="N|full",
            unset="4096; a sixteenth of a block, or of all if quality alone ends the fit",
            check=parse_batch,
        ),
    )
    """Samples per step of each network, or "full" for all, of blocks as many as the smallest has;
    None takes 4096, of a block about a sixteenth and so of all if nothing but quality ends the fit,
    or is by the recipe."""
    precision: TrainingPrecision | None = field(
        default=None,
        metadata=setting(
            "auto, float32 or float64: of products. auto may round their factors.",
            group=TRAINING,
            form="TYPE",
            unset="auto",
        ),
    )
    """"auto" takes what is fastest as long as it is not in the way, "float32" rounds no factors of
    products, "float64" trains weights of that, slowly; None is by the recipe."""
    coordinates: Coordinates | None = field(
        default=None,
        metadata=setting(
            "Where in [-1, 1] samples lie: centres of cells, or from end to end: ends.",
            group=TRAINING,
            form="NAME",
            unset="centres",
        ),
    )
    """"centres" of cells that fill [-1, 1], or "ends": the first sample at -1, the last at 1; None
    is by the recipe."""
    targets: Targets | None = field(
        default=None,
        metadata=setting(
            "What the lowest and the highest value are fitted as: -1,1 or 0,1.",
            group=TRAINING,
            form="LOW,HIGH",
            unset="-1,1",
        ),
    )
    """"-1,1" or "0,1"; None is by the recipe."""
    dtype: StorageType | None = field(
        default=None,
        metadata=setting(
            "Type of the stored weights: float32, float16 or bfloat16.",
            group=STORED,
            form="TYPE",
            unset="float16 for blocks of pictures, else float32",
        ),
    )
    """Type in which the weights are saved; None takes the smallest that costs less than 0.1 dB."""
    engine: Literal["auto", "torch", "reference"] = field(
        default="auto",
        repr=False,
        metadata=setting('"torch" is the one in torch operations, "reference" that by autograd.'),
    )
    """"auto" takes the fastest that the machine offers, "torch" the one in torch operations,
    "reference" the plain one by autograd."""
    planned_steps: int | None = field(default=None, repr=False)
    """Steps that a budget in seconds is expected to allow for, by the measured pace; None as long
    as it has not been measured."""

    def __post_init__(self) -> None:
        settle_settings(self)
        if self.stop_on is not None and self.holdout is None:
            settle(self, holdout=USUAL_HOLDOUT)
        if self.budget is not None:
            check_type("budget", self.budget, Budget, "a Budget")
        if self.planned_steps is not None:
            settle(self, planned_steps=whole_number("planned_steps", self.planned_steps))
        if not isinstance(self.network, Published):
            if self.initializer is None:
                settle(self, initializer=parse_initializer(DEFAULT_INITIALIZER))
        elif self.initializer is not None:
            raise SettingError(
                f"`init` is for sine networks, {self.network.name} has a start of its own: "
                "leave one of them out"
            )
        elif self.omega is not None:
            has_one = any(each.name == "omega" for each in parameters_of(type(self.network)))
            cure = f"write `network` {self.network.name}:omega=..." if has_one else "leave it out"
            raise SettingError(f"`omega` is for sine networks, not for {self.network.name}: {cure}")

    def continuing(self, field: Field) -> FitConfig:
        """Return the settings for a fit that goes on from a field: its recipe, omega and size."""
        network, size, recipe = field.network.family, field.network.size, field.record.initializer
        # That of several blocks is each its own, and follows from what was asked for again.
        omega = field.record.omega if field.blocks.count == 1 else self.omega
        return replace(
            self.on(field.blocks, field.spec),
            coordinates=field.spec.coordinates,
            targets=field.spec.targets,
            network=network,
            initializer=None if recipe is None else parse_initializer(recipe),
            omega=None if isinstance(network, Published) else omega,
            width=size.width,
            depth=size.depth,
            weights_per_value=None,
        )

    @property
    def scheme(self) -> Initializer | OwnStart:
        """What draws the starting weights: the initializer, or what the network's paper says."""
        if isinstance(self.network, Published):
            return OwnStart(self.network)
        assert self.initializer is not None  # settled
        return self.initializer

    def network_for(self, spec: SignalSpec) -> Family:
        """Return the kind of network with what it leaves to the signal, of the largest block."""
        blocks = self.blocks_for(spec)
        return self.network.suited(coordinate_shape(spec) if blocks.count == 1 else blocks.cell)

    def decided_for(self, spec: SignalSpec) -> FitConfig:
        """Return the settings for a signal with all that their recipe decides."""
        return decided(self, spec)

    def blocks_for(self, spec: SignalSpec) -> BlockGrid:
        """Return the blocks of a signal; raises SettingError for what it cannot be cut into."""
        return block_grid(spec, self.decided_for(spec))

    def size_for(self, spec: SignalSpec) -> NetworkSize:
        """Return the size of the network for a signal, of each block's if it has several."""
        return network_size(spec, self.decided_for(spec), self.blocks_for(spec))

    def batch_for(self, spec: SignalSpec) -> int:
        """Return the samples of a network's step: all of what has fewer than a batch."""
        config = self.decided_for(spec)
        return config.batch_on(block_grid(spec, config))

    def batch_on(self, blocks: BlockGrid) -> int:
        """Return the samples of a network's step of a signal in these blocks, see `batch_for`."""
        fewest = fewest_fitted(self.holdout, blocks)
        return batch_size(blocks, self.batch, fewest, quality_alone=self.quality_alone)

    @property
    def quality_alone(self) -> bool:
        """Whether nothing but the quality that is asked for ends a fit."""
        return self.budget is not None and not self.budget.bounded

    def laid_out(self, spec: SignalSpec) -> FitConfig:
        """Return the same settings for a signal, decided, with blocks, width, batch as numbers."""
        config = self.decided_for(spec)
        blocks = block_grid(spec, config)
        return replace(
            config.on(blocks, spec),
            network=self.network_for(spec),
            width=network_size(spec, config, blocks).width,
            batch=config.batch_on(blocks),
            weights_per_value=None,
        )

    def on(self, blocks: BlockGrid, spec: SignalSpec) -> FitConfig:
        """Return the same settings with these blocks of a signal."""
        laid = replace(self, block_size=None, ensemble=blocks.ensemble)
        if blocks.cell_count == 1:  # whatever axes it has
            return replace(laid, blocks=(1,), margin=None)
        counts, margins = (width_first(each, spec.kind) for each in (blocks.counts, blocks.margins))
        return replace(laid, blocks=counts, margin=margins)

    def dtype_for(self, spec: SignalSpec, blocks: BlockGrid) -> StorageType:
        """Return the type in which the weights of a signal are saved.

        Blocks of pictures of 8 bits have phases that float16 holds: it costs 0.01 dB at 43 and 0.1
        at 62. Those of sounds do not, it cost 16 dB at 67.
        """
        if self.dtype is not None:
            return self.dtype
        shallow = spec.kind in ("image", "video") and spec.bit_depth <= 8
        known = self.network is SINE and shallow
        return "float16" if known and blocks.cell_count > 1 else "float32"

    def expected_steps(self, spec: SignalSpec) -> int:
        """Return about how many steps the budget allows for.

        A budget in seconds has the default number as long as the pace has not been measured, and
        one in quality alone the length of its first attempt.
        """
        asked = None if self.budget is None else self.budget.steps
        config = self.decided_for(spec)
        own = recipe_for(config, spec).steps if asked is None else None
        blocks = block_grid(spec, config)
        usual = default_steps(spec, blocks.cell_count)
        is_repeated = self.quality_alone and config.schedule != "constant"
        if is_repeated and blocks.cell_count == 1 and config.batch_on(blocks) < BATCH:
            usual = FIRST_ATTEMPT
        limits = (limit for limit in (asked, self.planned_steps, own) if limit is not None)
        return min(limits, default=usual)

    def budget_for(self, spec: SignalSpec) -> Budget:
        """Return when the fit of a signal stops: what was asked for, or as many steps as usual."""
        if self.budget is None:
            return Budget(steps=self.expected_steps(spec))
        if self.budget.bounded and self.budget.steps is None:
            return replace(self.budget, steps=recipe_for(self, spec).steps)
        return self.budget


SETTINGS: Final = (*settings_in(Budget), *settings_in(FitConfig), *settings_in(Selection))
"""All settings of a fit: how long it takes, how it is done, and what of a file it is of."""
