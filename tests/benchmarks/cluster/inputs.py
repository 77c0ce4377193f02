"""What the benchmarks of clusters fit: a mosaic of photographs, and many small pictures."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def make_mosaic(photos: Sequence[Path], target: Path, side: int = 6) -> int:
    """Write `side` by `side` photographs as one picture; return its pixels.

    Photographs that come again are mirrored, so that no two tiles are alike while there are four
    times as many of them as photographs. All are turned and cut to the size of the first.
    """
    ways = (lambda tile: tile, ImageOps.mirror, ImageOps.flip, lambda tile: tile.rotate(180))
    with Image.open(photos[0]) as first:
        size = first.size
    mosaic = Image.new("RGB", (side * size[0], side * size[1]))
    for place in range(side * side):
        turn, photo = divmod(place, len(photos))
        with Image.open(photos[photo]) as opened:
            tile = opened.convert("RGB")
            if (tile.width > tile.height) != (size[0] > size[1]):
                tile = tile.rotate(90, expand=True)
            tile = ways[turn % len(ways)](ImageOps.fit(tile, size))
        row, column = divmod(place, side)
        mosaic.paste(tile, (column * size[0], row * size[1]))
    mosaic.save(target)
    return mosaic.width * mosaic.height


def make_crops(photos: Sequence[Path], folder: Path, count: int, side: int = 48) -> None:
    """Write so many square parts of photographs, none of them twice, as pictures of their own."""
    folder.mkdir()
    pictures = []
    for photo in photos:
        with Image.open(photo) as opened:
            pictures.append(np.asarray(opened.convert("RGB")))
    places = itertools.cycle(range(len(pictures)))
    corners = [
        itertools.product(
            range(0, each.shape[0] - side + 1, side), range(0, each.shape[1] - side + 1, side)
        )
        for each in pictures
    ]
    for number in range(count):
        place = next(places)
        row, column = next(corners[place])
        part = pictures[place][row : row + side, column : column + side]
        Image.fromarray(part).save(folder / f"{number:04}.png")
