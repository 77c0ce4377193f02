from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.initializers import (
    INITIALIZERS,
    describe,
    parameters_of,
    parse_initializer,
)
from sinefit.initializers.lambert import Lambert
from sinefit.initializers.tuner import Tuner
from sinefit.initializers.ws import Ws

if TYPE_CHECKING:
    from sinefit.initializers import (
        Initializer,
        Parameter,
    )


def values_of(parameter: Parameter) -> st.SearchStrategy[float | int | str | bool]:
    """Every value that a parameter allows."""
    if parameter.kind is bool:
        return st.booleans()
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    low = parameter.above if parameter.minimum is None else parameter.minimum
    if parameter.kind is int:
        return st.integers(None if low is None else int(low), 10_000)
    high = parameter.below if parameter.maximum is None else parameter.maximum
    numbers = st.floats(low, high, allow_nan=False, allow_infinity=False)
    return numbers.filter(parameter.allows)


@st.composite
def initializers(draw: st.DrawFn) -> Initializer:
    scheme = draw(st.sampled_from(list(INITIALIZERS.values())))
    return scheme(
        **{parameter.name: draw(values_of(parameter)) for parameter in parameters_of(scheme)}
    )


@settings(deadline=None)
@given(initializers())
def test_description_parses_back_to_the_same(initializer: Initializer) -> None:
    text = describe(initializer)
    assert parse_initializer(text) == initializer
    assert describe(parse_initializer(text)) == text


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("lambertsirenw:=_0.5-e "), max_size=30))
def test_any_text_is_parsed_or_refused_in_one_line(text: str) -> None:
    message = ""
    try:
        initializer = parse_initializer(text)
    except SettingError as error:
        initializer, message = Lambert(), str(error)
    assert "\n" not in message
    assert parse_initializer(describe(initializer)) == initializer


def test_schemes_stand_in_the_order_of_the_documentation() -> None:
    assert list(INITIALIZERS) == [
        "siren",
        "lambert",
        "ws",
        "ssn",
        "tuner",
        "nfsl",
        "xavier",
        "torch",
        "vi3nr",
        "winner",
        "custom",
    ]


def test_parameters_are_read_in_their_own_types() -> None:
    assert parse_initializer("lambert:sigma_a=1") == Lambert(sigma_a=1.0)
    assert parse_initializer("ws:alpha=2:hidden_omega=1e1") == Ws(alpha=2.0, hidden_omega=10.0)
    assert parse_initializer("tuner:low=6") == Tuner(low=6)


def test_only_what_differs_from_the_default_is_described() -> None:
    assert describe(Lambert(sigma_a=0.5, first_bias="zero")) == (
        "lambert:sigma_a=0.5:first_bias=zero"
    )
    assert describe(Ws(alpha=2.0)) == "ws:alpha=2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sirne", ["'sirne'", "choose from siren, lambert, ws", "did you mean siren?"]),
        ("", ["unknown initializer ''", "siren"]),
        ("siren:bais=plain", ["'bais'", "bias, last, hidden_omega", "did you mean bias?"]),
        ("ssn:alpha=1", ["ssn has no parameter 'alpha'", "takes none"]),
        ("siren:bias=plan", ["'plan'", "official or plain", "did you mean plain?"]),
        ("siren:bias", ["'bias'", "parameter=value"]),
        ("ws:alpha=2:alpha=3", ["alpha is given twice"]),
        ("ws:alpha=two", ["alpha is 'two'", "a number above 0"]),
        ("ws:alpha=0", ["alpha is '0'", "a number above 0"]),
        ("ws:alpha=nan", ["alpha is 'nan'", "a number above 0"]),
        ("ws:alpha=inf", ["alpha is 'inf'", "a number above 0"]),
        ("lambert:sigma_a=-1", ["sigma_a is '-1'", "at least 0"]),
        ("tuner:low=2.5", ["low is '2.5'", "a whole number at least 1"]),
        ("tuner:high_share=1.5", ["high_share is '1.5'", "at least 0 and at most 1"]),
    ],
)
def test_errors_name_the_cause_and_the_cure(text: str, words: list[str]) -> None:
    with pytest.raises(SettingError) as raised:
        parse_initializer(text)
    message = str(raised.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_the_registry_does_not_wait_for_torch() -> None:
    code = (
        "import sys\n"
        "from sinefit.initializers import INITIALIZERS, parameters_of, parse_initializer\n"
        "[(s.formula, s.advice, s.reference, parameters_of(s)) for s in INITIALIZERS.values()]\n"
        "[parse_initializer(name) for name in INITIALIZERS]\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, b"")
