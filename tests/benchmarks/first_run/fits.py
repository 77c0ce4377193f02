"""Whole fits and renders: what they cost, whether they repeat, and what they do in need."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sinefit.fields.weights_file import encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.together import fit_together
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_pieces
from sinefit.signals.array.reading import array_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.report import FitResult
    from sinefit.signals.signal import Signal

    from .run import Rows, Run


def fitted(run: Run, signal: Signal, **settings: Any) -> tuple[FitResult, float, list[str]]:
    """Return a fit's result, the seconds of all of it, and what it was told."""
    notices: list[str] = []
    hooks = FitHooks(on_notice=notices.append)
    begin = time.perf_counter()
    result = fit_signal(signal, run.config(**settings), hooks=hooks)
    return result, time.perf_counter() - begin, notices


def quality(run: Run) -> Rows:
    """Tell the seconds to 35, 40 and 45 dB of pictures in blocks, and of one network to 35 dB."""
    rows: Rows = []
    for name, signal in pictures(run):
        for target in run.sized((35.0, 40.0, 45.0), (12.0,)):
            for networks, blocks in run.networks():
                if blocks == (1,) and target > 35.0:
                    continue
                budget = Budget(target_psnr=target, max_time=run.sized(20.0, 0.5))
                result, seconds, notices = fitted(run, signal, blocks=blocks, budget=budget)
                rows.append(
                    {
                        "picture": name,
                        "networks": networks,
                        "target dB": target,
                        "PSNR": result.report.record.psnr,
                        "training s": result.report.seconds,
                        "whole s": seconds,
                        "steps": result.report.record.steps,
                        "M samples/s": result.report.samples_per_second / 1e6,
                        "notices": "; ".join(notices) or "none",
                    }
                )
    return rows


def pictures(run: Run) -> list[tuple[str, Signal]]:
    """Return the pictures that were named, as far as they can be read, and a drawn one."""
    found = [("drawn", run.picture())]
    for file in run.files:
        from PIL import Image

        values = np.asarray(Image.open(file).convert("RGB"))
        found.append((file.name, array_signal(values, channels_last=True)))
    return found


def budgets(run: Run) -> Rows:
    """Tell by how much budgets in seconds are overrun."""
    rows: Rows = []
    for seconds in run.sized((0.5, 2.0, 5.0), (0.2,)):
        for networks, blocks in run.networks():
            result, whole, _ = fitted(
                run, run.picture(), blocks=blocks, budget=Budget(max_time=seconds)
            )
            rows.append(
                {
                    "networks": networks,
                    "asked s": seconds,
                    "training s": result.report.seconds,
                    "over ms": 1e3 * (result.report.seconds - seconds),
                    "whole s": whole,
                    "PSNR": result.report.record.psnr,
                }
            )
    return rows


def repeats(run: Run) -> Rows:
    """Tell whether a fit repeats to the byte, and goes on from a checkpoint to the same bytes."""
    rows: Rows = []
    signal = run.picture(256, 384)
    for networks, blocks in run.networks():
        settings = {"blocks": blocks, "budget": Budget(steps=run.sized(3000, 120))}
        first, again = (fitted(run, signal, **settings)[0] for _ in range(2))
        looks = 0

        def stop() -> bool:
            nonlocal looks
            looks += 1
            return looks > 2

        resumed = None
        try:
            fit_signal(signal, run.config(**settings), hooks=FitHooks(should_stop=stop))
        except FitStoppedError as error:
            checkpoint = decode_checkpoint(encode_checkpoint(error.checkpoint), "checkpoint")
            resumed = fit_signal(signal, run.config(**settings), resume=checkpoint)
        whole = encode_field(first.field)
        rows.append(
            {
                "networks": networks,
                "repeats": encode_field(again.field) == whole,
                "resumes": resumed is not None and encode_field(resumed.field) == whole,
                "PSNR": first.report.record.psnr,
            }
        )
    return rows


