from __future__ import annotations

import csv
import io
import math
import re

import numpy as np
import pytest

from sinefit.comparing.results import Comparison
from sinefit.comparing.tables import csv_text, tables
from sinefit.comparing.values import comparison_values

from .making import cell

CELLS = tuple(
    cell(init, seed, file)
    for file in ("a.png", "b.png")
    for seed in range(3)
    for init in ("siren", "ws", None)
)
WHOLE = Comparison(CELLS, "50 steps", planned=len(CELLS))


def test_rows_have_mean_and_standard_deviation_over_the_seeds() -> None:
    assert len(WHOLE.rows) == 6
    for row in WHOLE.rows:
        psnr = np.array([one.psnr for one in CELLS if one.choice == row.first.choice], float)
        assert len(psnr) == 3
        assert row.mean("psnr") == pytest.approx(np.mean(psnr))
        assert row.spread("psnr") == pytest.approx(np.std(psnr, ddof=1))
        assert row.mean("psnr_holdout") is None


def test_one_seed_has_no_spread_and_an_infinite_figure_none() -> None:
    (row,) = Comparison((cell("siren", 0),), "").rows
    assert row.spread("psnr") is None
    (row,) = Comparison((cell("siren", 0, psnr=math.inf), cell("siren", 1)), "").rows
    assert (row.mean("psnr"), row.spread("psnr")) == (math.inf, None)


def test_the_best_is_marked_in_each_file() -> None:
    for figure in ("psnr", "psnr_gradient", "ssim", "samples_per_second"):
        for file in ("a.png", "b.png"):
            rows = [row for row in WHOLE.rows if row.first.file == file]
            means = [row.mean(figure) for row in rows]
            marked = [figure in WHOLE.best(row) for row in rows]
            assert marked == [mean == max(filter(None, means)) for mean in means]
    lone = Comparison((cell("siren", 0),), "")
    assert lone.best(lone.rows[0]) == ()


def test_table_csv_and_json_agree() -> None:
    lines = list(csv.DictReader(io.StringIO(csv_text(WHOLE))))
    assert len(lines) == len(CELLS)
    values = comparison_values(WHOLE)
    found = tables(WHOLE)
    assert [table.title.split(":")[0] for table in found] == ["a.png", "b.png"]
    for table in found:
        heads, *body = table.rows
        for row in body:
            file, start = table.title.split(":")[0], row[0]
            of_json = next(
                each
                for each in values["rows"]
                if each["file"] == file and (each["init"] or each["network"]) == start
            )
            of_csv = [
                float(each["psnr"])
                for each in lines
                if each["file"] == file and (each["init"] or each["network"]) == start
            ]
            shown = re.fullmatch(r"([0-9.]+) ± ([0-9.]+)([* ])", row[heads.index("PSNR dB")])
            assert shown is not None
            assert len(of_csv) == of_json["seeds"] == 3
            assert of_json["psnr"] == pytest.approx(np.mean(of_csv))
            assert of_json["psnr_spread"] == pytest.approx(np.std(of_csv, ddof=1))
            assert float(shown[1]) == pytest.approx(of_json["psnr"], abs=0.006)
            assert float(shown[2]) == pytest.approx(of_json["psnr_spread"], abs=0.006)
            assert (shown[3] == "*") == ("psnr" in of_json["best"])
        assert "held out" not in heads  # nothing was
        assert "depth" not in heads  # all have the same


def test_columns_of_a_table_are_of_one_width() -> None:
    (table,) = tables(Comparison(CELLS[:9], "50 steps"))
    title, heads, *rows = table.lines()
    assert title == "a.png: 50 steps each, 3 seeds, mean ± standard deviation; * best"
    assert {len(row) for row in rows} == {len(heads)}
