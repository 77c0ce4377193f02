"""What the sections of a first run need: the device, toy sizes or real ones, the time left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.engines.graphics import wait_for
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import make_plan
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array.reading import array_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.signal import Signal

Rows = list[dict[str, Any]]
"""A table: a dictionary per row."""

ROOT: Final = Path(__file__).parents[3]
ROUNDS: Final = 3


@dataclass(frozen=True)
class Run:
    """A run of the script."""

    device: torch.device
    toy: bool
    """Whether sizes are such that a CPU is done with them in seconds."""
    files: tuple[Path, ...]
    end: float
    """When it is to be over, by `time.perf_counter`."""

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.end - time.perf_counter()

    def sized(self, real: Any, toy: Any) -> Any:
        """Return the real size, or the toy one."""
        return toy if self.toy else real

    def networks(self) -> list[tuple[str, tuple[int, ...] | None]]:
        """Return the ways to fit a picture, with the setting of blocks of each."""
        return [("blocks", self.sized(None, (2,))), ("one", (1,))]

    def picture(self, height: int = 512, width: int = 768) -> Signal:
        """Return a drawn picture of waves and edges, three channels of 8 bits."""
        if self.toy:
            height, width = 24, 36
        y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
        waves = [np.sin(20 * x * y), np.cos(40 * x + 9 * y**2), np.sign(np.sin(30 * (x**2 + y**2)))]
        values = np.rint(127.5 * (np.stack(waves, axis=-1) + 1)).astype(np.uint8)
        return array_signal(values, channels_last=True)

    def config(self, **settings: Any) -> FitConfig:
        """Return settings of a fit on the device, by default of one network."""
        chosen: dict[str, Any] = {
            "initializer": parse_initializer("siren"),
            "blocks": (1,),
            "budget": Budget(steps=10**6),
            "device": str(self.device),
        }
        return FitConfig(**{**chosen, **settings})

    def plan(self, signal: Signal, **settings: Any) -> FitPlan:
        """Return the plan of such a fit."""
        return make_plan(signal, self.config(**settings))

    def seconds(self, work: Callable[[], object], at_least: float = 0.3) -> float:
        """Return the seconds of a piece of work, the median of a few rounds of many calls."""
        at_least = self.sized(at_least, 0.001)

        def spend(calls: int) -> float:
            wait_for(self.device)
            begin = time.perf_counter()
            for _ in range(calls):
                work()
            wait_for(self.device)
            return time.perf_counter() - begin

        spend(2)
        calls = max(1, round(at_least / max(spend(2) / 2, 1e-9)))
        return median(spend(calls) / calls for _ in range(ROUNDS))

    def child(
        self, name: str, environment: Mapping[str, str] | None = None, limit: float = 90.0
    ) -> dict[str, Any]:
        """Return what a part of the script finds in a process of its own."""
        known = os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {})
        command = [sys.executable, str(ROOT / "tests" / "benchmarks" / "gpu.py"), "--child", name]
        command += ["--device", str(self.device), *(["--toy"] if self.toy else [])]
        begin = time.perf_counter()
        try:
            process = subprocess.run(
                command, env=known, capture_output=True, text=True, timeout=min(limit, self.left())
            )
        except subprocess.TimeoutExpired:
            return {"failed": "it took too long"}
        spent = time.perf_counter() - begin
        try:
            found = json.loads(process.stdout.strip().splitlines()[-1])
        except (IndexError, json.JSONDecodeError):
            return {"failed": " ".join(process.stderr.split())[-400:] or f"{process.returncode}"}
        return {"process s": round(spent, 2), **found}


def table(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    columns: list[str] = []
    for row in rows:
        columns += [name for name in row if name not in columns]
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(name, "")) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/")


def report(title: str, sections: Sequence[tuple[str, Rows | str]]) -> str:
    """Return the whole report in Markdown; a section without rows has the sentence why."""
    parts = [f"# {title}"]
    for name, found in sections:
        text = found if isinstance(found, str) else table(found) if found else "nothing"
        parts.append(f"## {name}\n\n{text}")
    return "\n\n".join(parts) + "\n"
