"""The records of a comparison on disk: of each finished cell, and of one that is half done."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sinefit.comparing.results import CellResult
from sinefit.errors import InputError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import Point

_VERSION: Final = 1
_DONE: Final = ".json"
_HALF: Final = ".part.json"


@dataclass(frozen=True)
class Half:
    """What is known of a cell that is not finished."""

    curve: tuple[Point, ...] = ()
    """As far as the checkpoint goes."""
    report: dict[str, Any] | None = None
    """Seconds, pace and end of the training, once its weights are written."""


class Records:
    """The folder of a comparison: a weights file and a record for each cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def weights(self, cell: Cell) -> Path:
        """Return where a cell's weights are."""
        return self.folder / f"{cell.name}{SUFFIX}"

    def read(self, cell: Cell) -> CellResult | None:
        """Return the record of a cell that is done, None for one that is not.

        Raises InputError for one that is damaged.
        """
        values = self._read(cell, _DONE)
        if values is None:
            return None
        try:
            values["settings"] = tuple(values["settings"])
            values["learning_rates"] = tuple(values["learning_rates"])
            values["curve"] = _points(values["curve"])
            for figure in ("psnr", "psnr_holdout", "psnr_gradient", "ssim"):
                if values[figure] is not None:
                    values[figure] = float(values[figure])
            # The same signal may have another name now.
            return CellResult(**{**values, "file": cell.file})
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(cell, _DONE) from error

    def write(self, cell: Cell, result: CellResult) -> None:
        """Keep the record of a cell that is done."""
        self._write(cell, _DONE, dataclasses.asdict(result))
        self._place(cell, _HALF).unlink(missing_ok=True)

    def read_half(self, cell: Cell) -> Half:
        """Return what is known of a cell that is not finished."""
        values = self._read(cell, _HALF)
        if values is None:
            return Half()
        try:
            return Half(_points(values["curve"]), values["report"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(cell, _HALF) from error

    def write_half(self, cell: Cell, half: Half) -> None:
        """Keep what is known of a cell that is not finished."""
        self._write(cell, _HALF, dataclasses.asdict(half))

    def _place(self, cell: Cell, suffix: str) -> Path:
        return self.folder / f"{cell.name}{suffix}"

    def _read(self, cell: Cell, suffix: str) -> dict[str, Any] | None:
        try:
            text = self._place(cell, suffix).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            place = self._place(cell, suffix)
            raise InputError(f"{place} cannot be read: {error.strerror}") from error
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict) or values.pop("version", None) != _VERSION:
            raise self._damaged(cell, suffix)
        return values

    def _write(self, cell: Cell, suffix: str, values: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": _VERSION, **_plain(values)}, indent=1)
        write_bytes(self._place(cell, suffix), text.encode(), force=True)

    def _damaged(self, cell: Cell, suffix: str) -> InputError:
        place = self._place(cell, suffix)
        return InputError(f"{place}: no record of this sinefit, or damaged: remove it to fit again")


def _points(values: Any) -> tuple[Point, ...]:
    return tuple((int(step), float(seconds), float(psnr)) for step, seconds, psnr in values)


def _plain(value: Any) -> Any:
    """Return a value as every reader of JSON takes it: infinity and NaN as texts."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
