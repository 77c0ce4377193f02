"""What a fit comes to whose workers, or whose client, are killed on the way.

    python -m tests.benchmarks.cluster.kills PHOTO [--rounds 30] [--client-rounds 0] [--seed 0]

Fits a photograph by groups of its blocks on two real workers (see `machines.py`). In each round one
to three workers are killed by SIGKILL at random times, or the client, which is then started again
until it has ended. Prints a line per round: whom it met, how often, and whether the weights are the
same to the last byte as without a cluster; exits 1 if any are not.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.cluster.machines import Machines, environment, processor, wait_for

SETTINGS = (
    "--steps", "300", "--block-size", "32", "--width", "16", "--depth", "2", "--batch", "256",
)  # fmt: skip
LIMIT = 1800.0
"""Seconds after which a round is given up."""


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--rounds", type=int, default=30, help="of which workers are killed")
    parser.add_argument("--client-rounds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of the times and of whom it meets")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    kinds = ["worker"] * arguments.rounds + ["client"] * arguments.client_rounds
    print(processor(), flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name, "alone.safetensors")
        sinefit = [sys.executable, "-m", "sinefit", "fit", "-q", str(arguments.photo), *SETTINGS]
        words = [*sinefit, "--threads", "1", "-o", str(alone)]
        subprocess.run(words, check=True, env=environment())
        expected = alone.read_bytes()
        with Machines(2) as machines:
            target = Path(name, "far.safetensors")
            command = [*sinefit, "-o", str(target), "--cluster", machines.address]
            begin = time.monotonic()
            if wait_for(machines.client(command), LIMIT) != 0:
                sys.exit("it fails without any kill")
            usual = time.monotonic() - begin
            print(f"{usual:.1f} s without a kill", flush=True)
            for number, kind in enumerate(kinds, 1):
                target.unlink(missing_ok=True)
                kills = killed(machines, command, kind, draw, usual)
                same = target.exists() and target.read_bytes() == expected
                left = [path.name for path in target.parent.glob("*.ckpt")]
                failed += not same or bool(left)
                print(
                    f"{number}: {kind} killed {kills} times, same bytes: {same}", *left, flush=True
                )
    print(f"{len(kinds) - failed} of {len(kinds)} rounds came to the same bytes")
    sys.exit(1 if failed else 0)


def killed(
    machines: Machines, command: list[str], kind: str, draw: random.Random, usual: float
) -> int:
    """Run the command with some kills on the way; return how many there were."""
    kills = 0
    client = machines.client(command, stderr=subprocess.PIPE)
    for _ in range(draw.randint(1, 3)):
        end = time.monotonic() + draw.uniform(0.1, 0.6) * usual
        while time.monotonic() < end and client.poll() is None:
            time.sleep(0.02)
        if client.poll() is not None:
            break
        if kind == "worker":
            kills += machines.kill_one(draw)
        else:
            client.kill()
            client.wait()
            kills += 1
            client = machines.client(command, stderr=subprocess.PIPE)
    if wait_for(client, LIMIT) != 0:
        assert client.stderr is not None
        print(client.stderr.read().decode(errors="replace"), file=sys.stderr)
    return kills


if __name__ == "__main__":
    main()
