from __future__ import annotations

import pytest

from sinefit.cli.options.completion import (
    complete_device,
    complete_family,
    complete_format,
    complete_init,
    complete_network,
    complete_scheme,
)
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.networks.registry import FAMILIES, parse_network
from sinefit.parameters import parameters_of


def test_initializers() -> None:
    assert complete_init("") == complete_scheme("") == list(INITIALIZERS)
    assert complete_init("la") == complete_scheme("la") == ["lambert"]
    assert complete_scheme("lambert:") == []


@pytest.mark.parametrize("name", INITIALIZERS)
def test_parameters_of_an_initializer(name: str) -> None:
    offered = complete_init(f"{name}:")
    parameters = {parameter.name: parameter for parameter in parameters_of(INITIALIZERS[name])}
    assert {word.split(":")[1].partition("=")[0] for word in offered} == set(parameters)
    for word in offered:
        parameter = parameters[word.split(":")[1].partition("=")[0]]
        assert parse_initializer(word if parameter.choices else f"{word}{parameter.default}")


@pytest.mark.parametrize("name", FAMILIES)
def test_networks_and_their_settings(name: str) -> None:
    assert complete_network("") == complete_family("") == list(FAMILIES)
    assert complete_family("wi") == ["wire"]
    parameters = {each.name: each for each in parameters_of(type(FAMILIES[name]))}
    offered = complete_network(f"{name}:")
    assert [word.split(":")[1] for word in offered] == [f"{each}=" for each in parameters]
    for word, parameter in zip(offered, parameters.values(), strict=True):
        assert parse_network(f"{word}{parameter.default}") == FAMILIES[name]


def test_what_is_given_is_not_offered_again() -> None:
    assert complete_init("lambert:sig") == ["lambert:sigma_a="]
    assert all("sigma_a" not in word.split(":")[-1] for word in complete_init("lambert:sigma_a=1:"))
    assert complete_init("siren:bias=p") == ["siren:bias=plain"]
    assert complete_init("ssn:") == complete_init("nothing:") == complete_init("ws:beta") == []


def test_devices_and_formats() -> None:
    assert complete_device("c") == ["cpu", "cuda"]
    assert complete_format("np") == ["npy", "npz"]
    assert len(complete_format("")) == len(set(complete_format(""))) > 10
