"""Fits of derivatives: what they are trained on, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import sinefit
from sinefit.errors import SettingError
from sinefit.fitting.config import FitConfig
from sinefit.fitting.supervision import outputs_for, trained_on
from sinefit.signals.cosine_series import gradient, integral_of_gradient
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from sinefit.engines.derived import Quantity

SMALL: dict[str, Any] = {"width": 32, "depth": 3, "threads": 1, "device": "cpu", "batch": 256}


def waves() -> np.ndarray:
    y, x = np.mgrid[:24, :32] + 0.5
    found = 3.0 + np.cos(np.pi * 2 * y / 24) * np.cos(np.pi * 3 * x / 32)
    return np.asarray(found + 0.5 * np.cos(np.pi * 6 * x / 32), np.float32)


def error_of(field: sinefit.Field, truth: np.ndarray) -> float:
    """Return the mean squared error up to a constant, as a share of the variance."""
    difference = field.render().samples[..., 0] - truth
    return float(difference.var() / truth.var())


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
@pytest.mark.parametrize("recipe", ["usual", "paper"])
def test_columns_are_values_and_derivatives_of_equal_weight(
    quantity: Quantity, recipe: Any
) -> None:
    signal = as_signal(waves())
    config = FitConfig(supervise=quantity, recipe=recipe).decided_for(signal.spec)
    outputs = outputs_for(signal, config)
    assert outputs is not None
    met = trained_on(signal, outputs)
    assert met.spec.to_unit(met.samples) == pytest.approx(met.samples, abs=1e-6)
    columns = list(np.moveaxis(met.samples, -1, 0))
    units = signal.spec.to_unit(signal.samples)[..., 0]
    if recipe == "usual":
        np.testing.assert_allclose(columns.pop(0), units, atol=1e-5)
    assert len(columns) == (2 if quantity == "gradient" else 1)
    power = np.mean(np.square(columns))
    assert power == pytest.approx(units.var(), rel=1e-4)


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_the_signal_comes_back_from_its_derivatives(quantity: Quantity) -> None:
    field = sinefit.fit(waves(), supervise=quantity, steps=400, **SMALL)
    assert error_of(field, waves()) < 0.01
    assert field.record.supervise == quantity


def test_derivatives_alone_leave_the_constant_open_which_is_put_in() -> None:
    """As the papers train; the mean of the field is that of the signal."""
    field = sinefit.fit(
        waves(),
        supervise="gradient",
        recipe="paper",
        schedule="cosine",
        learning_rate=2e-3,
        omega=8,
        steps=300,
        **SMALL,
    )
    assert error_of(field, waves()) < 0.05
    found = field.render().samples
    assert found.mean() == pytest.approx(waves().mean(), abs=0.02)


def test_a_blend_of_gradients_is_fitted() -> None:
    """The edges of two pictures, of which each has one, are in one field."""
    one, other = np.zeros((24, 32)), np.zeros((24, 32))
    one[:, :] = 1 / (1 + np.exp(8 - np.arange(32.0)))
    other[:, :] = 1 / (1 + np.exp(22 - np.arange(32.0)))
    own, its = gradient(one[..., None]), gradient(other[..., None])
    blend = integral_of_gradient(np.where(abs(own) > abs(its), own, its))[..., 0]
    field = sinefit.fit(blend, supervise="gradient", steps=300, **SMALL)
    row = field.render().samples[12, :, 0]
    assert row[14] - row[2] == pytest.approx(1.0, abs=0.2)
    assert row[29] - row[16] == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"supervise": "curl"}, "`supervise` is curl"),
        ({"supervise": "gradient", "holdout": "5%"}, "`holdout` has no use"),
        ({"supervise": "gradient", "footprint": "box"}, "it must be point"),
        ({"supervise": "laplacian", "blocks": 2}, "one network, so leave `blocks` out"),
        ({"supervise": "laplacian", "block_size": 8}, "leave `block_size` out"),
        (
            {"supervise": "gradient", "network": "bacon", "recipe": "paper"},
            "`network` bacon has no constant",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], cause: str) -> None:
    with pytest.raises(SettingError, match=cause):
        sinefit.fit(waves(), steps=1, **settings)


def test_signals_without_derivatives_are_refused() -> None:
    with pytest.raises(SettingError, match="not for a sphere"):
        sinefit.fit(waves(), domain="sphere", supervise="gradient", steps=1)
    holes = waves()
    holes[3, 4] = np.nan
    with pytest.raises(SettingError, match="none can lack"):
        sinefit.fit(holes, supervise="gradient", steps=1)
