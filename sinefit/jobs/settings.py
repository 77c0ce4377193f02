"""How jobs are done: the settings of their fits, of reading and of writing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.selection import ALPHA, Selection
from sinefit.validation import check_type, number, settle, truth

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.limits import Limits
    from sinefit.signals.signal import Kind


@dataclass(frozen=True)
class JobSettings:
    """How each of some files is read, fitted and written."""

    config: FitConfig
    selection: Selection = field(default_factory=Selection)
    kind: Kind | None = None
    """What to read the files as; None goes by their content."""
    input_format: str | None = None
    """The files' format; None goes by their content."""
    sound: bool = True
    """Whether a video's sound track is kept in the weights file."""
    limits: Limits = DEFAULT_LIMITS
    start_from: str | None = None
    """Name of a weights file that the fits begin with."""
    force: bool = False
    """Whether an existing weights file is replaced."""
    checkpoint_every: float = CHECKPOINT_EVERY
    """Seconds between two checkpoints."""

    def __post_init__(self) -> None:
        check_type("selection", self.selection, Selection, "a Selection")
        settle(
            self,
            sound=truth("sound", self.sound),
            force=truth("force", self.force),
            checkpoint_every=number("checkpoint_every", self.checkpoint_every),
        )

    @property
    def start_place(self) -> str | None:
        """Where the weights are that the fits begin with, whatever the present folder."""
        return None if self.start_from is None else str(Path(self.start_from).absolute())

    @property
    def reading(self) -> dict[str, Any]:
        """How an input is read, as JSON has it: what `with_reading` takes back."""
        values = {
            "kind": self.kind,
            "input_format": self.input_format,
            "sound": self.sound,
            **dataclasses.asdict(self.selection),
        }
        if values["region"] is not None:
            values["region"] = list(values["region"])
        if values["mask"] not in (None, ALPHA):
            values["mask"] = str(Path(values["mask"]).absolute())
        return values


Settings = TypeVar("Settings", bound=JobSettings)


def with_reading(settings: Settings, reading: dict[str, Any]) -> Settings:
    """Return settings that read inputs as told.

    Raises KeyError, TypeError or ValueError for what `JobSettings.reading` never holds.
    """
    values = dict(reading)
    own = {name: values.pop(name) for name in ("kind", "input_format", "sound")}
    if values["region"] is not None:
        x, y, width, height = (int(value) for value in values["region"])
        values["region"] = x, y, width, height
    return dataclasses.replace(settings, **own, selection=Selection(**values))
