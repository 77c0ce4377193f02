"""Every study at toy size: its table has the right rows, and nothing in it is a constant."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import pytest

import sinefit
from sinefit.reproducing.registry import STUDIES
from sinefit.reproducing.study import SCALES

if TYPE_CHECKING:
    from sinefit.reproducing.study import Findings

ROWS: dict[str, tuple[str, ...]] = {
    "scaling-table": ("siren", "ws", "finer"),
    "scaling-tradeoff": ("alpha 1", "alpha 2.5"),
    "scaling-sound": ("siren", "ws"),
    "scaling-sphere": ("siren", "ws"),
    "scaling-occupancy": ("siren", "ws"),
    "scaling-kernel": ("alpha 1", "alpha 1.5", "alpha 2", "alpha 2.5", "alpha 3"),
    "control-functions": (
        "1 variable, 2 layers",
        "1 variable, 3 layers",
        "2 variables, 2 layers",
        "2 variables, 3 layers",
    ),
    "control-image": ("lambert", "siren:bias=plain:last=hidden", "finer", "bicubic"),
    "control-plane": (
        "c_w 1.73205, c_b 0",
        "c_w 1.73205, c_b 0.5",
        "c_w 3, c_b 0",
        "c_w 3, c_b 0.5",
    ),
    "control-spectra": ("omega 100, 2 layers", "omega 100, 4 layers"),
    "control-kernel": (
        "mean eigenvalue, 4 layers",
        "mean eigenvalue, 8 layers",
        "leading eigenvectors: nearest mode's share (%)",
        "their energy beyond omega (%)",
    ),
    "simple-variance": ("layer 1", "layer 2"),
    "simple-kernel": ("omega 10", "omega 20"),
    "simple-tuning": tuple(
        f"{kind}, {what}"
        for kind in ("image", "sound", "video")
        for what in ("ssn at 1 of the rule's omega", "ssn at 2 of the rule's omega", "siren")
    ),
    "tuner-held-out": ("tuner", "siren"),
    "tuner-ablations": ("tuner", "random integers", "bound 0.3 on all"),
    "last-layer": ("siren, 3 steps", "nfsl, 3 steps"),
    "noise-on-sound": ("siren, omega 30", "siren, omega 3000", "winner"),
}


@cache
def toy(name: str, seed: int) -> Findings:
    return sinefit.reproduce(name, scale="toy", seed=seed, threads=1)


def test_every_study_has_its_rows_here() -> None:
    assert set(ROWS) == set(STUDIES)
    for name, study in STUDIES.items():
        assert study.name == name
        assert set(study.sizes) == set(SCALES)
        assert all((study.paper, study.shows, study.setting))


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_has_the_right_rows(name: str) -> None:
    findings = toy(name, 0)
    assert tuple(row.name for row in findings.rows) == ROWS[name]
    for row in findings.rows:
        assert len(row.ours) == len(findings.measures)
        assert len(row.paper) in (0, len(row.ours))
        assert all(value is None or math.isfinite(value) for value in row.ours)
        assert any(value is not None for value in row.ours)
    assert findings.claims
    for claim in findings.claims:
        assert claim.sentence.endswith(".")
        assert any(letter.isdigit() for letter in claim.measured)


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_of_ours_is_measured(name: str) -> None:
    """With another seed all figures are others, but for those that a setting is."""
    one, other = toy(name, 0), toy(name, 1)
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        assert mine.name == theirs.name
        assert mine.paper == theirs.paper
        assert mine.ours != theirs.ours, mine.name


def test_equal_seeds_give_equal_figures() -> None:
    again = sinefit.reproduce("simple-variance", scale="toy", seed=0, threads=1)
    assert again == toy("simple-variance", 0)


def test_what_cannot_be() -> None:
    with pytest.raises(sinefit.SettingError, match="unknown study 'nothing': choose from scaling"):
        sinefit.reproduce("nothing")
    with pytest.raises(sinefit.SettingError, match="`scale` is huge"):
        sinefit.reproduce("simple-variance", scale="huge")  # type: ignore[arg-type]
