from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.special import factorial, jv

from sinefit.errors import SettingError
from sinefit.initializers import SignalTraits, parse_initializer
from sinefit.initializers.tuner import Tuner
from sinefit.networks.sine import weight_name
from sinefit.networks.size import NetworkSize

from .making import biases_of, weights_of

if TYPE_CHECKING:
    from sinefit.initializers import TrainingRules
    from sinefit.networks.network import Network


def start_of(
    shape: tuple[int, ...],
    width: int = 416,
    depth: int = 3,
    tuner: Tuner | None = None,
    omega: float = 1.0,
    seed: int = 0,
) -> Network:
    size = NetworkSize(len(shape), width, depth, 3)
    generator = torch.Generator().manual_seed(seed)
    factors = (omega,) * len(shape)
    return (tuner or Tuner()).draw(size, factors, SignalTraits(shape, 3), generator)


def rules_of(start: Network, tuner: Tuner | None = None) -> TrainingRules:
    return (tuner or Tuner()).rules(start, (1.0,) * start.size.in_features)


def integers_of(start: Network, period: float = 4.0) -> np.ndarray:
    """Read the integer frequencies back off the weights 2π k/p."""
    exact = weights_of(start)[0].double().numpy() * period / (2 * math.pi)
    rounded = np.rint(exact)
    np.testing.assert_allclose(exact, rounded, atol=1e-3)
    return rounded.astype(int)


@pytest.mark.parametrize(
    "shape", [(20_000,), (300,), (512, 512), (64, 512), (16, 96, 96), (12,) * 4]
)
def test_frequencies_are_distinct_up_to_sign_and_the_units_come_first(
    shape: tuple[int, ...],
) -> None:
    k = integers_of(start_of(shape, width=128))
    np.testing.assert_array_equal(k[: len(shape)], np.eye(len(shape), dtype=int))
    both_signs = {tuple(row) for row in np.concatenate([k, -k])}
    assert len(both_signs) == 2 * len(k)
    assert (0,) * len(shape) not in both_signs


def test_the_shares_and_the_band_of_a_square_picture() -> None:
    start = start_of((512, 512), width=202)
    k = np.abs(integers_of(start)).max(axis=1)
    # 30 % of the 200 rows after the units; the low ones reach 10, the high ones 512/2/3 = 85.
    assert np.count_nonzero(k > 10) == 60
    assert k.max() == 85
    nyquist = math.pi * 512 / 2
    assert float(weights_of(start)[0].abs().max()) == pytest.approx(nyquist / 6, rel=0.01)


def test_every_axis_has_its_own_band() -> None:
    k = np.abs(integers_of(start_of((96, 600), tuner=Tuner(low=4))))
    assert k[:, 0].max() == 16
    assert k[:, 1].max() == 100


def test_low_frequencies_widen_with_the_width_in_one_dimension() -> None:
    start = start_of((44_100,), width=1001)
    k = np.sort(integers_of(start)[:, 0])
    # 70 % of 1000 and the unit one fill 1..701 without a gap; 300 lie above, up to 44100/6.
    np.testing.assert_array_equal(k[:701], np.arange(1, 702))
    assert k[701] > 701
    assert k[-1] == 7350


def test_omega_scales_the_band_up_to_nyquist() -> None:
    assert np.abs(integers_of(start_of((240, 240), omega=1.5))).max() == 60
    start = start_of((240, 240), omega=1000.0)
    assert np.abs(integers_of(start)).max() == 240
    assert float(weights_of(start)[0].abs().max()) == pytest.approx(math.pi * 240 / 2, rel=1e-6)


def test_the_period_sets_the_spacing() -> None:
    start = start_of((240, 240), tuner=Tuner(period=2.0, band=0.5))
    assert np.abs(integers_of(start, period=2.0)).max() == 60


def test_a_tiny_signal_repeats_frequencies_with_other_phases() -> None:
    start = start_of((4, 4), width=100)
    k = np.abs(integers_of(start))
    # Below Nyquist, |k_j| <= 4, lie (9² - 1)/2 = 40 pairs.
    assert len(np.unique(integers_of(start), axis=0)) == 40
    assert k.max() == 4
    pairs = np.column_stack([weights_of(start)[0].numpy(), biases_of(start)[0].numpy()])
    assert len(np.unique(pairs, axis=0)) == 100


