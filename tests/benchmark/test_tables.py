from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from sinefit.benchmark.race import Curve, Race
from sinefit.benchmark.tables import CURVE_POINTS, figures_of, table_lines

from .making import made_up


def rows() -> dict[str, list[str]]:
    """Return the cells of every table row, by the first cell."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table_lines(made_up())
        if line.startswith("|")
    ]
    return {first: others for first, *others in cells}


SCHEMA = {
    "machine": "processor cores threads amx native load device system python torch sinefit date",
    "settings": "peak_seconds set_seconds reduction pace_seconds pace_rounds textbook_limit "
    "race_seconds fit_seconds render_side eager_limit render_limit width depth picture",
    "network": "in_features width depth out_features",
    "picture": "name shape",
    "peak": "products sines_per_second floor_samples_per_second",
    "sets": "name products sines paces",
    "pace": "samples batch textbook sinefit ratio share_of_floor",
    "race": "textbook sinefit",
    "rendering": "height width eager sinefit ratio sinefit_seconds eager_seconds complete",
    "fits": "file psnr psnr_float steps samples_per_second seconds process_seconds "
    "peak_memory_bytes",
    "failures": "file error",
}
"""What `--json` prints, by the names that those who read it rely on."""


def test_the_schema() -> None:
    values = json.loads(json.dumps(figures_of(made_up(failures=(("a.png", "no"),)))))
    assert values.keys() == SCHEMA.keys()
    for name, keys in SCHEMA.items():
        for value in values[name] if isinstance(values[name], list) else [values[name]]:
            assert value.keys() == set(keys.split()), name
    for rates in values["peak"]["products"]:
        assert rates.keys() == {"operands", "forward", "input_gradient", "weight_gradient"}
    (pace,) = values["sets"][1]["paces"]
    assert pace == {
        "width": 32,
        "one": False,
        "pace": 6e6,
        "floor": 8e6,
        "ratio": 15.0,
        "share_of_floor": 0.75,
    }
    for curve in values["race"].values():
        assert curve.keys() == {"seconds_to", "seconds", "psnr", "curve"}


def test_times_to_qualities_in_json() -> None:
    race = figures_of(made_up())["race"]
    # 25 dB lies two thirds of the way from 20 dB at 10 s to 27.5 dB at 19.9 s.
    assert race["textbook"]["seconds_to"] == {
        "25": pytest.approx(10 + 9.9 * 2 / 3),
        "30": None,
        "35": None,
    }
    assert race["sinefit"]["seconds_to"] == {"25": 1.5, "30": 2.0, "35": 2.5}
    assert (race["textbook"]["seconds"], race["textbook"]["psnr"]) == (19.9, 27.5)
    assert race["sinefit"]["curve"] == [[1.0, 20.0], [3.0, 40.0]]
    assert figures_of(made_up())["pace"]["share_of_floor"] == 0.5


def test_a_long_curve_is_thinned_but_its_times_are_exact() -> None:
    long = Curve(tuple(map(float, range(1000))), tuple(second / 20 for second in range(1000)))
    values = figures_of(made_up(race=Race(long, long)))["race"]["textbook"]
    assert len(values["curve"]) == CURVE_POINTS
    assert values["seconds_to"]["25"] == 500.0


def test_the_tables() -> None:
    found = rows()
    assert found["measured peak"] == ["float32", "bfloat16"]
    assert found["weight-gradient product, GFLOP/s"] == ["100", "1000"]
    assert found["one core by"][-1] == "blocks of 32"
    assert found["avx512"] == ["160", "4.00", "6.00 M, 75%, 15.0x"]
    assert found["training, samples/s"] == ["20 k", "400 k", "20.0"]
    assert found["to 25 dB"] == ["16.60 s", "1.50 s", "11"]
    # 19.9 s / 2 s is less than ten times, and 19.9 s less than 20 s.
    assert found["to 30 dB"] == ["> 19 s", "2.00 s", "> 9"]
    assert found["rendering 90x80, samples/s"] == ["100 k", "2.50 M", "25.0"]
    assert found["photo.png"] == ["33.33", "5.0", "8.2", "123", "457 k", "600"]


def test_the_first_line_is_the_machine_and_tables_line_up() -> None:
    lines = list(table_lines(made_up()))
    for part in ("2026-01-02", "A Processor", "4 cores", "AMX", "torch 2.9", "load 0.5"):
        assert part in lines[0].split(", ") or f"{part} before" in lines[0].split(", ")
    tables = re.findall(r"(?:^\|.*\|$\n?)+", "\n".join(lines), re.M)
    assert len(tables) == 4
    for table in tables:
        shape = {(len(line), line.count("|")) for line in table.splitlines()}
        assert len(shape) == 1


def test_what_was_not_done_is_not_told_as_done() -> None:
    benchmark = made_up()
    machine = replace(benchmark.machine, amx=False, cores=1, load=None)
    rendering = replace(benchmark.rendering, complete=False, sinefit_seconds=72.0)
    never = Curve((0.0, 4.0), (5.0, 6.0))
    lines = list(
        table_lines(made_up(machine=machine, rendering=rendering, race=Race(never, never), fits=()))
    )
    assert "1 core, no AMX" in lines[0]
    assert "load" not in lines[0]
    assert any("72.0 s (estimated)" in line for line in lines)
    (row,) = [line for line in lines if line.startswith("| to 35 dB")]
    assert [cell.strip() for cell in row.split("|")[2:5]] == ["> 4 s", "> 4 s", ""]


def test_json_can_hold_a_perfect_field() -> None:
    perfect = Curve((1.0,), (math.inf,))
    values = figures_of(made_up(race=Race(perfect, perfect)))
    assert values["race"]["sinefit"]["psnr"] == math.inf  # null once it is printed
    assert values["race"]["sinefit"]["seconds_to"]["25"] == 1.0
