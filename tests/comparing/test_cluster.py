from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sinefit
from tests.cluster.workers import address_of
from tests.jobs.making import make_picture

if TYPE_CHECKING:
    from distributed import Client

    from sinefit.comparing.results import CellResult

SMALL: dict[str, Any] = {
    "steps": 60,
    "seeds": 2,
    "init": ["siren", "lambert"],
    "width": 16,
    "depth": 2,
    "batch": 64,
    "device": "cpu",
    "threads": 1,
}


def figures(cell: CellResult) -> dict[str, Any]:
    """Return what does not hang on the clock or the folder."""
    values = {**vars(cell), "curve": [step for step, *_ in cell.curve]}
    for name in ("seconds", "samples_per_second", "weights"):
        del values[name]
    return values


def test_cells_on_workers_come_to_the_same(workers: Client, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "a.png")
    ended: list[str] = []
    address = address_of(workers)
    found = sinefit.compare(
        picture,
        folder=tmp_path / "far",
        cluster=address,
        on_end=lambda cell, _result: ended.append(cell.name),
        **SMALL,
    )
    assert found.is_whole
    assert len(found.cells) == len(ended) == 4
    near = sinefit.compare(picture, folder=tmp_path / "near", **SMALL)
    assert [figures(cell) for cell in found.cells] == [figures(cell) for cell in near.cells]
    for cell in found.cells:
        here, there = Path(cell.weights), tmp_path / "near" / Path(cell.weights).name
        assert here.parent == tmp_path / "far"
        assert here.read_bytes() == there.read_bytes()
    lists = [sorted(path.name for path in (tmp_path / side).iterdir()) for side in ("far", "near")]
    assert lists[0] == lists[1]
    # What is done is not done again, here or there.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "far").iterdir()}
    again = sinefit.compare(picture, folder=tmp_path / "far", cluster=address, **SMALL)
    assert again.cells == found.cells
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "far").iterdir()}


def test_a_cell_that_is_stopped_goes_on(workers: Client, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "a.png")
    long = {**SMALL, "steps": 4000, "batch": 150, "seeds": 1, "init": "siren"}
    folder = tmp_path / "far"
    looks = 0

    def should_stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 6

    stopped = sinefit.compare(
        picture, folder=folder, cluster=address_of(workers), should_stop=should_stop, **long
    )
    assert not stopped.is_whole
    assert not stopped.failures
    done = sinefit.compare(picture, folder=folder, cluster=address_of(workers), **long)
    assert done.is_whole
    near = sinefit.compare(picture, folder=tmp_path / "near", **long)
    assert figures(done.cells[0]) == figures(near.cells[0])
