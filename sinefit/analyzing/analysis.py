"""Analysing an initializer or a field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.analyzing.measuring import measure_network, points_for
from sinefit.analyzing.results import Analysis, DepthResult, SchemeMark
from sinefit.analyzing.subject import subject_of_field, subject_of_initializer
from sinefit.errors import SettingError
from sinefit.initializers.base import SignalTraits
from sinefit.initializers.registry import INITIALIZERS, describe, parse_initializer
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.theory.plane import hidden_constants, plane
from sinefit.theory.tangent_kernel import TangentKernel
from sinefit.theory.variance_map import fixed_point, jacobian_gain

if TYPE_CHECKING:
    from sinefit.analyzing.settings import AnalysisSettings
    from sinefit.analyzing.subject import Subject
    from sinefit.fields.field import Field
    from sinefit.initializers.base import Initializer
    from sinefit.signals.signal import Signal

PLANE_C_W: Final = (0.05, 7.0)
"""The columns of the plane that are computed; all schemes but xavier's are among them."""
PLANE_C_B: Final = 1.5
"""Its last row, where no scheme is beyond it."""
PLANE_STEPS: Final = 60
TRACE_POINTS: Final = 256
"""On which mean eigenvalues by depth are taken."""


def analyze_initializer(
    initializer: Initializer, settings: AnalysisSettings, signal: Signal | None = None
) -> Analysis:
    """Draw the start of an initializer and measure it, for a signal or for none.

    Raises SettingError for settings that do not fit one another or the signal.
    """
    if settings.block is not None:
        raise SettingError("`block` is for a weights file: leave it out")
    return _analysis(subject_of_initializer(initializer, settings, signal), settings)


def analyze_field(
    field: Field, settings: AnalysisSettings, signal: Signal | None = None
) -> Analysis:
    """Measure a fitted field's network beside its start, drawn again.

    Raises SettingError for settings of a start, for a field of other networks than sine networks,
    and for a `signal` that is not the one that was fitted.
    """
    settings.check_for_a_field()
    if field.network.family != SINE or field.record.initializer is None:
        raise SettingError(
            f"the field is of {field.network.family.name} networks: what is measured here is the "
            "theory of sine networks"
        )
    initializer = parse_initializer(field.record.initializer)
    return _analysis(subject_of_field(field, initializer, settings.block, signal), settings)


def _analysis(subject: Subject, settings: AnalysisSettings) -> Analysis:
    start = subject.start()
    schemes = scheme_marks(subject.initializer, subject.size)
    highest = max(scheme.c_b for scheme in schemes)
    return Analysis(
        name=subject.name,
        init=describe(subject.initializer),
        omega=subject.omega,
        width=subject.size.width,
        depth=subject.size.depth,
        seed=subject.seed,
        shape=subject.shape,
        nyquist=subject.nyquist,
        start=None if start is None else measure_network(start, subject, settings.points),
        fitted=None
        if subject.fitted is None
        else measure_network(subject.fitted, subject, settings.points),
        mean_eigenvalues=_mean_eigenvalues(subject, settings.points),
        plane=plane(
            np.linspace(*PLANE_C_W, PLANE_STEPS).tolist(),
            np.linspace(0.0, max(PLANE_C_B, 1.15 * highest), PLANE_STEPS).tolist(),
        ),
        schemes=schemes,
        notes=subject.notes,
    )


def _mean_eigenvalues(subject: Subject, points: int | None) -> tuple[DepthResult, ...]:
    _, coordinates = subject.lattice(min(TRACE_POINTS, points_for(subject, points)))
    found = []
    for depth in range(1, subject.size.depth + 1):
        network = subject.start(depth=depth)
        if network is not None:
            mean = TangentKernel(network, coordinates).mean_eigenvalue()
            found.append(DepthResult(depth, mean))
    return tuple(found)


def scheme_marks(initializer: Initializer, size: NetworkSize) -> tuple[SchemeMark, ...]:
    """Return the place of an initializer in the plane, and of every scheme at that width.

    Each is read off weights that it draws, after the second sine layer, which tuner, vi3nr and
    winner draw otherwise.
    """
    others = [scheme() for scheme in INITIALIZERS.values() if scheme.name != "custom"]
    others.append(parse_initializer("lambert:sigma_a=1"))
    others.append(parse_initializer("siren:bias=plain:last=hidden"))
    found = {}
    for each in [initializer, *others]:
        # Two axes, as in a picture; what hidden layers are drawn of does not hang on it.
        drawn = NetworkSize(2, size.width, 4, 1)
        generator = torch.Generator().manual_seed(0)
        network = each.draw(drawn, (30.0, 30.0), SignalTraits((64, 64), 1), generator)
        constants = hidden_constants(network)
        variance = fixed_point(constants.c_w, constants.c_b**2)
        gain = jacobian_gain(constants.c_w, variance)
        found[describe(each)] = SchemeMark(
            describe(each), constants.c_w, constants.c_b, math.sqrt(variance), math.sqrt(gain)
        )
    return tuple(found.values())
