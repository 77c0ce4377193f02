"""The equations by name: the one source for the command, its help and tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sinefit.notation import describe_choice, parse_choice
from sinefit.solving.equations.burgers import Burgers
from sinefit.solving.equations.heat import Heat
from sinefit.solving.equations.helmholtz import Helmholtz
from sinefit.solving.equations.navier_stokes import NavierStokes
from sinefit.solving.equations.poisson import Poisson
from sinefit.solving.equations.wave import Wave

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.solving.equation import Equation

_EQUATIONS: tuple[type[Equation], ...] = (
    Helmholtz,
    Wave,
    Burgers,
    Heat,
    Poisson,
    NavierStokes,
)

EQUATIONS: Mapping[str, type[Equation]] = MappingProxyType({each.name: each for each in _EQUATIONS})
"""Every equation by its name, in the order in which they are listed."""


def parse_equation(text: str, *, full: bool = False) -> Equation:
    """Make an equation from "name" or "name:parameter=value:parameter=value".

    With `full` the parameters that are not given are the paper's. Raises `SettingError` for an
    unknown name or parameter, a parameter given twice, or a value of the wrong type or out of
    range.
    """
    name, given = parse_choice("equation", "equation", text, EQUATIONS)
    kind = EQUATIONS[name]
    return kind(**{**(kind.full_parameters if full else {}), **given})


def describe_equation(equation: Equation) -> str:
    """Return the shortest text that `parse_equation` turns into an equal equation."""
    return describe_choice(equation.name, equation)