def test_rules_freeze_the_first_layer_and_bound_the_second_by_column() -> None:
    tuner = Tuner(bound_low=0.9, bound_high=0.2)
    start = start_of((512, 512), width=202, tuner=tuner)
    rules = rules_of(start, tuner)
    assert rules.frozen == {"layers.0.weight"}
    assert set(rules.bounds) == {"layers.1.weight"}
    bounds = rules.bounds["layers.1.weight"]
    high = np.abs(integers_of(start)).max(axis=1) > 10
    np.testing.assert_allclose(bounds.numpy(), np.where(high, 0.2, 0.9), rtol=1e-6)
    assert bool((weights_of(start)[1].abs() <= bounds).all())


def test_phases_and_the_last_layer_learn_at_the_rate_and_hidden_layers_thirty_times_as_fast() -> (
    None
):
    for depth, tuner, expected in (
        (4, Tuner(), (1.0, 30.0, 30.0, 30.0, 1.0)),
        (2, Tuner(hidden_omega=12.0), (1.0, 12.0, 1.0)),
    ):
        scales = rules_of(start_of((64, 64), width=32, depth=depth), tuner).rate_scales
        for layer, scale in enumerate(expected):
            assert scales[f"layers.{layer}.weight"] == scales[f"layers.{layer}.bias"] == scale
        assert len(scales) == 2 * len(expected)


