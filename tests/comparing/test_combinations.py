from __future__ import annotations

import pytest

from sinefit.comparing.combinations import combinations
from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import NyquistShare

PAPER = {"recipe": "paper"}


def test_every_combination_comes_once() -> None:
    found = combinations(
        {
            "init": ["siren", "lambert:sigma_a=1"],
            "depth": [2, 3],
            "omega": ["auto", "30"],
            "width": 8,
        }
    )
    assert len(found) == len(set(found)) == 8
    assert {(one.init, one.depth, one.omega) for one in found} == {
        (init, depth, omega)
        for init in ("siren", "lambert:sigma_a=1")
        for depth in (2, 3)
        for omega in ("auto", "30")
    }
    assert {one.config.width for one in found} == {8}


def test_what_is_given_twice_comes_once() -> None:
    assert len(combinations({"init": ["siren", "siren"], "depth": [2, 2, 3]})) == 2


def test_one_network_of_the_papers_width_is_usual() -> None:
    (one,) = combinations({})
    assert (one.config.blocks, one.config.width, one.init) == ((1,), 256, "siren")
    (other,) = combinations({"blocks": "auto", "width": None})
    assert (other.config.blocks, other.config.width) == (None, None)


def test_networks_of_papers_have_neither_initializers_nor_omega() -> None:
    found = combinations(
        {"network": ["finer", "finer:omega=10"], "init": ["siren", "ws"], "omega": ["20", "auto"]}
    )
    starts = [(one.network, one.init, one.omega) for one in found]
    assert starts == [
        ("sine", "siren", "20"),
        ("sine", "siren", "auto"),
        ("sine", "ws", "20"),
        ("sine", "ws", "auto"),
        ("finer", None, None),
        ("finer:omega=10", None, None),
    ]


def test_sine_networks_come_only_where_they_are_asked_for() -> None:
    assert [one.network for one in combinations({"network": "finer"})] == ["finer"]
    assert [one.network for one in combinations({"network": ["sine", "finer"]})] == [
        "sine",
        "finer",
    ]
    with pytest.raises(SettingError, match="`omega` is for sine networks"):
        combinations({"network": "finer", "omega": ["10", "20"]})


def test_other_settings_that_differ_are_told_by_their_flags() -> None:
    found = combinations({"learning_rate": [1e-3, 1e-4], "batch": [64, 128], "depth": 2})
    assert [one.settings for one in found] == [
        ("lr 0.001", "batch 64"),
        ("lr 0.001", "batch 128"),
        ("lr 0.0001", "batch 64"),
        ("lr 0.0001", "batch 128"),
    ]


def test_omega_per_axis_and_in_shares_of_nyquist() -> None:
    one, two = combinations({"omega": ["90,60", "0.5nyquist"]})
    assert one.config.omega == (90.0, 60.0)
    assert two.config.omega == (NyquistShare(0.5),)
    assert (one.omega, two.omega) == ("90,60", "0.5nyquist")
    for settings, told in (({"omega": "auto"}, "auto"), ({}, "auto"), (PAPER, "published")):
        (found,) = combinations({"init": "siren", **settings})
        assert found.omega == told


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"depth": []}, "`depth` has no values"),
        ({"holdout": ["5%", "10%"]}, "`holdout` has 2 values: a comparison takes one of it"),
        ({"seed": [1, 2]}, "`seed` has 2 values"),
        ({"depth": [2, 0]}, "`depth` is 0"),
        ({"init": ["siren", "sirene"]}, "unknown initializer 'sirene'"),
    ],
)
def test_what_cannot_be_compared(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        combinations(settings)
