"""The first run on a GPU: checks and measures everything that needs one, in less than ten minutes.

    python tests/benchmarks/gpu.py [PICTURE...] [--report FOLDER] [--only paces,blocks]

Needs PyTorch, NumPy and safetensors, and this source tree; neither sound nor video libraries, nor a
network. A section that fails is told in the report and the next one goes on. Writes gpu.md, the
report, and gpu.json, its figures. `--device cpu --toy` runs everything at toy sizes on the CPU,
where kernels of Triton's are left out. Run it on an idle device.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import importlib.util
import json
import platform
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # as `python tests/benchmarks/gpu.py` is called

from sinefit.engines.graphics import capability_of_device
from sinefit.engines.triton_support import update_failure
from sinefit.version import __version__
from tests.benchmarks.first_run import fits, steps
from tests.benchmarks.first_run.run import Run, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.first_run.run import Rows

LIMIT: Final = 570.0
"""Seconds that the whole run may take."""


def machine(run: Run) -> Rows:
    """Tell the device and the versions of what it is used by."""
    found: dict[str, Any] = {
        "device": str(run.device),
        "system": platform.platform(),
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "CUDA": torch.version.cuda,
        "sinefit": __version__,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "C compiler": shutil.which("cc") or shutil.which("gcc") or "none",
        "Triton's failure": update_failure(run.device) or "none",
    }
    try:
        found["Triton"] = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        found["Triton"] = "none"
    for name in ("soundfile", "imageio_ffmpeg", "PIL", "pytest"):
        found[name] = "there" if importlib.util.find_spec(name) else "not there"
    if run.device.type == "cuda":
        properties = torch.cuda.get_device_properties(run.device)
        found |= {
            "name": properties.name,
            "capability": capability_of_device(run.device),
            "multiprocessors": properties.multi_processor_count,
            "GiB": properties.total_memory / 2**30,
        }
    return [{"what": name, "found": value} for name, value in found.items()]


SECTIONS: Final[dict[str, Callable[[Run], Rows]]] = {
    "machine": machine,
    "gradients": steps.gradients,
    "block gradients": steps.block_gradients,
    "peak": steps.peak,
    "trainers": steps.trainers,
    "blocks": steps.blocks,
    "paces": steps.paces,
    "kernels": steps.kernels,
    "quality": fits.quality,
    "budgets": fits.budgets,
    "repeats": fits.repeats,
    "renders": fits.renders,
    "starts": fits.starts,
    "needs": fits.needs,
    "together": fits.together,
    "tests": fits.tests,
}
"""The parts of a run, the most telling first: what no time is left for is left out."""


def main() -> None:
    """Run the sections and write the report after each of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="PICTURE")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--toy", action="store_true", help="toy sizes")
    parser.add_argument("--report", type=Path, default=Path(), metavar="FOLDER")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    parser.add_argument("--child", choices=fits.CHILDREN, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("there is no CUDA device; --device cpu --toy tries the script without one")
    end = time.perf_counter() + LIMIT
    run = Run(device, arguments.toy, tuple(arguments.files), end)
    if arguments.child:
        fits.tell_child(run, arguments.child)
    found: list[tuple[str, Rows | str]] = []
    for name in arguments.only.split(","):
        begin = time.perf_counter()
        if run.left() < run.sized(20.0, 0.0):
            found.append((name, "no time was left for it"))
        else:
            found.append((name, attempted(SECTIONS[name], run)))
        print(f"{name}: {time.perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)
        text = report(f"First run on {arguments.device}", found)
        arguments.report.mkdir(parents=True, exist_ok=True)
        (arguments.report / "gpu.md").write_text(text)
        (arguments.report / "gpu.json").write_text(json.dumps(dict(found), default=str, indent=1))
    print(text)


def attempted(section: Callable[[Run], Rows], run: Run) -> Rows | str:
    """Return what a section finds, or how it failed."""
    try:
        return section(run)
    except Exception:
        return f"FAILED\n\n```\n{traceback.format_exc()[-2000:]}```"
    finally:
        if run.device.type == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
