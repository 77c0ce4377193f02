"""TUNER's theorems on sin(W sin(w x)), each by a derivation of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import jv

from sinefit.theory.harmonics import (
    amplitude_bound,
    harmonics,
    line_amplitudes,
    line_bounds,
    line_series,
)

WEIGHTS = st.floats(-1.9, 1.9)


@given(st.floats(-5.0, 5.0), st.integers(1, 9))
def test_one_frequency_makes_bessel_amplitudes(a: float, number: int) -> None:
    turn = 2 * np.pi * np.arange(1024) / 1024
    amplitudes = line_amplitudes(np.sin(a * np.sin(number * turn)), 200)
    # sin(a sin t) = 2 Σ J_k(a) sin(k t) over odd k.
    for k in range(200 // number):
        expected = 2 * abs(jv(k, a)) if k % 2 else 0.0
        assert amplitudes[k * number] == pytest.approx(expected, abs=1e-12)


@given(st.lists(WEIGHTS, min_size=1, max_size=3), st.floats(-3, 3))
def test_the_expansion_is_the_function(weights: list[float], bias: float) -> None:
    generator = np.random.default_rng(3)
    w = generator.uniform(0, 9, len(weights))
    p = generator.uniform(0, 6, len(weights))
    x = generator.uniform(-2, 2, 50)
    inner = sum(a * np.sin(f * x + q) for a, f, q in zip(weights, w, p, strict=True))
    series = np.zeros(50)
    terms = harmonics(w.tolist(), weights, 14)
    for term in terms:
        series += term.amplitude * np.sin(term.frequency * x + np.dot(term.k, p) + bias)
    # The bounds of all terms make Π Σ_k r^|k| / |k|! with r = |a|/2: those left out have the rest.
    every = math.prod(2.0 * math.exp(abs(a) / 2.0) - 1.0 for a in weights)
    rest = every - math.fsum(term.bound for term in terms)
    assert rest < 1e-4
    np.testing.assert_allclose(series, np.sin(inner + bias), rtol=0, atol=rest + 1e-9)


@given(st.lists(WEIGHTS, min_size=1, max_size=3))
def test_no_amplitude_exceeds_its_bound(weights: list[float]) -> None:
    for term in harmonics([1.0] * len(weights), weights, 6):
        assert abs(term.amplitude) <= term.bound * (1 + 1e-9) + 1e-15
        assert term.bound == amplitude_bound(term.k, weights)


def test_the_bound_by_its_formula() -> None:
    # (1.2/2)³/3! · (0.5/2)¹/1! · 1
    expected = 0.6**3 / 6 * 0.25
    assert amplitude_bound((3, -1, 0), (-1.2, 0.5, 0.9)) == pytest.approx(expected)


def test_terms_rise_in_order_and_none_is_left_out() -> None:
    terms = harmonics([1.0, 10.0], [0.3, 0.4], 3)
    orders = [sum(map(abs, term.k)) for term in terms]
    assert orders == sorted(orders)
    # 1 + 4 + 8 + 12 integer points of the plane with |k_1| + |k_2| = 0, 1, 2, 3.
    assert len({term.k for term in terms}) == len(terms) == 25
    with pytest.raises(ValueError, match="too many terms"):
        harmonics([1.0] * 40, [0.1] * 40, 9)


@given(st.lists(WEIGHTS, min_size=2, max_size=3), st.integers(0, 2**31))
def test_lines_are_as_measured_and_below_their_bounds(weights: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    numbers = generator.choice(np.arange(1, 12), len(weights), replace=False)
    phases = generator.uniform(-2, 2, len(weights))
    bias = float(generator.uniform(-2, 2))
    turn = 2 * np.pi * np.arange(2048) / 2048
    inner = sum(a * np.sin(n * turn + p) for a, n, p in zip(weights, numbers, phases, strict=True))
    measured = line_amplitudes(np.sin(inner + bias), 60)
    terms = harmonics(numbers.astype(float).tolist(), weights, 14)
    series = line_series(terms, phases.tolist(), bias, 60)
    np.testing.assert_allclose(series, measured, atol=1e-6)
    bounds = line_bounds(numbers.tolist(), weights, 60)
    assert (measured <= bounds + 1e-12).all()
    # The bounds of all terms of a frequency are summed; those of high order are next to nothing.
    summed = np.zeros(60)
    for term in terms:
        if abs(round(term.frequency)) < 60:
            summed[abs(round(term.frequency))] += term.bound
    np.testing.assert_allclose(bounds, summed, rtol=1e-3, atol=1e-5)


def test_a_constant_has_one_line() -> None:
    amplitudes = line_amplitudes(np.full((2, 64), -0.7), 10)
    assert amplitudes.shape == (2, 10)
    np.testing.assert_allclose(amplitudes, [[0.7] + [0.0] * 9] * 2, atol=1e-15)


def test_a_cosine_of_any_phase_has_its_amplitude() -> None:
    turn = 2 * math.pi * np.arange(64) / 64
    assert line_amplitudes(3 * np.cos(5 * turn + 1), 10)[5] == pytest.approx(3)
