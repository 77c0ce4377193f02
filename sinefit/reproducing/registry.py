"""The studies by name: the one source for the command, its help and tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.errors import SettingError
from sinefit.fitting.devices import cpu_threads
from sinefit.reproducing.studies import (
    control_kernel,
    control_plane,
    control_spectra,
    scaling_kernel,
    simple_kernel,
    simple_variance,
)
from sinefit.reproducing.study import SCALES, Materials
from sinefit.validation import check_choice, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sinefit.reproducing.study import Findings, Scale, Study

_STUDIES: tuple[Study, ...] = (
    scaling_kernel.STUDY,
    control_plane.STUDY,
    control_spectra.STUDY,
    control_kernel.STUDY,
    simple_variance.STUDY,
    simple_kernel.STUDY,
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
    threads: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Findings:
    """Run a published result again; return its table and whether its claims hold.

    `scale` is "reduced", minutes on two cores, "full", as the paper did it, or "toy", seconds.
    `tell` is called with what is done next. Raises SettingError for an unknown name.
    """
    study = study_of(name)
    check_choice("scale", scale, SCALES)
    materials = Materials(
        whole_number("seed", seed, least=0, most=2**63 - 1),
        tell or (lambda _: None),
    )
    with cpu_threads(threads):
        return study.run(study.sizes[scale], materials)
