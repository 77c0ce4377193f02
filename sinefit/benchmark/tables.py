"""The figures of a benchmark by name, and as tables that a README can take."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sinefit.benchmark.race import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sinefit.benchmark.race import Curve
    from sinefit.benchmark.sets import SetFigures
    from sinefit.benchmark.suite import Benchmark

CURVE_POINTS: Final = 60
"""Most points of a curve that are told."""


def figures_of(benchmark: Benchmark) -> dict[str, Any]:
    """Return every figure by name, of types that JSON has: seconds, bytes, dB, rates per second.

    A quality that was never reached has None for its time.
    """
    race = benchmark.race
    return {
        "machine": asdict(benchmark.machine),
        "settings": asdict(benchmark.settings),
        "network": asdict(benchmark.size),
        "picture": {"name": benchmark.picture, "shape": list(benchmark.shape)},
        "peak": {
            "products": [asdict(rates) for rates in benchmark.peak.products],
            "sines_per_second": benchmark.peak.sines,
            "floor_samples_per_second": benchmark.floor,
        },
        "sets": [
            {
                **asdict(one),
                "paces": [{**asdict(pace), "share_of_floor": pace.share} for pace in one.paces],
            }
            for one in benchmark.sets
        ],
        "pace": {
            **asdict(benchmark.pace),
            "share_of_floor": benchmark.pace.sinefit / benchmark.floor,
        },
        "race": {
            "textbook": _curve_values(race.textbook),
            "sinefit": _curve_values(race.sinefit),
        },
        "rendering": asdict(benchmark.rendering),
        "fits": [asdict(fit) for fit in benchmark.fits],
        "failures": [{"file": file, "error": error} for file, error in benchmark.failures],
    }


def table_lines(benchmark: Benchmark) -> Iterator[str]:
    """Yield the figures for people: a line on the machine, then Markdown tables."""
    machine, size, pace = benchmark.machine, benchmark.size, benchmark.pace
    parts = [
        machine.date,
        machine.processor,
        _counted(machine.cores, "core"),
        "AMX" if machine.amx else "no AMX",
        f"device {machine.device}",
        _counted(machine.threads, "thread"),
        f"Python {machine.python}",
        f"torch {machine.torch}",
        f"sinefit {machine.sinefit}",
    ]
    if machine.load is not None:
        parts.append(f"load {machine.load:.1f} before")
    yield ", ".join(parts)
    rows, columns = benchmark.shape
    yield (
        f"network {size.in_features}-{'-'.join([str(size.width)] * size.depth)}"
        f"-{size.out_features}; pace and race on {benchmark.picture}, reduced to {columns}x{rows}"
    )
    yield ""
    yield from _table(
        ("measured peak", *[rates.operands for rates in benchmark.peak.products]),
        [
            (
                f"{title} product, GFLOP/s",
                *[f"{getattr(rates, key) / 1e9:.0f}" for rates in benchmark.peak.products],
            )
            for title, key in (
                ("forward", "forward"),
                ("input-gradient", "input_gradient"),
                ("weight-gradient", "weight_gradient"),
            )
        ],
    )
    yield ""
    yield f"sines in cache {benchmark.peak.sines / 1e9:.2f} G/s"
    yield ""
    if benchmark.sets:
        yield from _set_lines(benchmark.sets)
        yield ""
    yield from _table(
        ("", "textbook", "sinefit", "ratio"),
        [
            (
                "training, samples/s",
                _pace(pace.textbook),
                _pace(pace.sinefit),
                f"{pace.ratio:.1f}",
            ),
            *_race_rows(benchmark),
            (
                f"rendering {benchmark.rendering.width}x{benchmark.rendering.height}, samples/s",
                _pace(benchmark.rendering.eager),
                _pace(benchmark.rendering.sinefit),
                f"{benchmark.rendering.ratio:.1f}",
            ),
            (
                "rendering it",
                f"{benchmark.rendering.eager_seconds:.1f} s (estimated)",
                f"{benchmark.rendering.sinefit_seconds:.1f} s"
                + ("" if benchmark.rendering.complete else " (estimated)"),
                "",
            ),
        ],
    )
    yield ""
    yield (
        f"floor of nothing but products and sines {_pace(benchmark.floor)} samples/s, "
        f"of which sinefit trains {pace.sinefit / benchmark.floor:.0%}"
    )
    yield ""
    yield from _table(
        ("file", "PSNR, dB", "training, s", "whole command, s", "steps", "samples/s", "memory, MB"),
        [
            (
                fit.file,
                f"{fit.psnr:.2f}",
                f"{fit.seconds:.1f}",
                f"{fit.process_seconds:.1f}",
                f"{fit.steps}",
                _pace(fit.samples_per_second),
                f"{fit.peak_memory_bytes / 1e6:.0f}",
            )
            for fit in benchmark.fits
        ],
    )


def _set_lines(sets: Sequence[SetFigures]) -> Iterator[str]:
    """Yield a table of what each instruction set makes of a core."""
    titles = [f"{'one' if pace.one else 'blocks'} of {pace.width}" for pace in sets[0].paces]
    yield from _table(
        ("one core by", "products, GFLOP/s", "sines and cosines, G/s", *titles),
        [
            (
                one.name.lower(),
                f"{one.products / 1e9:.0f}",
                f"{one.sines / 1e9:.2f}",
                *[f"{_pace(p.pace)}, {p.share:.0%}, {p.ratio:.1f}x" for p in one.paces],
            )
            for one in sets
        ],
    )
    yield ""
    yield (
        "of each network samples/s, the share of the floor of nothing but products and sines, and "
        "how many times the textbook's pace on one thread that is"
    )


def _race_rows(benchmark: Benchmark) -> Iterator[tuple[str, ...]]:
    """Yield a row per target: when each method reached it, or that it had not when it stopped."""
    race = benchmark.race
    for target in TARGETS:
        slow, fast = race.textbook.seconds_to(target), race.sinefit.seconds_to(target)
        ratio = ""
        if fast is not None and fast > 0:
            # Rounded down, for "more than" to be true.
            least = math.floor(race.textbook.seconds[-1] / fast)
            ratio = f"{slow / fast:.0f}" if slow is not None else f"> {least}"
        yield f"to {target:g} dB", _time(race.textbook, slow), _time(race.sinefit, fast), ratio
    yield (
        "at the end",
        f"{race.textbook.psnr[-1]:.1f} dB, {race.textbook.seconds[-1]:.0f} s",
        f"{race.sinefit.psnr[-1]:.1f} dB, {race.sinefit.seconds[-1]:.0f} s",
        "",
    )


def _curve_values(curve: Curve) -> dict[str, Any]:
    thin = curve.thinned(CURVE_POINTS)
    return {
        "seconds_to": {f"{target:g}": curve.seconds_to(target) for target in TARGETS},
        "seconds": curve.seconds[-1],
        "psnr": curve.psnr[-1],
        "curve": [list(point) for point in zip(thin.seconds, thin.psnr, strict=True)],
    }


def _time(curve: Curve, seconds: float | None) -> str:
    return f"> {math.floor(curve.seconds[-1])} s" if seconds is None else f"{seconds:.2f} s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _pace(pace: float) -> str:
    return f"{pace / 1e6:.2f} M" if pace >= 1e6 else f"{pace / 1e3:.0f} k"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table whose columns line up in a terminal too, numbers to the right."""
    widths = [max(3, *(len(row[column]) for row in (head, *rows))) for column in range(len(head))]
    first, *others = widths

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(first)]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], others, strict=True)]
        return f"| {' | '.join(cells)} |"

    yield line(head)
    yield f"|{'-' * (first + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in others)
    for row in rows:
        yield line(row)
