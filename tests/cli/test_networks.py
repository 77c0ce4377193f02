from __future__ import annotations

import json

import pytest

from sinefit.networks.family import Published
from sinefit.networks.registry import FAMILIES, parse_network
from sinefit.parameters import parameters_of

from .making import fail, succeed


def words(text: str) -> str:
    """Return a text without its breaks into lines."""
    return " ".join(text.split())


def test_every_network_is_listed_with_all_that_it_says_of_itself() -> None:
    shown = words(succeed("networks").stdout)
    for family in FAMILIES.values():
        told = [family.name, family.formula, family.advice, family.reference]
        if isinstance(family, Published):
            told += [family.start, f"learning rate {family.usual_rate:g}: {family.rate_source}"]
        for text in told:
            assert words(text) in shown
        for parameter in parameters_of(type(family)):
            assert f"{parameter.name}={parameter.default}" in shown
    assert "sine (default)" in shown
    assert shown.count("(default)") == 1


def test_one_network() -> None:
    shown = succeed("networks", "finer").stdout
    assert shown.startswith("finer")
    assert len([line for line in shown.splitlines() if line and not line.startswith(" ")]) == 1


def test_json() -> None:
    values = json.loads(succeed("networks", "--json").stdout)
    assert values.keys() == {"json_version", "networks"}
    assert [row["name"] for row in values["networks"]] == list(FAMILIES)
    for row in values["networks"]:
        # What is listed can be asked for.
        settings = [f":{one['name']}={json.dumps(one['default'])}" for one in row["settings"]]
        text = row["name"] + "".join(settings).replace('"', "")
        assert parse_network(text) == FAMILIES[row["name"]]
        assert (row["learning_rate"] is None) == (row["name"] == "sine")


@pytest.mark.parametrize("name", ["fine", "", "[/b]"])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    message = fail(2, "networks", name)
    assert repr(name) in message
    assert "sine, finer" in message
