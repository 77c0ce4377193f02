from __future__ import annotations

import json

import pytest

from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.parameters import parameters_of

from .making import fail, succeed


def words(text: str) -> str:
    """Return a text without its breaks into lines."""
    return " ".join(text.split())


def test_every_scheme_is_listed_with_all_that_it_says_of_itself() -> None:
    shown = words(succeed("inits").stdout)
    for scheme in INITIALIZERS.values():
        for text in (scheme.name, scheme.formula, scheme.advice, scheme.reference):
            assert words(text) in shown
        for parameter in parameters_of(scheme):
            assert f"{parameter.name}={parameter.default}" in shown
    assert f"{DEFAULT_INITIALIZER} (default)" in shown
    assert shown.count("(default)") == 1


def test_one_scheme() -> None:
    shown = succeed("inits", "ws").stdout
    assert shown.startswith("ws")
    assert "alpha=" in shown
    assert len([line for line in shown.splitlines() if line and not line.startswith(" ")]) == 1


def test_json() -> None:
    values = json.loads(succeed("inits", "--json").stdout)
    assert values.keys() == {"json_version", "initializers"}
    assert values["json_version"] == 1
    rows = values["initializers"]
    assert [row["name"] for row in rows] == list(INITIALIZERS)
    for row in rows:
        assert row.keys() == {"name", "formula", "parameters", "advice", "reference"}
        # What is listed can be asked for.
        settings = [f":{p['name']}={json.dumps(p['default'])}" for p in row["parameters"]]
        text = row["name"] + "".join(settings).replace('"', "")
        assert parse_initializer(text) == INITIALIZERS[row["name"]]()


def test_json_of_one_scheme() -> None:
    (row,) = json.loads(succeed("inits", "ws", "--json").stdout)["initializers"]
    assert row["name"] == "ws"


@pytest.mark.parametrize("name", ["lamber", "", "[/b]"])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    message = fail(2, "inits", name)
    assert repr(name) in message
    assert "siren, lambert, ws" in message
