"""The cells of a comparison as logs that TensorBoard shows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sinefit.comparing.results import FIGURES
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import CellResult


def check_tensorboard() -> None:
    """Raise SettingError, before long work, where TensorBoard is not installed."""
    _writer()


def log_cell(cell: Cell, result: CellResult, folder: Path) -> None:
    """Write the log of a cell: PSNR over the steps, and its figures at the last one.

    It goes to a folder of the cell's name; what an earlier call has written there is replaced.
    """
    place = folder / cell.name
    for old in place.glob("events.out.tfevents.*"):
        old.unlink()
    with _writer()(log_dir=str(place)) as writer:
        for step, seconds, psnr in result.curve:
            # The time of an event is that since the training began: "relative" in TensorBoard.
            writer.add_scalar("batches/psnr", psnr, step, walltime=seconds)
        for figure in FIGURES:
            value = getattr(result, figure)
            if value is not None:
                writer.add_scalar(f"final/{figure}", value, result.steps, walltime=result.seconds)
        writer.add_text("settings", cell.label)


def _writer() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its libraries say of one another
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise SettingError(
                "`tensorboard` needs TensorBoard: pip install 'sinefit[tensorboard]'"
            ) from None
    return SummaryWriter
