"""Settings that take no time, a clock that only work moves, and figures made up for reports."""

from __future__ import annotations

from sinefit.benchmark.fits import FileFit
from sinefit.benchmark.machine import Machine
from sinefit.benchmark.peak import Peak, ProductRates
from sinefit.benchmark.race import Curve, Race
from sinefit.benchmark.rendering import Rendering
from sinefit.benchmark.sets import SetFigures, SetPace
from sinefit.benchmark.settings import BenchSettings
from sinefit.benchmark.suite import Benchmark
from sinefit.benchmark.training import Pace
from sinefit.networks.size import NetworkSize

TINY = BenchSettings(
    peak_seconds=0.001,
    set_seconds=0.001,
    reduction=12,
    pace_seconds=0.001,
    pace_rounds=2,
    textbook_limit=0.05,
    race_seconds=0.2,
    fit_seconds=0.1,
    render_side=40,
    eager_limit=1.0,
    render_limit=1.0,
    width=32,
    depth=2,
    picture=(20, 24),
)


class WorkClock:
    """Stands still but for the work that is done."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


def ignore(_line: str) -> None:
    """Hear a line and forget it."""


def made_up(**others: object) -> Benchmark:
    """Return a benchmark whose figures are easy to reckon with."""
    values: dict[str, object] = {
        "machine": Machine(
            "A Processor", 4, 4, True, True, 0.5, "cpu", "Linux", "3.11", "2.9", "0.1", "2026-01-02"
        ),
        "settings": TINY,
        "size": NetworkSize(2, 256, 4, 3),
        "picture": "photo.png",
        "shape": (40, 60),
        "peak": Peak(
            (ProductRates("float32", 2e11, 3e11, 1e11), ProductRates("bfloat16", 2e12, 3e12, 1e12)),
            5e9,
        ),
        "floor": 800e3,
        "sets": (
            SetFigures("AVX2", 8e10, 2e9, (SetPace(32, False, 2e6, 4e6, 5.0),)),
            SetFigures("AVX512", 16e10, 4e9, (SetPace(32, False, 6e6, 8e6, 15.0),)),
        ),
        "pace": Pace(2400, 2400, 20e3, 400e3, 20.0),
        "race": Race(Curve((0.0, 10.0, 19.9), (10.0, 20.0, 27.5)), Curve((1.0, 3.0), (20.0, 40.0))),
        "rendering": Rendering(80, 90, 100e3, 2.5e6, 25.0, 0.003, 0.072, True),
        "fits": (FileFit("photo.png", 33.333, 33.4, 123, 456789.0, 5.0, 8.25, 600_000_000),),
        "failures": (),
    }
    return Benchmark(**{**values, **others})  # type: ignore[arg-type]
