"""Where the workers are: what `cluster` can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sinefit.validation import refusal

SCHEMES: Final = ("tcp://", "tls://", "ws://", "wss://", "ucx://")
"""How the address of a running scheduler begins."""
JOBS: Final = 4
"""Jobs of SLURM where no number is given."""
_WANTED: Final = (
    "local, local:4, slurm:20, or the address of a Dask scheduler, such as tcp://scheduler:8786"
)


@dataclass(frozen=True)
class ClusterAddress:
    """Workers on this machine, in jobs of SLURM, or those of a scheduler that runs already."""

    kind: Literal["local", "slurm", "running"]
    count: int | None = None
    """Workers on this machine, None for as many as suit it; or jobs of SLURM."""
    scheduler: str | None = None
    """Address of a scheduler that runs."""

    @classmethod
    def of(cls, value: object) -> ClusterAddress:
        """Return what a text asks for; raises SettingError for anything else."""
        if not isinstance(value, str):
            raise refusal("cluster", value, _WANTED)
        text = value.strip()
        if text.startswith(SCHEMES):
            return cls("running", scheduler=text)
        kind, colon, number = text.partition(":")
        is_number = number.isascii() and number.isdecimal() and 0 < len(number) < 6
        if kind not in ("local", "slurm") or (colon and not (is_number and int(number))):
            raise refusal("cluster", value, _WANTED)
        count = int(number) if colon else None
        if kind == "slurm":
            return cls("slurm", JOBS if count is None else count)
        return cls("local", count)

    def __str__(self) -> str:
        if self.scheduler is not None:
            return self.scheduler
        return self.kind if self.count is None else f"{self.kind}:{self.count}"
