"""Every scheme's draws against the distributions that its paper states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.initializers import INITIALIZERS, SignalTraits, describe, parse_initializer
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize

from .making import biases_of, weights_of

if TYPE_CHECKING:
    from sinefit.networks.network import Network

OMEGA = {1: (50.0,), 2: (40.0, 22.5), 3: (10.0, 20.0, 40.0)}
MEAN_OMEGA = {1: 50.0, 2: 30.0, 3: 20.0}
SHAPE = {1: (4096,), 2: (128, 96), 3: (16, 64, 48)}
WIDTH = 256
OUT = 40


@dataclass(frozen=True)
class Spread:
    """A distribution of mean 0: the variances of its uniform and of its normal part, summed."""

    uniform: float = 0.0
    normal: float = 0.0

    def times(self, factor: float) -> Spread:
        return Spread(self.uniform * factor**2, self.normal * factor**2)

    @property
    def variance(self) -> float:
        return self.uniform + self.normal

    @property
    def fourth_moment(self) -> float:
        """E[(u+n)^4] = E[u^4] + 6 E[u²] E[n²] + E[n^4]."""
        return 1.8 * self.uniform**2 + 6.0 * self.uniform * self.normal + 3.0 * self.normal**2

    @property
    def eighth_moment(self) -> float:
        """Of the wider of both shapes; enough for the tolerance of the fourth moment."""
        return 105.0 * self.variance**4


def u(bound: float) -> Spread:
    return Spread(uniform=bound**2 / 3.0)


def n(std: float) -> Spread:
    return Spread(normal=std**2)


ZERO = Spread()


@dataclass(frozen=True)
class Scheme:
    """What the notes on a paper say: first, hidden and last layer, weights and biases."""

    text: str
    first: tuple[Spread, Spread]
    hidden: tuple[Spread, Spread]
    last: tuple[Spread, Spread]
    scales: tuple[float, float, float]
    second: Spread | None = None
    """Weights of the second layer, where they differ from the other hidden ones."""


def schemes(axes: int) -> list[Scheme]:
    """The table, with first-layer weights per unit of omega and biases complete."""
    d, width, w0 = axes, WIDTH, MEAN_OMEGA[axes]
    root = math.sqrt(width)
    first = (u(1 / d), u(w0 / math.sqrt(d)))
    last = (u(math.sqrt(6 / width) / 30), u(1 / root))
    hidden_weights = u(math.sqrt(6 / width))
    hidden_bias = u(30 / root)
    siren_scales = (w0, 30.0, 1.0)
    ones = (1.0, 1.0, 1.0)
    c_w0 = u(math.sqrt(3) / root)
    c_w1 = u(2.2988655 / root)
    vi3nr = n(1 / math.sqrt(width * (1 - math.exp(-2)) / 2))
    return [
        Scheme("siren", first, (hidden_weights, hidden_bias), last, siren_scales),
        Scheme("siren:bias=plain", first, (hidden_weights, u(1 / root)), last, (w0, 1.0, 1.0)),
        # Theorem 3.1 of Combette et al. draws all weights after the first layer from one range.
        Scheme(
            "siren:bias=plain:last=hidden",
            first,
            (hidden_weights, u(1 / root)),
            (hidden_weights, u(1 / root)),
            (w0, 1.0, 1.0),
        ),
        Scheme(
            "siren:hidden_omega=12",
            first,
            (hidden_weights, u(12 / root)),
            (u(math.sqrt(6 / width) / 12), u(1 / root)),
            (w0, 12.0, 1.0),
        ),
        Scheme("lambert", (u(1 / d), u(math.pi)), (c_w0, ZERO), (c_w0, ZERO), ones),
        Scheme(
            "lambert:sigma_a=1:first_bias=hidden",
            (u(1 / d), n(0.4882682)),
            (c_w1, n(0.4882682)),
            (c_w1, n(0.4882682)),
            ones,
        ),
        Scheme("lambert:first_bias=siren", first, (c_w0, ZERO), (c_w0, ZERO), ones),
        Scheme("lambert:first_bias=zero", (u(1 / d), ZERO), (c_w0, ZERO), (c_w0, ZERO), ones),
        Scheme(
            "ws",
            (u(2.5 / d), first[1]),
            (hidden_weights.times(2.5), hidden_bias),
            last,
            siren_scales,
        ),
        Scheme(
            "ssn",
            (n(math.sqrt(2 / d)), ZERO),
            (n(math.sqrt(2 / width)), ZERO),
            (n(math.sqrt(2 / width)), ZERO),
            (w0, 1.0, 1.0),
        ),
        Scheme(
            "nfsl",
            first,
            (hidden_weights, hidden_bias),
            (u(width ** (-3 / 4)), u(1 / root)),
            siren_scales,
        ),
        Scheme(
            "nfsl:hidden=uniform",
            first,
            (u(1 / root), hidden_bias),
            (u(width ** (-3 / 4)), u(1 / root)),
            siren_scales,
        ),
        Scheme(
            "xavier",
            (u(math.sqrt(6 / (d + width))), ZERO),
            (u(30 * math.sqrt(6 / (2 * width))), ZERO),
            (u(math.sqrt(6 / (width + OUT))), ZERO),
            siren_scales,
        ),
        Scheme(
            "torch",
            (u(1 / math.sqrt(d)), u(w0 / math.sqrt(d))),
            (u(1 / root), u(1 / root)),
            (u(1 / root), u(1 / root)),
            ones,
        ),
        Scheme(
            "vi3nr",
            (n(math.sqrt(3 / d)), ZERO),
            (vi3nr, ZERO),
            (vi3nr, ZERO),
            ones,
            # Loud pre-activations have E[sin² z] = 1/2.
            second=n(1 / math.sqrt(width / 2)),
        ),
        Scheme(
            "custom:c_w=1.5:c_b=0.3",
            (u(1 / d), u(math.pi)),
            (u(1.5 / root), n(0.3)),
            (u(1.5 / root), n(0.3)),
            ones,
        ),
    ]


def texts() -> list[str]:
    return [scheme.text for scheme in schemes(1)]


def draw(text: str, size: NetworkSize, omega: tuple[float, ...], **traits: Any) -> Network:
    generator = torch.Generator().manual_seed(20)
    signal = SignalTraits(shape=SHAPE[size.in_features], channels=3, **traits)
    return parse_initializer(text).draw(size, omega, signal, generator)


def assert_drawn_from(sample: torch.Tensor, spread: Spread) -> None:
    """Mean, variance, fourth moment and support, each within five standard errors."""
    values = sample.detach().double().flatten()
    count = len(values)
    if spread.variance == 0.0:
        assert torch.count_nonzero(values) == 0
        return
    variance, fourth = spread.variance, spread.fourth_moment
    assert abs(values.mean()) < 5 * math.sqrt(variance / count)
    assert abs(values.square().mean() - variance) < 5 * math.sqrt((fourth - variance**2) / count)
    assert abs(values.pow(4).mean() - fourth) < 5 * math.sqrt(spread.eighth_moment / count)
    if spread.normal == 0.0:
        bound = math.sqrt(3 * variance)
        # That no magnitude lies in the last 15/count of the range has a probability of exp(-15).
        assert bound * (1 - 15 / count) < values.abs().max() <= bound * (1 + 1e-6)


def test_every_scheme_has_a_row() -> None:
    elsewhere = {"tuner", "winner"}
    assert {text.partition(":")[0] for text in texts()} | elsewhere == set(INITIALIZERS)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("text", texts())
def test_draws_follow_the_stated_distributions(text: str, axes: int) -> None:
    scheme = next(row for row in schemes(axes) if row.text == text)
    start = draw(text, NetworkSize(axes, WIDTH, 3, OUT), OMEGA[axes])
    weights, biases = weights_of(start), biases_of(start)
    for axis, factor in enumerate(OMEGA[axes]):
        assert_drawn_from(weights[0][:, axis], scheme.first[0].times(factor))
    assert_drawn_from(biases[0], scheme.first[1])
    for layer in (1, 2):
        other = scheme.second if layer == 1 else None
        assert_drawn_from(weights[layer], other or scheme.hidden[0])
        assert_drawn_from(biases[layer], scheme.hidden[1])
    assert_drawn_from(weights[3], scheme.last[0])
    assert_drawn_from(biases[3], scheme.last[1])


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("text", texts())
def test_rate_scales_stand_for_the_factors_inside_the_sines(text: str, depth: int) -> None:
    scheme = next(row for row in schemes(2) if row.text == text)
    start = draw(text, NetworkSize(2, 8, depth, 3), OMEGA[2])
    rules = parse_initializer(text).rules(start, OMEGA[2])
    first, hidden, last = scheme.scales
    scales = (first, *[hidden] * (depth - 1), last)
    expected: dict[str, float | tuple[float, ...]] = {
        name(layer): s for layer, s in enumerate(scales) for name in (weight_name, bias_name)
    }
    if first != 1.0:
        # A column of the first layer has the factor of its own axis.
        expected[weight_name(0)] = OMEGA[2]
    assert rules.rate_scales.keys() == expected.keys() == SINE.shapes(start.size).keys()
    for name, wanted in expected.items():
        np.testing.assert_allclose(rules.rate_scales[name], wanted, rtol=1e-6)
    assert rules.frozen == frozenset()
    assert rules.bounds == {}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize(
    "size",
    [
        NetworkSize(1, 1, 1, 1),
        NetworkSize(2, 64, 1, 3),
        NetworkSize(3, 32, 2, 1),
        NetworkSize(2, 7, 5, 4),
    ],
)
def test_any_size_gives_float32_layers_of_the_right_shapes(name: str, size: NetworkSize) -> None:
    start = draw(name, size, OMEGA[size.in_features], spectral_centroid=0.1)
    assert [tuple(weight.shape) for weight in weights_of(start)] == list(size.layers)
    assert [tuple(bias.shape) for bias in biases_of(start)] == [(rows,) for rows, _ in size.layers]
    rules = parse_initializer(name).rules(start, OMEGA[size.in_features])
    assert rules.rate_scales.keys() == start.parameters.keys()
    assert start.members == 1
    assert start.values.dtype == torch.float32
    assert bool(start.values.isfinite().all())


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_generator_alone_decides_the_draw(name: str) -> None:
    size = NetworkSize(2, 32, 3, 3)
    traits = SignalTraits((64, 48), 3, spectral_centroid=0.1)
    scheme = parse_initializer(name)
    starts: list[Network] = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(starts))
        generator = torch.Generator().manual_seed(seed)
        starts.append(scheme.draw(size, OMEGA[2], traits, generator))
    first, again, other = starts
    assert torch.equal(first.values, again.values)
    assert not torch.equal(weights_of(first)[1], weights_of(other)[1])


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("text", texts())
def test_omega_for_is_the_inverse_of_the_first_layer_deviation(text: str, axes: int) -> None:
    size = NetworkSize(axes, 4096, 1, 1)
    omega = parse_initializer(text).omega_for(70.0, size)
    weights = weights_of(draw(text, size, (omega,) * axes))[0]
    expected = 70.0 * {"ws": 2.5}.get(text, 1.0)
    # The relative standard error of a normal sample's deviation is 1/sqrt(2 count).
    tolerance = 5.0 / math.sqrt(2 * weights.numel())
    assert float(weights.double().std()) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    ("omega", "words"),
    [((30.0,), "one value per axis"), ((30.0, 0.0), "positive"), ((math.nan, 1.0), "positive")],
)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_wrong_omega_is_refused(name: str, omega: tuple[float, ...], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        draw(name, NetworkSize(2, 8, 2, 1), omega)


@pytest.mark.parametrize("text", ["ssn", "xavier", "vi3nr", "lambert:first_bias=zero"])
def test_zero_biases_make_the_start_odd(text: str) -> None:
    network = draw(text, NetworkSize(2, 32, 3, 3), (3.0, 2.0))
    x = torch.rand((1, 50, 2), generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(network(-x), -network(x))


def test_ssn_has_the_hidden_variance_of_siren() -> None:
    size = NetworkSize(2, 512, 2, 1)
    starts = (draw(name, size, OMEGA[2]) for name in ("ssn", "siren"))
    ssn, siren = (weights_of(start)[1].double().var() for start in starts)
    # Standard errors: sqrt(2/count) for the normal, sqrt(0.8/count) for the uniform variance.
    assert float(ssn / siren) == pytest.approx(1.0, rel=5 * math.sqrt(2.8 / 512**2))


@pytest.mark.parametrize(("width", "times"), [(256, 3.06), (512, 2.57), (2048, 1.82)])
def test_nfsl_has_a_wider_last_layer_than_siren(width: int, times: float) -> None:
    size = NetworkSize(2, width, 1, OUT)
    starts = (draw(name, size, OMEGA[2]) for name in ("nfsl", "siren"))
    last = [float(weights_of(start)[-1].std()) for start in starts]
    # Standard error of a uniform's deviation: sqrt(0.2/count).
    assert last[0] / last[1] == pytest.approx(times, rel=5 * math.sqrt(0.4 / (width * OUT)))


def test_xavier_without_omega_is_lambert_0_in_square_layers() -> None:
    from scipy.stats import ks_2samp

    size = NetworkSize(2, 256, 2, 1)
    xavier = draw("xavier:hidden_omega=1", size, OMEGA[2])
    lambert = draw("lambert", size, OMEGA[2])
    sample, reference = (weights_of(start)[1].flatten().numpy() for start in (xavier, lambert))
    assert ks_2samp(sample, reference).pvalue > 1e-4
    assert torch.equal(biases_of(xavier)[1], biases_of(lambert)[1])


def test_descriptions_name_what_people_need() -> None:
    for name, scheme in INITIALIZERS.items():
        assert scheme.name == name
        assert describe(scheme()) == name
        for text in (scheme.formula, scheme.advice, scheme.reference):
            assert len(text) > 20
            assert "\n" not in text
