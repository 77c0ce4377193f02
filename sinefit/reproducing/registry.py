"""The studies by name: the one source for the command, its help and tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.errors import SettingError
from sinefit.fitting.devices import cpu_threads
from sinefit.reproducing.studies import (
    control_functions,
    control_image,
    control_kernel,
    control_plane,
    control_spectra,
    last_layer,
    noise_on_sound,
    scaling_domains,
    scaling_kernel,
    scaling_table,
    scaling_tradeoff,
    simple_kernel,
    simple_tuning,
    simple_variance,
    tuner_ablations,
    tuner_held_out,
)
from sinefit.reproducing.study import SCALES, Materials
from sinefit.signals.objects import as_signal
from sinefit.validation import check_choice, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sinefit.reproducing.study import Findings, Scale, Study
    from sinefit.signals.objects import Source

_STUDIES: tuple[Study, ...] = (
    scaling_table.STUDY,
    scaling_tradeoff.STUDY,
    scaling_domains.SOUND,
    scaling_domains.SPHERE,
    scaling_domains.OCCUPANCY,
    scaling_kernel.STUDY,
    control_functions.STUDY,
    control_image.STUDY,
    control_plane.STUDY,
    control_spectra.STUDY,
    control_kernel.STUDY,
    simple_variance.STUDY,
    simple_kernel.STUDY,
    simple_tuning.STUDY,
    tuner_held_out.STUDY,
    tuner_ablations.STUDY,
    last_layer.STUDY,
    noise_on_sound.STUDY,
)

STUDIES: Mapping[str, Study] = MappingProxyType({study.name: study for study in _STUDIES})
"""Every study by its name, in the order in which they are listed."""


def study_of(name: str) -> Study:
    """Return the study of a name; raises SettingError, with all there are, for an unknown."""
    if name not in STUDIES:
        raise SettingError(f"unknown study {name!r}: choose from {', '.join(STUDIES)}")
    return STUDIES[name]


def reproduce(
    name: str,
    *,
    scale: Scale = "reduced",
    seed: int = 0,
    image: Source | None = None,
    sound: Source | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Findings:
    """Run a published result again; return its table and whether its claims hold.

    `scale` is "reduced", minutes on two cores, "full", as the paper did it, or "toy", seconds.
    `image` and `sound`, in any form that `fit` takes, are fitted in place of those that are drawn.
    `tell` is called with what is done next. Raises SettingError for an unknown name.
    """
    study = study_of(name)
    check_choice("scale", scale, SCALES)
    materials = Materials(
        whole_number("seed", seed, least=0, most=2**63 - 1),
        None if image is None else as_signal(image),
        None if sound is None else as_signal(sound),
        tell or (lambda _: None),
    )
    with cpu_threads(threads):
        return study.run(study.sizes[scale], materials)
