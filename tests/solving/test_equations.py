"""The equations against their known solutions: residuals, conditions and independent formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp
from scipy.special import hankel1, j0

from sinefit.errors import SettingError
from sinefit.solving.derivatives import Derivatives, coordinates_in, points_in
from sinefit.solving.registry import EQUATIONS, describe_equation, parse_equation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.solving.equation import Equation

NAMES = sorted(EQUATIONS)
STEP = 1e-3
# Central differences of order 4 (Fornberg, 1988), by multiples of the step.
PLACES = np.array([-2, -1, 1, 2])
FIRST = np.array([1, -8, 8, -1]) / 12.0
SECOND = np.array([-1, 16, 16, -1]) / 12.0


def smooth(name: str) -> Equation:
    """Return an equation whose solution has no layer thinner than differences can follow."""
    return parse_equation("burgers:viscosity=0.1" if name == "burgers" else name)


def inside(equation: Equation, count: int = 200) -> NDArray[np.float64]:
    """Return points that are far enough from the faces for differences."""
    low, high = np.array(equation.domain).T
    shares = np.random.default_rng(0).uniform(0.05, 0.95, (2 * count, len(low)))
    points = low + shares * (high - low)
    if equation.name == "helmholtz":
        # Where the absorbing layer begins, the third derivative jumps.
        points = points[np.abs(np.abs(points) - 0.5).min(axis=1) > 0.01]
    return np.asarray(points[:count])


def differences(equation: Equation, points: NDArray[np.float64]) -> Derivatives:
    """Return the known solution with its derivatives by finite differences."""
    values = equation.exact(points)
    first, second = {}, {}
    for axis in range(points.shape[1]):
        low, high = equation.domain[axis]
        step = STEP * (high - low)
        moved = []
        for place in PLACES:
            there = points.copy()
            there[:, axis] += place * step
            moved.append(equation.exact(there))
        near = np.stack(moved)  # (4, points, channels)
        first[axis] = torch.from_numpy(np.tensordot(FIRST, near, 1) / step)
        second[axis] = torch.from_numpy((np.tensordot(SECOND, near, 1) - 2.5 * values) / step**2)
    return Derivatives(torch.from_numpy(values), first, second)


@pytest.mark.parametrize("name", NAMES)
def test_the_residual_of_the_known_solution_vanishes(name: str) -> None:
    equation = smooth(name)
    points = inside(equation)
    residual = equation.residual(torch.from_numpy(points), differences(equation, points))
    assert residual.shape[0] == len(points)
    assert residual.abs().max() < 1e-5 * equation.residual_scale


@pytest.mark.parametrize("name", NAMES)
def test_the_residual_sees_what_is_no_solution(name: str) -> None:
    """Twice a solution of a linear equation is one, but for the source; a wave added is none."""
    equation = smooth(name)
    points = 0.3 * inside(equation) if name == "helmholtz" else inside(equation)
    found = differences(equation, points)
    wave = torch.sin(3.0 * torch.from_numpy(points).sum(dim=1, keepdim=True))
    first = {axis: value + wave for axis, value in found.first.items()}
    second = {axis: value - 2.0 * wave for axis, value in found.second.items()}
    spoilt = Derivatives(found.values, first, second)
    residual = equation.residual(torch.from_numpy(points), spoilt)
    assert residual.abs().max() > 1e-3 * equation.residual_scale


@pytest.mark.parametrize("name", NAMES)
def test_the_known_solution_meets_the_conditions(name: str) -> None:
    equation = smooth(name)
    for condition in equation.conditions:
        assert condition.ends
        for end in condition.ends:
            points = inside(equation)
            low, high = equation.domain[condition.axis]
            points[:, condition.axis] = (low, high)[end]
            if condition.order == 0:
                values = torch.from_numpy(equation.exact(points))
            else:
                values = differences(equation, points).first[condition.axis]
            target = condition.target(torch.from_numpy(points))
            missed = values[:, list(condition.channels)] - target
            # What passes the absorbing layer of the Helmholtz equation, by its own decay.
            least = 2.0 * math.exp(-50.0 / 6.0) if name == "helmholtz" else 1e-6
            assert missed.abs().max() < least * equation.scale, condition.name


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_holds_the_known_solution(name: str) -> None:
    equation = parse_equation(name)
    largest = np.abs(equation.exact(inside(equation, 3000))).max()
    assert 0.4 * equation.scale < largest <= 1.0001 * equation.scale


@pytest.mark.parametrize("name", NAMES)
def test_what_every_equation_tells(name: str) -> None:
    equation = parse_equation(name)
    assert len(equation.domain) == len(equation.axes) == len(equation.orders)
    assert len(equation.shape) == len(equation.axes)
    assert len({condition.name for condition in equation.conditions}) == len(equation.conditions)
    assert describe_equation(equation) == name
    drawn = equation.draw_points(64, torch.Generator().manual_seed(1))
    assert drawn.shape == (64, len(equation.axes))
    assert drawn.abs().max() <= 1.0
    points = points_in(equation.domain, drawn.double())
    assert torch.allclose(coordinates_in(equation.domain, points), drawn.double())


def test_burgers_against_a_solver_in_space_and_time() -> None:
    """The method of lines on a fine grid, by scipy, which knows nothing of the transform."""
    equation = parse_equation("burgers:viscosity=0.05")
    places = np.linspace(-1.0, 1.0, 401)
    gap = places[1] - places[0]

    def rate(_time: float, values: NDArray[np.float64]) -> NDArray[np.float64]:
        change = np.zeros_like(values)
        before, here, after = values[:-2], values[1:-1], values[2:]
        change[1:-1] = -(after**2 - before**2) / (4.0 * gap)
        change[1:-1] += 0.05 * (after - 2.0 * here + before) / gap**2
        return change

    start = -np.sin(math.pi * places)
    found = solve_ivp(rate, (0.0, 1.0), start, "LSODA", rtol=1e-7, atol=1e-9, lband=1, uband=1)
    exact = equation.exact(np.stack([np.ones_like(places), places], axis=1))[:, 0]
    assert np.abs(found.y[:, -1] - exact).max() < 2e-4


def test_burgers_of_the_paper_is_integrated_finely_enough() -> None:
    """At the shock, where the integrand of 0.01/π is narrowest, against adaptive quadrature."""
    equation = parse_equation("burgers")
    viscosity, time, place = 0.01 / math.pi, 0.6, 0.02

    def part(shift: float) -> float:
        angle = math.pi * (place - shift)
        exponent = (1.0 - math.cos(angle)) / (2.0 * math.pi * viscosity) - 100.0
        return math.exp(exponent - shift**2 / (4.0 * viscosity * time))

    def weighted(shift: float) -> float:
        return math.sin(math.pi * (place - shift)) * part(shift)

    options: dict[str, Any] = {
        "epsabs": 0.0,
        "epsrel": 1e-11,
        "limit": 2000,
        "points": [-0.5, -0.25, 0.0, 0.25, 0.5],
    }
    above = quad(weighted, -1.5, 1.5, **options)[0]
    below = quad(part, -1.5, 1.5, **options)[0]
    assert equation.exact(np.array([[time, place]]))[0, 0] == pytest.approx(
        -above / below, abs=1e-8
    )


def test_unknown_names_and_values() -> None:
    with pytest.raises(SettingError, match="unknown equation 'burger'"):
        parse_equation("burger")
    with pytest.raises(SettingError, match="viscosity"):
        parse_equation("burgers:viscosity=0")


def test_the_wave_is_the_integral_over_wavenumbers() -> None:
    """By Bessel functions, which the mean over directions does without."""
    equation = parse_equation("wave:deviation=0.05")
    for time, distance in ((0.0, 0.05), (0.1, 0.0), (0.2, 0.2), (0.4, 0.37)):

        def integrand(k: float, time: float = time, distance: float = distance) -> float:
            bell = 0.05**2 * math.exp(-((0.05 * k) ** 2) / 2.0)
            return bell * k * math.cos(k * time) * float(j0(k * distance))

        expected = quad(integrand, 0.0, 200.0, limit=500)[0]
        found = equation.exact(np.array([[time, 0.6 * distance, -0.8 * distance]]))
        assert found[0, 0] == pytest.approx(expected, abs=1e-9)


def test_the_waves_of_a_source_are_its_convolution() -> None:
    """Over the plane, with Hankel's function as scipy has it, at a place within the source."""
    equation = parse_equation("helmholtz")
    place = np.array([0.13, -0.06])
    radii = np.polynomial.legendre.leggauss(80)
    reach = 0.7
    distance, weights = (radii[0] + 1.0) * reach / 2.0, radii[1] * reach / 2.0
    angles = np.arange(200) * (2.0 * math.pi / 200)
    # Around the place, where the logarithm of Hankel's function is tamed by the area of rings.
    x = place[0] + distance[:, None] * np.cos(angles)
    y = place[1] + distance[:, None] * np.sin(angles)
    source = np.exp(-(x**2 + y**2) / (2.0 * 0.07**2)) / (2.0 * math.pi * 0.07**2)
    rings = source.mean(axis=1) * 2.0 * math.pi * distance * weights
    expected = (0.25j * hankel1(0, 10.0 * distance) * rings).sum()
    found = equation.exact(place[None])[0]
    assert complex(*found) == pytest.approx(expected, abs=1e-5)
