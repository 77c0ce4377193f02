"""A solution, the known one and the difference side by side, as a picture."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.solving.results import Solution

PANEL: Final = 256
"""Pixels along the longer side of a panel."""
MARGIN: Final = 12
LINE: Final = 18
"""Pixels of a line of text."""
MOMENTS: Final = 3
"""Times that are shown of what is in two dimensions and time."""
COLOURS: Final = ((20, 50, 130), (90, 150, 220), (247, 247, 247), (235, 140, 90), (140, 20, 40))
"""Of the most negative, of zero in the middle and of the most positive number."""
HIDDEN: Final = (200, 200, 200)
"""Where nothing is compared."""
INK: Final = (20, 20, 20)


def solution_picture(solution: Solution) -> Image.Image:
    """Draw a row of three panels for each channel, in two dimensions and time for some times.

    In each row the network and the known solution have one scale, from minus to plus the known
    one's largest magnitude, and the error another; figures say both.
    """
    equation = solution.equation
    rows = []
    for moment in _moments(equation.shape):
        for channel, name in enumerate(equation.channels):
            title = name if moment is None else f"{name} at {_time(solution, moment)}"
            pick = (*(() if moment is None else (moment,)), ..., channel)
            mask = solution.trusted if moment is None else solution.trusted[moment]
            rows.append((title, solution.values[pick], solution.exact[pick], mask))
    return _draw(_heading(solution), rows, equation.axes[-2:])


def picture_bytes(solution: Solution) -> bytes:
    """Return the picture as PNG."""
    content = io.BytesIO()
    solution_picture(solution).save(content, "PNG")
    return content.getvalue()


def colours_of(numbers: NDArray[np.float64], largest: float) -> NDArray[np.uint8]:
    """Return colours (..., 3) of numbers from -largest to largest, held between."""
    stops = np.linspace(-1.0, 1.0, len(COLOURS))
    shares = np.clip(np.nan_to_num(numbers) / (largest or 1.0), -1.0, 1.0)
    channels = [np.interp(shares, stops, column) for column in np.transpose(COLOURS)]
    found: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return found


def _moments(shape: tuple[int, ...]) -> list[int | None]:
    """Return the numbers of the times shown, None for a picture of all."""
    if len(shape) == 2:
        return [None]
    return [round(share * (shape[0] - 1)) for share in np.linspace(0.0, 1.0, MOMENTS)]


def _time(solution: Solution, moment: int) -> str:
    equation = solution.equation
    low, high = equation.domain[0]
    place = low + (high - low) * (moment + 0.5) / equation.shape[0]
    return f"{equation.axes[0]} = {place:.3g}"


def _heading(solution: Solution) -> str:
    report = solution.report
    return (
        f"{report.equation}: relative L2 error {report.relative_error:.2e}, {report.initializer}, "
        f"{report.best_step} steps"
    )


def _draw(
    heading: str,
    rows: list[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]],
    axes: tuple[str, ...],
) -> Image.Image:
    height, width = _panel_size(rows[0][1].shape)
    row_height = height + LINE + MARGIN
    sheet = Image.new(
        "RGB",
        (3 * (width + MARGIN) + MARGIN, 2 * MARGIN + LINE + len(rows) * row_height),
        (255, 255, 255),
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    draw.text((MARGIN, MARGIN), f"{heading}; {axes[0]} down, {axes[1]} across", INK, font)
    for number, (title, found, known, mask) in enumerate(rows):
        top = 2 * MARGIN + LINE + number * row_height
        largest = float(np.abs(known[mask]).max(initial=0.0))
        error = np.where(mask, found - known, 0.0)
        worst = float(np.abs(error).max())
        panels = (
            (f"network: {title}, ±{largest:.3g}", found, largest),
            (f"known: {title}, ±{largest:.3g}", known, largest),
            (f"network - known, ±{worst:.2g}", error, worst),
        )
        for place, (label, numbers, edge) in enumerate(panels):
            left = MARGIN + place * (width + MARGIN)
            draw.text((left, top), label, INK, font)
            pixels = colours_of(numbers, edge)
            pixels[~mask] = HIDDEN
            panel = Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(panel, (left, top + LINE))
    return sheet


def _panel_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width in pixels, whole multiples of the samples where that fits."""
    factors = [max(1, math.floor(PANEL / size)) for size in shape]
    return shape[0] * factors[0], shape[1] * factors[1]