@pytest.mark.parametrize(
    ("shape", "tuner"),
    [
        ((512, 512), Tuner()),
        ((48, 64), Tuner(low=4, high_share=0.6)),
        ((44_100,), Tuner()),
        ((300,), Tuner(period=3.0)),
        ((7, 9), Tuner()),
        ((64, 600), Tuner(high_share=1.0)),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_trained_weights_keep_the_bounds_of_the_signal_that_they_were_drawn_for(
    shape: tuple[int, ...], tuner: Tuner, seed: int
) -> None:
    drawn = start_of(shape, width=240, tuner=tuner, seed=seed)
    rules = rules_of(drawn, tuner)
    bounds = rules.bounds["layers.1.weight"].numpy()
    # Of 240 weights N(0, 0.3²) one exceeds the high bound but for a chance of 1e-5.
    loudest = weights_of(drawn)[1].abs().amax(dim=0).numpy()
    np.testing.assert_array_equal(loudest > 0.6 + 1e-6, bounds == 1.0)
    reach = np.abs(integers_of(drawn, tuner.period)).max(axis=1)
    low, high = reach[bounds == 1.0], reach[bounds != 1.0]
    assert low.max() < high.min(initial=10**6)
    assert len(high) <= round(tuner.high_share * (240 - len(shape)))
    # Training changes all but the frozen frequencies, and those tell.
    trained = drawn.clone()
    for name, values in trained.parameters.items():
        if name not in rules.frozen:
            values.fill_(0.1)
    again = tuner.rules(trained, (2.5,) * len(shape))
    np.testing.assert_array_equal(again.bounds["layers.1.weight"].numpy(), bounds)
    assert again.frozen == rules.frozen == {"layers.0.weight"}


@pytest.mark.parametrize("bound", ["bound_low", "bound_high"])
def test_bounds_are_below_two(bound: str) -> None:
    below: dict[str, Any] = {bound: 1.999}
    assert Tuner(**below)
    at: dict[str, Any] = {bound: 2.0}
    with pytest.raises(
        SettingError, match=f"{bound} is 2.0: it must be a number above 0 and below"
    ):
        Tuner(**at)


def test_second_layer_weights_deviate_by_their_share_of_the_bound() -> None:
    start = start_of((512, 512), width=512)
    bounds = rules_of(start).bounds["layers.1.weight"].double()
    ratio = (weights_of(start)[1].double() / bounds).flatten()
    # Clamping N(0, 0.3²) at 1, beyond three deviations, changes its variance by less than 1 %.
    assert float(ratio.std()) == pytest.approx(0.3, rel=0.01)
    assert abs(float(ratio.mean())) < 5 * 0.3 / 512
    assert float(ratio.pow(4).mean()) == pytest.approx(3 * 0.3**4, rel=0.05)


def test_phases_and_deeper_layers() -> None:
    start = start_of((512, 512), width=512)
    phases = biases_of(start)[0].double()
    assert math.pi / 2 * 0.95 < float(phases.abs().max()) <= math.pi / 2 + 1e-6
    siren_bound = math.sqrt(6 / 512)
    assert float(weights_of(start)[2].abs().max()) == pytest.approx(siren_bound, rel=1e-3)
    assert float(weights_of(start)[3].abs().max()) == pytest.approx(siren_bound / 30, rel=0.02)
    assert float(biases_of(start)[1].abs().max()) == pytest.approx(30 / math.sqrt(512), rel=0.05)


def test_without_hidden_layers_nothing_is_bounded() -> None:
    start = start_of((64, 64), width=32, depth=1)
    rules = rules_of(start)
    assert rules.bounds == {}
    assert rules.frozen == {"layers.0.weight"}


def test_shape_and_inputs_must_agree() -> None:
    size = NetworkSize(2, 8, 2, 1)
    with pytest.raises(SettingError, match="3 axes, the network 2 inputs"):
        Tuner().draw(size, (1.0, 1.0), SignalTraits((4, 4, 4), 1), torch.Generator())


def test_omega_for_leaves_the_band_to_the_signal() -> None:
    assert Tuner().omega_for(300.0, NetworkSize(2, 64, 2, 1)) == 1.0


def bessel_spectrum(
    frequencies: np.ndarray, amplitudes: np.ndarray, phases: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Expand exp(i Σ a_j sin(k_j x + φ_j)) over Π J_n(a_j), and bound it by Π (|a_j|/2)^|n|/|n|!.

    Both are indexed by the integer frequency modulo `size`.
    """
    spectrum, bound = np.zeros(size, complex), np.zeros(size)
    spectrum[0] = bound[0] = 1.0
    orders = np.arange(-25, 26)
    for k, a, phase in zip(frequencies, amplitudes, phases, strict=True):
        factor, factor_bound = np.zeros(size, complex), np.zeros(size)
        np.add.at(factor, orders * k % size, jv(orders, a) * np.exp(1j * orders * phase))
        np.add.at(
            factor_bound, orders * k % size, (abs(a) / 2) ** abs(orders) / factorial(abs(orders))
        )
        spectrum = np.fft.ifft(np.fft.fft(spectrum) * np.fft.fft(factor))
        bound = np.fft.ifft(np.fft.fft(bound) * np.fft.fft(factor_bound)).real
    return spectrum, bound


def test_one_layer_spectrum_is_made_of_bessel_functions() -> None:
    size, frequency, amplitude = 256, 3, 1.3
    theta = 2 * math.pi * np.arange(size) / size
    spectrum = np.fft.fft(np.sin(amplitude * np.sin(frequency * theta))) / size
    for order in range(1, 20):
        expected = abs(jv(order, amplitude)) if order % 2 else 0.0
        assert abs(spectrum[order * frequency]) == pytest.approx(expected, abs=1e-12)


def test_a_start_has_the_spectrum_and_the_bound_of_the_paper() -> None:
    start = start_of((240,), width=4, depth=2, tuner=Tuner(low=3))
    k = integers_of(start)[:, 0]
    size = 8192
    x = torch.arange(size, dtype=torch.float64)[:, None] * (4.0 / size)
    weights = [weight.double() for weight in weights_of(start)]
    biases = [bias.double() for bias in biases_of(start)]
    exact_first = torch.from_numpy(k)[:, None].double() * (2 * math.pi / 4.0)
    first = torch.sin(x @ exact_first.T + biases[0])
    second = torch.sin(first @ weights[1].T + biases[1]).numpy()  # (size, width)
    for neuron in range(4):
        measured = np.fft.fft(second[:, neuron]) / size
        shifted, bound = bessel_spectrum(k, weights[1][neuron].numpy(), biases[0].numpy(), size)
        carrier = np.exp(1j * float(biases[1][neuron])) * shifted
        # sin is the imaginary part, whose spectrum mixes each frequency with its negative.
        negative = np.conj(np.roll(carrier[::-1], 1))
        np.testing.assert_allclose(measured, (carrier - negative) / 2j, atol=1e-12)
        assert np.all(abs(measured) <= bound + 1e-12)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("choice", ["odd", "no-units", "random"])
def test_other_choices_of_frequencies(choice: str, axes: int) -> None:
    size = NetworkSize(axes, 48, 2, 1)
    traits = SignalTraits((96,) * axes, 1)
    scheme = parse_initializer(f"tuner:frequencies={choice}")
    start = scheme.draw(size, (1.0,) * axes, traits, torch.Generator().manual_seed(0))
    whole = weights_of(start)[0] * 4.0 / (2.0 * math.pi)
    numbers = whole.round()
    torch.testing.assert_close(whole, numbers, atol=1e-4, rtol=0.0)
    units = (numbers.abs().sum(dim=1) == 1).sum()
    if choice == "odd":
        assert bool((numbers.remainder(2) == 1).all())
    elif choice == "no-units":
        assert int(units) == 0
    else:
        # Drawn alike over the band: half of them in the upper half of the box's volume.
        reach = numbers.abs().amax(dim=1)
        middle = float(reach.max()) * 0.5 ** (1 / axes)
        assert 0.25 < float((reach > middle).float().mean()) < 0.75
    bounds = scheme.rules(start, (1.0,) * axes).bounds[weight_name(1)]
    assert 0.6 < float((bounds == 1.0).float().mean()) < 0.95
