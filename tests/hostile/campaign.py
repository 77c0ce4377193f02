"""Many damaged files in one process of limited memory: hostile.campaign FOLDER SEED NAME=COUNT...

Prints one JSON object: per name the outcomes, the slowest case and the failures, each of which
leaves its file in FOLDER; and the growth of memory. To be run in the folder tests.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .mutation import mutants
from .specimens import specimen
from .watching import LONGEST, read_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .watching import Outcome

ADDRESS_SPACE = 6 * 2**30
"""Bytes of addresses that the process and each decoder that it starts may map."""


def run(name: str, count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Judge `count` damaged copies of what `name` means: a specimen, "weights", "checkpoint"."""
    damaged, judge = _source(name, seed)
    outcomes: Counter[str] = Counter()
    failures = []
    slowest = 0.0
    for number, content in enumerate(itertools.islice(damaged, count)):
        # Decoders that hang within C hear no alarm: this ends the whole process.
        faulthandler.dump_traceback_later(LONGEST + 5, exit=True)
        begin = time.perf_counter()
        try:
            outcomes[judge(content)] += 1
        except BaseException as error:
            outcomes["failed"] += 1
            path = folder / f"{name}-{number}"
            path.write_bytes(content)
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            failures.append(f"{path.name}: {type(error).__name__} at {place}: {error}"[:600])
        slowest = max(slowest, time.perf_counter() - begin)
    faulthandler.cancel_dump_traceback_later()
    return {
        "outcomes": dict(outcomes),
        "slowest": round(slowest, 3),
        "peak": _peak(resource.RUSAGE_SELF),
        "failures": failures,
    }


def _source(name: str, seed: int) -> tuple[Iterator[bytes], Callable[[bytes], Outcome]]:
    whole, judge = _whole(name)
    if name in ("weights", "checkpoint"):
        from .weights import weights_mutants

        return weights_mutants(seed, whole), judge
    return mutants(seed, whole), judge


def _whole(name: str) -> tuple[bytes, Callable[[bytes], Outcome]]:
    """Return a sound file and the judge of its damaged copies; torch only where it is needed."""
    if name == "weights":
        from .weights import decode_damaged, weights_file

        return weights_file(), decode_damaged
    if name == "checkpoint":
        from .checkpoints import checkpoint_file, resume_damaged

        return checkpoint_file(), resume_damaged
    return specimen(name), read_damaged


def _peak(who: int) -> int:
    """The largest resident size so far, in bytes."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(folder: str, seed: str, *wanted: str) -> None:
    """Run what is wanted, NAME=COUNT each, and print the results."""
    counts = {name: int(count) for name, _, count in (each.partition("=") for each in wanted)}
    for name in counts:
        # What every case needs is loaded before memory is measured.
        whole, judge = _whole(name)
        judge(whole)
    before = _peak(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    results: dict[str, Any] = {
        name: run(name, count, int(seed), Path(folder)) for name, count in counts.items()
    }
    results["memory"] = {
        "growth": _peak(resource.RUSAGE_SELF) - before,
        "children": _peak(resource.RUSAGE_CHILDREN),
    }
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
