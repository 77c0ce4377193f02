from __future__ import annotations

import math

import pytest

from sinefit.errors import SettingError
from sinefit.initializers import INITIALIZERS, parameters_of
from sinefit.initializers.lambert import Lambert
from sinefit.initializers.siren import Siren
from sinefit.initializers.tuner import Tuner
from sinefit.parameters import Parameter


def test_parameters_are_the_fields_with_their_types_and_defaults() -> None:
    found = [(item.name, item.kind, item.default) for item in parameters_of(Tuner)]
    assert found == [
        ("period", float, 4.0),
        ("low", int, 10),
        ("high_share", float, 0.3),
        ("frequencies", str, "tuned"),
        ("band", float, 1.0 / 3.0),
        ("bound_low", float, 1.0),
        ("bound_high", float, 0.6),
        ("hidden_omega", float, 30.0),
    ]


def test_words_are_listed() -> None:
    bias = parameters_of(Siren)[0]
    assert (bias.kind, bias.choices, bias.default) == (str, ("official", "plain"), "official")


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_parameter_has_a_help_text_and_allows_its_default(name: str) -> None:
    for parameter in parameters_of(INITIALIZERS[name]):
        assert len(parameter.help) > 10
        assert "\n" not in parameter.help
        assert parameter.allows(parameter.default)


@pytest.mark.parametrize("value", [True, "1", math.nan, math.inf, -0.5, 3.5, None])
def test_a_number_must_be_a_finite_one_in_its_range(value: object) -> None:
    parameter = Parameter("share", float, 0.5, "a share", minimum=0.0, maximum=3.0)
    assert not parameter.allows(value)
    assert parameter.allows(0.0)
    assert parameter.allows(3)


def test_an_exclusive_limit_excludes_itself() -> None:
    parameter = Parameter("factor", float, 1.0, "a factor", above=0.0)
    assert not parameter.allows(0.0)
    assert parameter.allows(5e-324)
    parameter = Parameter("bound", float, 1.0, "a bound", above=0.0, below=2.0)
    assert not parameter.allows(2.0)
    assert parameter.allows(math.nextafter(2.0, 0.0))
    assert parameter.range == "a number above 0 and below 2"


@pytest.mark.parametrize(
    ("parameter", "right", "wrong", "words"),
    [
        (Parameter("n", int, 1, "", minimum=1), 2, 2.0, "a whole number at least 1"),
        (Parameter("b", bool, False, ""), True, 1, "true or false"),
        (Parameter("w", str, "a", "", choices=("a", "b")), "b", "c", "a or b"),
    ],
)
def test_other_kinds(parameter: Parameter, right: object, wrong: object, words: str) -> None:
    assert parameter.allows(right)
    assert not parameter.allows(wrong)
    assert parameter.range == words


def test_a_value_out_of_range_is_refused_at_construction() -> None:
    with pytest.raises(SettingError, match=r"lambert: sigma_a is -1\.0: it must be a number at le"):
        Lambert(sigma_a=-1.0)
    with pytest.raises(SettingError, match="siren: bias is 'none': it must be official or plain"):
        Siren(bias="none")  # type: ignore[arg-type]
