"""Draw the README's picture: the lake, a part of its pixels, and the fitted field in their place.

    python samples/make_picture.py

Fits lake.png with the defaults, a minute or two on two CPU cores, and writes readme.jpg beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

import sinefit

HERE: Final = Path(__file__).parent
REGION: Final = (268, 100, 64, 64)
"""x, y, width and height of the part, in pixels of the lake: the cabin and its reflection."""
SCALE: Final = 8
GAP: Final = 16


def main() -> None:
    """Fit, render the part and put the three panels side by side."""
    field = sinefit.fit(HERE / "lake.png")
    x, y, width, height = REGION
    side = height * SCALE
    with Image.open(HERE / "lake.png") as lake:
        whole = lake.resize((lake.width * side // lake.height, side), Image.Resampling.NEAREST)
        part = lake.crop((x, y, x + width, y + height))
        zoom = side / lake.height
    frame = [value * zoom for value in (x, y, x + width, y + height)]
    ImageDraw.Draw(whole).rectangle(frame, outline="white", width=3)
    pixels = part.resize((width * SCALE, side), Image.Resampling.NEAREST)
    rendered = field.render(scale=SCALE, region=REGION).samples
    panels = [whole, pixels, Image.fromarray(rendered.astype(np.uint8))]

    total = sum(panel.width for panel in panels) + GAP * (len(panels) - 1)
    sheet = Image.new("RGB", (total, side), "white")
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + GAP
    sheet.save(HERE / "readme.jpg", quality=88)
    print(f"readme.jpg: {field.record.psnr:.2f} dB")


if __name__ == "__main__":
    main()
