from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.compare.axes import SHOWN, settings_asked
from sinefit.comparing.combinations import combinations
from sinefit.fitting.omega_choice import NyquistShare
from tests.cli.making import fail, invoke, make_picture, make_sound, succeed

if TYPE_CHECKING:
    from pathlib import Path

TINY = ("--width", 8, "--depth", 2, "--steps", 4, "--seeds", 2, "--device", "cpu", "--batch", 64)
INITS = ("--init", "siren,lambert:sigma_a=1", "--network", "finer")


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_picture(tmp_path / "photo.png")


def test_a_table_on_standard_output_and_what_is_alike_on_the_other(photo: Path) -> None:
    result = succeed("compare", photo, *TINY, *INITS, "--holdout", "25%")
    title, heads, *rows = result.stdout.splitlines()
    assert title == f"{photo}: 4 steps each, 2 seeds, mean ± standard deviation; * best"
    assert heads.split()[:5] == ["start", "PSNR", "dB", "held", "out"]
    assert [row.split()[0] for row in rows] == ["siren", "lambert:sigma_a=1", "finer"]
    assert sum(row.split("dB")[0].count("*") > 0 for row in rows) > 0
    first, *others = result.stderr.splitlines()
    assert first == (
        "6 cells: 3 combinations, 2 seeds, 1 file; 4 steps each, one network per signal, width 8, "
        "25% held out"
    )
    assert any(line.startswith("finer: learning rate 0.0005, its usual one (") for line in others)
    kept = sorted(path.name for path in (photo.parent / "comparison").iterdir())
    assert len(kept) == 12
    assert kept[0].startswith("photo-finer-depth-2-width-8-seed0-")


def test_json_and_csv_hold_the_same_cells(photo: Path) -> None:
    result = succeed("compare", photo, *TINY, *INITS, "--csv", "cells.csv", "--json")
    values = json.loads(result.stdout)
    lines = list(csv.DictReader(io.StringIO((photo.parent / "cells.csv").read_text())))
    assert len(lines) == len(values["cells"]) == 6
    for line, cell in zip(lines, values["cells"], strict=True):
        for key in ("psnr", "psnr_gradient", "ssim", "samples_per_second", "seconds"):
            assert float(line[key]) == cell[key]
        assert int(line["parameters"]) == cell["parameters"]
        assert (line["psnr_holdout"], cell["psnr_holdout"]) == ("", None)
    assert len(values["rows"]) == 3
    assert {row["seeds"] for row in values["rows"]} == {2}


def test_files_that_are_asked_for(photo: Path) -> None:
    song = make_sound(photo.parent / "song.wav")
    files = ("--sheet", "sheet.png", "--curves", "curves.svg", "--csv", "cells.csv")
    result = succeed("compare", photo, song, *TINY, *files)
    for name in files[1::2]:
        assert f"{name}: written" in result.stderr
        assert (photo.parent / name).stat().st_size > 100
    # The same command again fits nothing, and replaces no file unless it is told to.
    assert "exists already" in fail(5, "compare", photo, song, *TINY, *files)
    succeed("compare", photo, song, *TINY, *files, "--force")


def test_one_rate_for_all_is_told(photo: Path) -> None:
    result = succeed("compare", photo, *TINY, *INITS, "--equal-rate", "1e-4", "--json")
    assert "all at one learning rate, 0.0001, before the initializers' scales" in result.stderr
    (of_finer,) = {
        tuple(cell["learning_rates"])
        for cell in json.loads(result.stdout)["cells"]
        if cell["network"] == "finer"
    }
    assert set(of_finer) == {1e-4}


def test_equal_operations(photo: Path) -> None:
    rest = ("--width", "8,16", "--depth", 2, "--seeds", 1, "--device", "cpu", "--batch", 64)
    result = succeed("compare", photo, *rest, "--operations", "1e6", "--json")
    small, large = json.loads(result.stdout)["cells"]
    assert small["steps"] > large["steps"]
    assert small["operations"] == pytest.approx(1e6, rel=0.2)
    assert large["operations"] == pytest.approx(1e6, rel=0.2)


def test_a_sound_has_no_similarity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    song = make_sound(tmp_path / "song.wav")
    result = succeed("compare", song, *TINY)
    assert "SSIM" not in result.stdout
    assert "gradient" in result.stdout


def test_a_dry_run_lists_the_cells(photo: Path) -> None:
    result = succeed("compare", photo, *TINY, *INITS, "--dry-run")
    assert len(result.stdout.splitlines()) == 6
    assert not (photo.parent / "comparison").exists()


def test_a_cell_that_fails_is_listed_last(photo: Path) -> None:
    words = ("--omega", "20,1e6", "--dtype", "float16")
    result = invoke("compare", photo, *TINY, *words)
    assert result.exit_code == 6
    assert len(result.stdout.splitlines()) == 3
    *_, head, one, two = result.stderr.splitlines()
    assert head == "sinefit: 2 of 4 cells failed:"
    for line in (one, two):
        assert "siren depth 2 omega 1e+06 width 8 seed" in line
        assert "--dtype is float16: it cannot hold" in line


@pytest.mark.parametrize(
    ("code", "words", "told"),
    [
        (2, ("--seeds", "0"), "--seeds is 0: it must be at least 1"),
        (2, ("--lr", "1e-3", "--equal-rate", "1e-4"), "--lr and --equal-rate exclude each other"),
        (2, ("--max-time", "2s"), "--steps, --max-time and --operations exclude one another"),
        (2, ("--depth", "2,x"), "--depth is 'x': it must be a whole number"),
        (2, ("--lr", "fast"), "--lr is 'fast': it must be a number"),
        (2, ("--init", "siren,wavy"), "unknown initializer 'wavy'"),
        (3, ("missing.png",), "missing.png does not exist"),
        (2, ("--sheet", "sheet.jpg"), "--sheet is sheet.jpg: its name must end in .png"),
        (2, ("--curves", "c.bmp"), "--curves is c.bmp: its name must end in one of svg"),
        (5, ("--csv", "photo.png"), "photo.png: it exists already; add --force"),
    ],
)
def test_wrong_words(code: int, words: tuple[str, ...], told: str, photo: Path) -> None:
    assert told in fail(code, "compare", photo, *TINY, *words)


def test_every_setting_is_read_as_by_fit() -> None:
    """From texts with commas between the values, by the names of the options."""
    asked = settings_asked(
        {
            "initializer": "siren, lambert:sigma_a=1",
            "omega": "auto,90x60,0.5nyquistx20",
            "depth": "2,3",
            "learning_rate": "1e-3",
            "blocks": "1,2x3",
            "threads": 1,
            "holdout": "5%",
        }
    )
    assert asked == {
        "init": ["siren", "lambert:sigma_a=1"],
        "omega": ["auto", "90,60", "0.5nyquist,20"],
        "depth": [2, 3],
        "learning_rate": [1e-3],
        "blocks": ["1", "2x3"],
        "threads": 1,
        "holdout": "5%",
    }
    found = combinations(asked)
    assert len(found) == 2 * 3 * 2 * 2
    assert {one.config.omega for one in found} == {"auto", (90.0, 60.0), (NyquistShare(0.5), 20.0)}
    assert {one.config.blocks for one in found} == {(1,), (2, 3)}


def test_no_setting_of_a_fit_is_missing() -> None:
    """But for those that are options of the command's own, and a quality to stop at."""
    from sinefit.cli.options.settings import OFFERED

    left_out = {each.name for each in OFFERED} - {each.name for each in SHOWN}
    assert left_out == {"seed", "target_psnr", "steps", "max_time"}
