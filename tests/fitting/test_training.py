from __future__ import annotations

import math

import pytest
import torch

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.training import Training

from .making import picture, settings

CPU = torch.device("cpu")


def test_restoring_goes_on_with_the_same_steps() -> None:
    signal = picture((30, 20), 3)
    config = settings("tuner", batch=97)
    whole = Training(signal, config, CPU)
    for _ in range(20):
        whole.step(1.0)
    kept = {name: tensor.clone() for name, tensor in whole.state().items()}
    weights = [parameter.detach().clone() for parameter in whole.network.parameters()]
    expected = [float(whole.step(0.5)) for _ in range(15)]

    again = Training(signal, config, CPU)
    network = Training(signal, config, CPU).network
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), weights, strict=True):
            parameter.copy_(value)
    again.restore(network, kept, 20)
    assert [float(again.step(0.5)) for _ in range(15)] == expected


def test_the_state_is_all_that_weights_do_not_tell() -> None:
    signal = picture((30, 20), 3)
    config = settings(batch=97)
    first, second = Training(signal, config, CPU), Training(signal, config, CPU)
    for _ in range(9):
        first.step(1.0)
    # With the weights but no state the next losses differ.
    second.restore(first.network, second.state(), 0)
    assert [float(first.step(1.0)) for _ in range(3)] != [float(second.step(1.0)) for _ in range(3)]


def test_weights_that_a_type_cannot_hold_are_refused_before_the_work() -> None:
    with pytest.raises(SettingError, match="`dtype` is float16"):
        Training(picture(), settings(omega=(1e6,), storage="float16"), CPU)


def test_a_field_of_another_kind_is_refused() -> None:
    field = fit_signal(picture(channels=3), settings()).field
    config = settings().continuing(field)
    with pytest.raises(
        SettingError, match="`start_from` holds a field of 2 coordinates and 3 channels"
    ):
        Training(picture(channels=1), config, CPU, field)


def test_bounded_columns_keep_their_bounds_on_a_signal_of_another_size() -> None:
    tiny, large = picture((4, 5)), picture((150, 120))
    drawn = settings("tuner", width=60, learning_rate=1e-9, budget=Budget(steps=1))
    # All frequencies of the tiny picture are low ones, 17 of the large one's are high.
    field = fit_signal(tiny, drawn).field
    before = [part.detach().clone() for part in field.network.parameters()]
    after = fit_signal(large, drawn, start_from=field).field
    # A column held within the bound of another frequency would lose the weights above it.
    for mine, theirs in zip(after.network.parameters(), before, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)

    field = fit_signal(large, drawn).field
    rules = Training(tiny, drawn.continuing(field), CPU, field).rules
    is_high = field.network.weights[0].abs().amax(dim=1) > 10.5 * math.pi / 2
    assert int(is_high.sum()) == 17
    assert torch.equal(rules.column_bounds[1] == 0.6, is_high)