def renders(run: Run) -> Rows:
    """Tell the seconds of a large render of each kind of field, on the device and on the CPU."""
    rows: Rows = []
    side = run.sized(8192, 40)
    signal = run.picture()
    for networks, blocks in run.networks():
        budget = Budget(steps=run.sized(300, 5))
        field = fitted(run, signal, blocks=blocks, budget=budget)[0].field
        plan = plan_render(signal.spec, RenderRequest(size=(side, side)))
        row: dict[str, Any] = {"networks": networks, "side": side}
        small = plan_render(signal.spec, RenderRequest(size=(side // 8, side // 8)))
        there = field.to(run.device)
        pieces = [np.concatenate(list(render_pieces(each, small))) for each in (field, there)]
        differing = np.abs(pieces[0].astype(np.int16) - pieces[1].astype(np.int16))
        row["most off"] = int(differing.max())
        for word in ("first s", "s"):
            begin = time.perf_counter()
            for _ in render_pieces(there, plan):
                pass
            row[word] = time.perf_counter() - begin
        row["M samples/s"] = side**2 / row["s"] / 1e6
        rows.append(row)
    return rows


def together(run: Run) -> Rows:
    """Tell the fits per second of many small pictures."""
    count, side = run.sized(1000, 3), run.sized(32, 8)
    generator = np.random.default_rng(0)
    signals = []
    for _ in range(count):
        coarse = generator.integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
        values = coarse.repeat(4, axis=0).repeat(4, axis=1)
        signals.append(array_signal(values, channels_last=True))
    config = run.config(width=32 if not run.toy else 8, budget=Budget(steps=run.sized(1000, 5)))
    some = signals[: run.sized(100, 3)]
    begin = time.perf_counter()
    results = fit_together(some, config)
    spent = time.perf_counter() - begin
    mean = float(np.mean([result.report.record.psnr_float or 0.0 for result in results]))
    return [{"fits": len(some), "s": spent, "fits/s": len(some) / spent, "mean PSNR": mean}]


def starts(run: Run) -> Rows:
    """Fit for three seconds with an empty and a warm cache of kernels, and with no C compiler."""
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        cache = {"TRITON_CACHE_DIR": folder}
        rows.append({"start": "empty cache", **run.child("short fit", cache)})
        rows.append({"start": "warm cache", **run.child("short fit", cache)})
    with tempfile.TemporaryDirectory() as folder:
        lacking = {"TRITON_CACHE_DIR": folder, "CC": "/no/compiler", "PATH": "/no/programs"}
        rows.append({"start": "no compiler", **run.child("short fit", lacking)})
    return rows


def needs(run: Run) -> Rows:
    """Fit where recording fails, and where there is hardly any memory."""
    return [{"in need of": name, **run.child(name)} for name in ("a recording", "memory")]


def short_fit(run: Run) -> dict[str, Any]:
    """Fit for some seconds of training, by default on one network."""
    budget = Budget(max_time=run.sized(3.0, 0.2))
    result, whole, notices = fitted(run, run.picture(), budget=budget)
    report = result.report
    return {
        "whole s": whole,
        "training s": report.seconds,
        "steps": report.record.steps,
        "PSNR": report.record.psnr,
        "notices": "; ".join(notices) or "none",
    }


def without_recording(run: Run) -> dict[str, Any]:
    """Fit in a process in which a capture fails that waits for the device in its midst."""
    if run.device.type == "cuda":
        from sinefit.engines.recorded import CudaRecorder

        recorder = CudaRecorder(run.device)
        try:
            recorder.record(lambda: torch.cuda.synchronize(run.device))
        except RuntimeError:
            pass
        else:
            return {"failed": "a capture that cannot succeed did"}
        usable = torch.ones(10, device=run.device).sum()
        if float(usable) != 10.0:
            return {"failed": "the device is unusable"}
    return short_fit(run)


def without_memory(run: Run) -> dict[str, Any]:
    """Fit with a fiftieth of the device's memory, and a batch that does not fit there."""
    if run.device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(0.02, run.device)
    budget = Budget(steps=run.sized(50, 5))
    signal = run.picture(1024, 1024)
    settings = {"width": 1024, "batch": 2**20} if not run.toy else {"width": 16, "batch": 100}
    result, whole, notices = fitted(run, signal, budget=budget, **settings)
    return {
        "whole s": whole,
        "steps": result.report.record.steps,
        "PSNR": result.report.record.psnr,
        "notices": "; ".join(notices) or "none",
    }


CHILDREN: dict[str, Callable[[Run], dict[str, Any]]] = {
    "short fit": short_fit,
    "a recording": without_recording,
    "memory": without_memory,
}


def tell_child(run: Run, name: str) -> None:
    """Do a part in this process and print what it found as a line of JSON."""
    print(json.dumps(CHILDREN[name](run)), flush=True)
    # Whatever is left of a broken capture must not break the way out.
    os._exit(0)


def tests(run: Run) -> Rows:
    """Run the tests that need a device."""
    import subprocess
    import sys

    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda"]
    if run.toy:
        command.append("--collect-only")
    folders = [str(root / "tests" / name) for name in ("fitting", "rendering")]
    process = subprocess.run(
        [*command, *folders],
        env=os.environ | {"PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=max(10.0, min(150.0, run.left())),
    )
    lines = process.stdout.strip().splitlines() or process.stderr.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return [{"tests": line} for line in [*failed, *lines[-1:]]]
