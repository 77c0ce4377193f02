"""Combette et al.: functions of one to three variables, the error between the samples by depth."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.reproducing.fits import between_samples, psnr_of, quality, train
from sinefit.reproducing.starts import SITZMANN
from sinefit.reproducing.study import Claim, Findings, Row, Study
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.reproducing.study import Materials

_SCHEMES: Final = ("lambert", SITZMANN)
_DENSER: Final = {1: 8, 2: 4, 3: 2}
"""Points per sample along each axis, by the number of axes."""
_WAVES: Final = 6


@dataclass(frozen=True)
class Size:
    """Numbers of the study."""

    samples: tuple[int, ...]
    """Along each axis, of functions in one, two, three variables."""
    depths: tuple[int, ...]
    width: int
    steps: int


def run(size: Size, materials: Materials) -> Findings:
    """Fit smooth functions on coarse grids and score them on dense ones."""
    between: dict[tuple[int, int, str], float] = {}
    on: dict[tuple[int, int, str], float] = {}
    for axes, samples in enumerate(size.samples, 1):
        indices = [np.arange(samples, dtype=np.float64)] * axes
        signal = as_signal(_function(indices, materials.seed).astype(np.float32))
        for depth, text in itertools.product(size.depths, _SCHEMES):
            field = train(
                materials,
                signal,
                f"{text} in {axes} variables, {depth} layers",
                init=text,
                omega=_omega(samples),
                width=size.width,
                depth=depth,
                steps=size.steps,
            )
            key = (axes, depth, text)
            on[key], between[key] = quality(field), _between(field, materials.seed)
    rows = tuple(
        Row(
            f"{axes} variable{'s' if axes > 1 else ''}, {depth} layers",
            tuple(found[axes, depth, text] for text in _SCHEMES for found in (between, on)),
        )
        for axes in range(1, len(size.samples) + 1)
        for depth in size.depths
    )
    deepest = size.depths[-1]
    ahead = [
        between[axes, deepest, "lambert"] - between[axes, deepest, SITZMANN]
        for axes in range(1, len(size.samples) + 1)
    ]
    kept = [
        between[axes, deepest, "lambert"] - between[axes, size.depths[0], "lambert"]
        for axes in range(1, len(size.samples) + 1)
    ]
    return Findings(
        f"sums of {_WAVES} waves on {', '.join(map(str, size.samples))} samples per axis, omega "
        f"half of Nyquist, width {size.width}, {size.steps} full-batch steps, dense grids of "
        "8, 4 and 2 points per sample",
        ("lambert: between samples (dB)", "on them", "siren: between samples (dB)", "on them"),
        rows,
        (
            Claim(
                "In deep networks sigma_a = 0 is closer to the function between the samples than "
                "siren.",
                min(ahead) > 0.0,
                f"at {deepest} layers by {', '.join(f'{each:+.1f}' for each in ahead)} dB in 1, 2, "
                "3 variables",
            ),
            Claim(
                "Depth does not harm it there.",
                min(kept) > -1.0,
                f"from {size.depths[0]} to {deepest} layers it changes by "
                f"{', '.join(f'{each:+.1f}' for each in kept)} dB",
            ),
        ),
    )


def _omega(samples: int) -> float:
    return 0.25 * np.pi * samples


def _function(indices: Sequence[NDArray[np.float64]], seed: int) -> NDArray[np.float64]:
    """Return a sum of waves below a quarter of Nyquist at fractional numbers of samples."""
    generator = np.random.default_rng(seed)
    found = np.zeros(tuple(len(each) for each in indices))
    for _ in range(_WAVES):
        turns = generator.uniform(-0.125, 0.125, len(indices))  # per sample
        phase = generator.uniform(0.0, 1.0)
        for axis, each in enumerate(indices):
            shape = [-1 if other == axis else 1 for other in range(len(indices))]
            phase = phase + (turns[axis] * each).reshape(shape)
        found += np.sin(2.0 * np.pi * phase)
    return found


def _between(field: Field, seed: int) -> float:
    """Return the PSNR in dB on a dense grid, over the range of the samples."""
    values, places = between_samples(field, _DENSER[field.spec.axes])
    truth = field.spec.to_unit(_function(places, seed))
    return psnr_of(values[..., 0], truth)


STUDY: Final = Study(
    "control-functions",
    "Combette, Venaille, Pustelnik (2025), experiments on functions in one to three dimensions",
    "Functions of 1, 2 and 3 variables: the error between the samples by depth.",
    "Errors on a dense grid between the samples, over depth.",
    {
        "toy": Size((24, 8), (2, 3), 16, 3),
        "reduced": Size((128, 28, 10), (2, 5, 10), 64, 1000),
        "full": Size((512, 64, 24), (2, 4, 6, 8, 10, 14), 256, 10_000),
    },
    run,
)
