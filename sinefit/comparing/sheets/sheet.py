"""Puts the panels of a comparison together, a row for the original and each combination."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from sinefit.comparing.labels import row_labels
from sinefit.comparing.sheets import pictures, sounds
from sinefit.fields.weights_file import read_field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.comparing.results import Comparison, Row
    from sinefit.signals.signal import Signal

    Pixels = NDArray[np.uint8]

PANEL: Final = 320
"""Most pixels along an edge of a panel."""
GAP: Final = 8
LINE: Final = 20
"""Pixels of a line of text."""
BACKGROUND: Final = (24, 24, 24)
INK: Final = (235, 235, 235)


def draw_sheet(comparison: Comparison, read: Callable[[str], Signal]) -> bytes:
    """Return the contact sheet of a comparison as PNG: a part for each file, below one another.

    `read` reads a file. The fields are those of the first seed of each combination.
    """
    files = list(dict.fromkeys(cell.file for cell in comparison.cells))
    parts = []
    for file in files:
        rows = [row for row in comparison.rows if row.first.file == file]
        parts.append(_part(rows, read(file)))
    size = max(part.width for part in parts), sum(part.height for part in parts)
    sheet = Image.new("RGB", size, BACKGROUND)
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    content = io.BytesIO()
    sheet.save(content, "png")
    return content.getvalue()


def _part(rows: Sequence[Row], signal: Signal) -> Image.Image:
    """Return the sheet of one signal."""
    fields = [read_field(Path(row.first.weights)) for row in rows]
    is_sound = signal.spec.axes == 1
    make = sounds.sound_rows if is_sound else pictures.picture_rows
    panels, scale = make(signal, fields)
    heads = [f"original: {signal.spec.source or 'signal'}"]
    labelled = zip(rows, row_labels(rows), strict=True)
    heads += [f"{label}: {_figures(row)}" for row, label in labelled]
    return _put_together(panels, heads, sounds.HEADS if is_sound else pictures.HEADS, scale)


def _figures(row: Row) -> str:
    names = {"psnr": "dB", "psnr_holdout": "dB held out", "psnr_gradient": "dB gradient"}
    values = {unit: getattr(row.first, name) for name, unit in names.items()}
    words = [f"{value:.2f} {unit}" for unit, value in values.items() if value is not None]
    if row.first.ssim is not None:
        words.append(f"SSIM {row.first.ssim:.4f}")
    return ", ".join(words)


def _put_together(
    rows: Sequence[Sequence[Pixels]], heads: Sequence[str], columns: Sequence[str], scale: str
) -> Image.Image:
    images = [[_panel(pixels) for pixels in row] for row in rows]
    widths = [max(image.width for image in column) for column in zip(*images, strict=True)]
    heights = [max(image.height for image in row) for row in images]
    width = sum(widths) + GAP * (len(widths) + 1)
    height = 2 * LINE + sum(each + LINE + GAP for each in heights) + GAP
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    left = GAP
    for head, each in zip(columns, widths, strict=True):
        draw.text((left, GAP // 2), head, fill=INK, font=font)
        left += each + GAP
    draw.text((GAP, GAP // 2 + LINE), scale, fill=INK, font=font)
    top = 2 * LINE
    for row, head, each in zip(images, heads, heights, strict=True):
        draw.text((GAP, top + GAP // 2), head, fill=INK, font=font)
        top += LINE + GAP // 2
        left = GAP
        for image, column in zip(row, widths, strict=True):
            sheet.paste(image, (left, top))
            left += column + GAP
        top += each + GAP // 2
    return sheet


def _panel(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(pixels)
    longest = max(image.size)
    if longest > PANEL:
        size = [max(1, round(edge * PANEL / longest)) for edge in image.size]
        return image.resize((size[0], size[1]), Image.Resampling.BOX)
    factor = PANEL // longest
    if factor > 1:  # its pixels as squares
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return image
