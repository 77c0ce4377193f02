from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.networks.family import Published
from sinefit.networks.finer import Finer
from sinefit.networks.network import Network
from sinefit.networks.registry import FAMILIES, describe_network, parse_network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.parameters import parameters_of

from .making import drawn

if TYPE_CHECKING:
    from sinefit.networks.family import Family

SIZES = [NetworkSize(1, 5, 1, 1), NetworkSize(2, 6, 2, 3), NetworkSize(3, 9, 4, 2)]
PUBLISHED = [family for family in FAMILIES.values() if isinstance(family, Published)]


def fitting(family: Family) -> Family:
    """Return a family with what it leaves to the signal."""
    return family.suited((40, 60))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_maps_every_member_s_coordinates_by_its_own_parameters(name: str) -> None:
    family, size = fitting(FAMILIES[name]), NetworkSize(2, 6, 2, 3)
    assert family.name == name
    generator = torch.Generator().manual_seed(0)
    shapes = family.shapes(size)
    stack = Network.of(
        family, size, {one: torch.randn(2, *shapes[one], generator=generator) for one in shapes}
    )
    coordinates = torch.rand((2, 5, 2), generator=generator)
    outputs = stack(coordinates)
    assert outputs.shape == (2, 5, 3)
    for place in range(2):
        alone = stack.member(place)(coordinates[place : place + 1])
        torch.testing.assert_close(alone[0], outputs[place])
    assert not torch.equal(outputs[0], outputs[1])
    torch.testing.assert_close(family.outputs(stack.parameters, coordinates)[-1], outputs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", PUBLISHED, ids=lambda family: family.name)
def test_a_published_network_starts_from_the_generator_alone(
    family: Published, size: NetworkSize
) -> None:
    family = family.suited((40, 60, 80)[: size.in_features])
    network = drawn(family, size)
    assert network.values.shape == (1, family.parameter_count(size))
    assert network.values.dtype == torch.float32
    assert bool(network.values.isfinite().all())
    torch.manual_seed(5)
    assert torch.equal(network.values, drawn(family, size).values)
    assert not torch.equal(network.values, drawn(family, size, seed=1).values)
    assert family.frozen(size) < set(network.parameters)
    outputs = network(torch.rand(1, 50, size.in_features) * 2 - 1)
    assert outputs.shape == (1, 50, size.out_features)
    assert bool(outputs.isfinite().all())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_network_tells_what_it_is(family: Family) -> None:
    told = [family.formula, family.advice, family.reference]
    if isinstance(family, Published):
        told += [family.start, family.rate_source]
        assert 1e-5 < family.usual_rate < 0.1
    for text in told:
        assert len(text) > 10
        assert "\n" not in text
    for parameter in parameters_of(type(family)):
        assert len(parameter.help) > 10
        assert parameter.allows(parameter.default)


def test_a_network_is_said_in_one_word() -> None:
    assert parse_network("sine") is SINE
    assert parse_network("finer") is FAMILIES["finer"]
    assert parse_network("finer:omega=10:first_bias=1") == Finer(omega=10.0, first_bias=1.0)
    assert describe_network(Finer(omega=10.0)) == "finer:omega=10"
    assert describe_network(SINE) == "sine"


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.sampled_from("finerwsg:=_omega0.5-e "), max_size=30))
def test_any_text_is_parsed_or_refused_in_one_line(text: str) -> None:
    message = ""
    try:
        family = parse_network(text)
    except SettingError as error:
        family, message = SINE, str(error)
    assert "\n" not in message
    assert parse_network(describe_network(family)) == family


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fine", ["`network`", "unknown network 'fine'", "did you mean finer?"]),
        ("sine:omega=3", ["sine has no parameter 'omega'", "it takes none"]),
        ("finer:omega=0", ["`network` finer", "omega is '0'", "a number above 0"]),
    ],
)
def test_errors_name_the_cause_and_the_cure(text: str, words: list[str]) -> None:
    with pytest.raises(SettingError) as raised:
        parse_network(text)
    for word in words:
        assert word in str(raised.value)


def test_a_setting_out_of_range_is_refused_at_construction() -> None:
    with pytest.raises(SettingError, match=r"network finer: omega is -1\.0: it must be a number"):
        Finer(omega=-1.0)


def test_the_registry_does_not_wait_for_torch() -> None:
    code = (
        "import sys\n"
        "from sinefit.networks.registry import FAMILIES, parse_network\n"
        "[parse_network(name) for name in FAMILIES]\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, b"")
