"""Draw the sample files of this folder: a picture, a melody, a clip and a field on the sphere.

Run `python samples/make_samples.py`; the files are written next to this script. Everything comes
from fixed seeds, so drawing again gives the same files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Colour = Sequence[float] | Array

PICTURE_SIZE = (256, 384)
SUPERSAMPLING = 4
WATERLINE = 0.60
SUN = (0.495, 0.335)

SAMPLE_RATE = 22050
MELODY_SECONDS = 4.0

CLIP_SIZE = (120, 160)
CLIP_FRAMES = 24
CLIP_RATE = 12

GLOBE_SIZE = (91, 180)


def smoothstep(low: float, high: float, values: Array) -> Array:
    """Return the cubic step that rises from 0 at `low` to 1 at `high`, elementwise."""
    position = np.clip((values - low) / (high - low), 0.0, 1.0)
    return position * position * (3.0 - 2.0 * position)


def fractal_noise(
    generator: np.random.Generator,
    shape: tuple[int, int],
    exponent: float,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Array:
    """Draw periodic Gaussian noise of `shape` whose amplitude spectrum falls as 1/f^exponent.

    `stretch` makes details longer along (rows, columns). Mean 0, standard deviation 1.
    """
    rows, columns = shape
    frequency = np.hypot(
        np.fft.fftfreq(rows)[:, None] * stretch[0], np.fft.rfftfreq(columns)[None, :] * stretch[1]
    )
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(generator.standard_normal(shape)) * frequency**-exponent
    noise: Array = np.fft.irfft2(spectrum, s=shape)
    return noise / float(noise.std())


def lookup(table: Array, rows: Array, columns: Array) -> Array:
    """Read a periodic table at real-valued positions, to the nearest entry."""
    row = np.rint(rows).astype(np.int64) % table.shape[0]
    column = np.rint(columns).astype(np.int64) % table.shape[1]
    return table[row, column]


def mirror(picture: Array, rows: Array, columns: Array) -> Array:
    """Read the nearest pixels of a picture, held at its edges; returns (..., 3)."""
    row = np.clip(np.rint(rows), 0, picture.shape[0] - 1).astype(np.int64)
    column = np.clip(np.rint(columns), 0, picture.shape[1] - 1).astype(np.int64)
    return picture[row, column]


def mix(first: Array, second: Colour, weight: Array) -> Array:
    """Blend two colours, (..., 3), by a weight (...): 0 takes the first, 1 the second."""
    alpha = weight[..., None]
    return first * (1.0 - alpha) + np.asarray(second) * alpha


def gradient(position: Array, stops: Sequence[tuple[float, Colour]]) -> Array:
    """Interpolate colours between `stops` of (position, colour); returns (..., 3)."""
    places = [place for place, _ in stops]
    return np.stack(
        [np.interp(position, places, [colour[k] for _, colour in stops]) for k in range(3)], axis=-1
    )


def area_average(picture: Array, factor: int) -> Array:
    """Average blocks of factor x factor pixels in linear light; sRGB values in [0, 1]."""
    rows, columns, channels = picture.shape
    light = np.clip(picture, 0.0, 1.0) ** 2.2
    blocks = light.reshape(rows // factor, factor, columns // factor, factor, channels)
    averages: Array = blocks.mean(axis=(1, 3))
    return averages ** (1.0 / 2.2)


def to_bytes(picture: Array) -> NDArray[np.uint8]:
    """Round values in [0, 1] to 8 bits."""
    return np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def rgb(colour: Colour) -> tuple[int, int, int]:
    """Return a colour in [0, 1] as the 8-bit triple that Pillow draws with."""
    red, green, blue = (round(255 * min(max(value, 0.0), 1.0)) for value in colour)
    return red, green, blue


@dataclass
class Canvas:
    """The supersampled picture while it is painted; lengths are fractions of its height."""

    pixels: Array
    """(rows, columns, 3), sRGB in [0, 1]."""
    generator: np.random.Generator
    """Where every random choice comes from."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def y(self) -> Array:
        """Position of each row, (rows, 1), from 0 at the top to 1."""
        return ((np.arange(self.shape[0]) + 0.5) / self.shape[0])[:, None]

    @property
    def x(self) -> Array:
        """Position of each column, (1, columns), from 0 at the left to the aspect ratio."""
        return ((np.arange(self.shape[1]) + 0.5) / self.shape[0])[None, :]

    def noise(self, exponent: float, stretch: tuple[float, float] = (1.0, 1.0)) -> Array:
        """Draw fractal noise of the canvas's size."""
        return fractal_noise(self.generator, self.shape, exponent, stretch)

    def sun_distance(self) -> Array:
        """Return each pixel's distance from the sun."""
        return np.hypot(self.y - SUN[1], self.x - SUN[0] * self.shape[1] / self.shape[0])


def paint_sky(canvas: Canvas) -> None:
    """Paint an evening sky, the sun's glow and clouds lit from below."""
    stops: list[tuple[float, Colour]] = [
        (0.00, (0.13, 0.24, 0.46)),
        (0.16, (0.30, 0.44, 0.64)),
        (0.28, (0.68, 0.66, 0.70)),
        (0.38, (0.97, 0.76, 0.56)),
        (0.60, (1.00, 0.62, 0.38)),
    ]
    sky = gradient(canvas.y + 0.03 * (canvas.x - 0.75) ** 2, stops)
    distance = canvas.sun_distance()
    sky = mix(sky, (1.0, 0.83, 0.55), 0.75 * np.exp(-distance / 0.16))
    sky = mix(sky, (1.0, 0.97, 0.86), smoothstep(0.040, 0.034, distance))

    shapes = canvas.noise(1.55, stretch=(1.0, 2.2))
    shapes = shapes - np.roll(shapes, canvas.shape[1] // 3, axis=1)
    towards_sun = np.roll(shapes, -16, axis=0)
    density = smoothstep(-0.1, 1.3, shapes - 0.9 * smoothstep(0.20, 0.42, canvas.y) + 0.2)
    light = np.clip(0.40 + 1.1 * (shapes - towards_sun) + 0.5 * np.exp(-distance / 0.3), 0.0, 1.0)
    clouds = gradient(
        light,
        [(0.0, (0.36, 0.37, 0.52)), (0.5, (0.80, 0.60, 0.60)), (1.0, (1.0, 0.84, 0.66))],
    )
    canvas.pixels = mix(sky, clouds, 0.88 * density)


def paint_ridge(
    canvas: Canvas,
    *,
    foot: float,
    peaks: Sequence[tuple[float, float, float]],
    rough: float,
    near: float,
    snow: float,
) -> None:
    """Paint a mountain ridge with `peaks` of (middle, height, half width) above the row `foot`.

    `near` goes from 0, lost in haze, to 1, in full colour; snow lies above the row `snow`.
    """
    rows, columns = canvas.shape
    outline = fractal_noise(canvas.generator, (1, 2 * columns), 0.95)[:, :columns]
    distances = [np.abs(canvas.x + 0.04 * outline - middle) / wide for middle, _, wide in peaks]
    heights = [
        height * np.exp(-1.25 * distance)
        for distance, (_, height, _) in zip(distances, peaks, strict=True)
    ]
    crest = foot - np.max(heights, axis=0) - rough * outline
    depth = canvas.y - crest

    # Rock is read along the crest, so that ribs and gullies run down from the summits.
    rock = -np.abs(canvas.noise(1.55, stretch=(1.8, 1.0))) + 0.10 * canvas.noise(0.9)
    column = np.arange(columns)[None, :] + 0.45 * rows * depth
    rock = lookup(rock, rows * (depth + 1.0), column)
    ribs = np.roll(rock, 5, axis=1) - np.roll(rock, -5, axis=1)
    # The flank that faces the light is bright; the edge between flanks wanders on its way down.
    grade = np.gradient(np.convolve(crest[0], np.ones(41) / 41, mode="same")) * rows
    flank = lookup(grade[None, :], np.zeros(canvas.shape), column + 260.0 * depth * (rock + 0.8))
    light = np.clip(0.44 + 0.95 * ribs + 0.30 * np.tanh(1.6 * flank) + 0.10 * rock, 0.0, 1.0)

    stone = gradient(light, [(0.0, (0.06, 0.08, 0.16)), (1.0, (0.70, 0.50, 0.40))])
    grass = gradient(light, [(0.0, (0.07, 0.13, 0.13)), (1.0, (0.42, 0.42, 0.22))])
    white = gradient(light, [(0.0, (0.30, 0.39, 0.60)), (1.0, (1.0, 0.90, 0.82))])
    ground = mix(stone, grass, smoothstep(0.02, 0.16, depth + 0.03 * rock))
    # Snow stays on gentle ground: not far below the crest, and not where ribs turn steep.
    margin = snow - canvas.y + 0.05 + 0.06 * rock + 0.07 * ribs - 0.25 * depth
    cover = smoothstep(-0.016, 0.016, margin)
    ground = mix(ground, white, cover)

    haze = mix(
        np.broadcast_to(np.array((0.60, 0.60, 0.70)), (*canvas.shape, 3)),
        (1.0, 0.76, 0.54),
        np.exp(-canvas.sun_distance() / 0.28),
    )
    thickness = np.clip((1.0 - near) * (0.58 + 1.8 * np.clip(depth, 0.0, 0.3)), 0.0, 0.95)
    canvas.pixels = np.where(depth[..., None] > 0.0, mix(ground, haze, thickness), canvas.pixels)


def paint_trees(
    canvas: Canvas,
    *,
    count: int,
    span: tuple[float, float],
    foot: float,
    height: float,
    near: float,
) -> None:
    """Paint conifers standing at `foot`, between the columns `span`, of about `height`."""
    rows, _ = canvas.shape
    image = Image.fromarray(to_bytes(canvas.pixels))
    draw = ImageDraw.Draw(image)
    generator = canvas.generator
    for place in generator.uniform(*span, count):
        middle = rows * float(place)
        tall = rows * height * float(generator.uniform(0.45, 1.0)) ** 1.2
        base = rows * (foot + float(generator.uniform(-0.004, 0.006)))
        shade = np.array((0.07, 0.12, 0.11)) * generator.uniform(0.7, 1.5)
        shade = shade * near + np.array((0.36, 0.36, 0.40)) * (1.0 - near)
        sunny = shade * 0.6 + np.array((0.42, 0.33, 0.14)) * 0.5
        tiers = max(5, int(tall / 7))
        for tier in range(tiers):
            level = (tier + generator.uniform(-0.3, 0.3)) / tiers
            tip = base - tall * (1.0 - level)
            reach = tall * (0.03 + 0.20 * level) * generator.uniform(0.75, 1.15)
            drop = tip + tall * 1.9 / tiers
            left, right = (middle - reach, drop), (middle + reach, drop)
            draw.polygon([(middle, tip), left, right], fill=rgb(shade))
            lit = (middle - 0.35 * reach, drop - 0.25 * (drop - tip))
            draw.polygon([(middle, tip), left, lit], fill=rgb(sunny))
    canvas.pixels = np.asarray(image, dtype=np.float64) / 255.0


def paint_cabin(canvas: Canvas, *, left: float, foot: float, unit: float) -> None:
    """Paint a log cabin with lit windows; `unit` is a hundredth of its width."""
    rows, _ = canvas.shape
    image = Image.fromarray(to_bytes(canvas.pixels))
    draw = ImageDraw.Draw(image)
    generator = canvas.generator

    def at(across: float, up: float) -> tuple[float, float]:
        return rows * (left + across * unit), rows * (foot - up * unit)

    def box(x: float, y: float, width: float, height: float, colour: Colour) -> None:
        draw.polygon(
            [at(x, y), at(x + width, y), at(x + width, y + height), at(x, y + height)],
            fill=rgb(colour),
        )

    def window(x: float, y: float, width: float, height: float) -> None:
        box(x - 1.6, y - 1.6, width + 3.2, height + 3.2, (0.62, 0.47, 0.32))
        for stripe in range(8):
            glow = np.array((1.0, 0.86, 0.48)) - stripe * np.array((0.0, 0.035, 0.04))
            box(x, y + height * (1 - (stripe + 1) / 8), width, height / 8, glow)
        box(x + width / 2 - 0.7, y, 1.4, height, (0.24, 0.13, 0.08))
        box(x, y + height * 0.55, width, 1.2, (0.24, 0.13, 0.08))

    box(70, 40, 9, 36, (0.40, 0.31, 0.29))
    box(69, 74, 11, 4, (0.27, 0.22, 0.22))
    box(-3, -6, 106, 7, (0.30, 0.28, 0.29))
    for log in range(8):
        tint = generator.uniform(0.85, 1.15)
        box(0, 1 + 5 * log, 100, 5, tint * np.array((0.46, 0.27, 0.17)))
        box(0, 1 + 5 * log, 100, 1.3, tint * np.array((0.22, 0.13, 0.10)))
        box(0, 4.6 + 5 * log, 100, 0.9, tint * np.array((0.68, 0.42, 0.25)))
    for course in range(9):
        low, inset = 39 + 3.6 * course, -8 + 2.0 * course
        for shingle in range(24):
            start = inset + (116 - 4.0 * course) * shingle / 24
            tone = generator.uniform(0.75, 1.2) * np.array((0.33, 0.27, 0.30))
            tone = tone + (1 - shingle / 24) * np.array((0.16, 0.08, 0.02))
            box(start, low, (116 - 4.0 * course) / 24 + 0.1, 3.6, tone)
        box(inset, low, 116 - 4.0 * course, 0.8, (0.15, 0.12, 0.15))
    window(10, 13, 20, 19)
    window(70, 13, 20, 19)
    box(41, 1, 18, 31, (0.20, 0.11, 0.08))
    box(43, 1, 14, 29, (0.56, 0.20, 0.13))
    box(54, 14, 1.5, 2.5, (0.90, 0.75, 0.40))

    for post in range(7):
        box(-66 + 10 * post, -14, 2.2, 13, (0.20, 0.14, 0.12))
    for plank in range(32):
        tone = generator.uniform(0.8, 1.15) * np.array((0.62, 0.47, 0.36))
        box(-68 + 2 * plank, -4.5, 1.8, 3.4, tone)
    canvas.pixels = np.asarray(image, dtype=np.float64) / 255.0

    for middle in (20.0, 80.0):
        reach = np.hypot(canvas.x - (left + middle * unit), canvas.y - (foot - 22 * unit)) / unit
        canvas.pixels = mix(canvas.pixels, (1.0, 0.72, 0.35), 0.45 * np.exp(-((reach / 17) ** 2)))
    rise = (foot - 78 * unit - canvas.y) / unit
    drift = left + unit * (74.5 + 0.22 * rise + 2.5 * np.sin(rise / 9.0))
    width = unit * (3.0 + 0.10 * np.clip(rise, 0.0, None))
    smoke = np.exp(-(((canvas.x - drift) / width) ** 2)) * smoothstep(-1.0, 6.0, rise)
    smoke = smoke * np.exp(-np.clip(rise, 0.0, None) / 45) * (0.8 + 0.2 * canvas.noise(1.4))
    canvas.pixels = mix(canvas.pixels, (0.86, 0.82, 0.84), np.clip(0.75 * smoke, 0.0, 1.0))


def paint_lake(canvas: Canvas) -> None:
    """Mirror everything above the waterline in rippled water."""
    rows, columns = canvas.shape
    below = canvas.y - WATERLINE
    # The water is a plane seen in perspective: waves shrink and crowd towards the far shore.
    distance = 1.0 / (np.clip(below, 0.0, None) + 0.012)
    table = fractal_noise(canvas.generator, (1024, 1024), 1.15, stretch=(1.0, 2.6))
    across = (canvas.x - 0.75) * distance * 42.0 + np.zeros(canvas.shape)
    along = distance * 46.0 + np.zeros(canvas.shape)
    waves = lookup(table, along, across)
    waves = waves + 0.5 * lookup(table.T, along * 2.3 + 97.0, across * 1.7)
    strength = np.clip(below, 0.0, None) * 0.16 + 0.0016

    mirrored = WATERLINE - 0.96 * below + waves * strength
    reflected = mirror(
        canvas.pixels,
        np.clip(mirrored, 0.0, WATERLINE) * rows - 1.0,
        canvas.x * rows + waves * strength * 0.15 * rows,
    )

    slope = np.clip(0.5 + 0.22 * waves, 0.0, 1.0)
    deep = gradient(slope, [(0.0, (0.05, 0.14, 0.20)), (1.0, (0.20, 0.36, 0.42))])
    water = mix(reflected * 0.97, deep, np.clip(0.06 + 0.7 * below - 0.08 * waves, 0.0, 0.7))
    path = np.exp(-(((canvas.x - SUN[0] * columns / rows) / (0.05 + 0.22 * below)) ** 2))
    water = mix(water, (1.0, 0.84, 0.58), path * (0.12 + 0.75 * smoothstep(0.2, 1.8, waves)))
    water = mix(water, (0.92, 0.80, 0.72), 0.5 * np.exp(-((below / 0.004) ** 2)))
    canvas.pixels = np.where(below[..., None] > 0.0, water, canvas.pixels)


def paint_meadow(canvas: Canvas) -> None:
    """Paint the near shore: grass blade by blade, with flowers and reeds."""
    rows, columns = canvas.shape
    bank = 0.90 + 0.05 * np.tanh((canvas.x - 0.75) / 0.3) + 0.008 * canvas.noise(1.3)[:1]
    soil = gradient(
        np.clip(0.5 + 0.2 * canvas.noise(0.9), 0.0, 1.0),
        [(0.0, (0.04, 0.07, 0.04)), (1.0, (0.15, 0.20, 0.08))],
    )
    canvas.pixels = np.where((canvas.y > bank)[..., None], soil, canvas.pixels)
    image = Image.fromarray(to_bytes(canvas.pixels))
    draw = ImageDraw.Draw(image)
    generator = canvas.generator

    def blade(x: float, y: float, length: float, lean: float, width: float, colour: Colour) -> None:
        steps = np.linspace(0.0, 1.0, 6)
        spine_x, spine_y = x + lean * steps**2, y - length * steps
        half = width * (1.0 - steps) / 2
        left = list(zip(spine_x - half, spine_y, strict=True))
        right = list(zip(spine_x + half, spine_y, strict=True))
        draw.polygon([(float(a), float(b)) for a, b in left + right[::-1]], fill=rgb(colour))

    flowers = ((0.88, 0.22, 0.16), (0.98, 0.80, 0.24), (0.94, 0.92, 0.90), (0.58, 0.42, 0.80))
    for depth in np.sort(generator.uniform(0.0, 1.0, 6000)):
        x = float(generator.uniform(-10, columns + 10))
        shore = float(bank[0, min(max(int(x), 0), columns - 1)])
        y = rows * (shore + (1.06 - shore) * float(depth))
        size = rows * (0.020 + 0.055 * float(depth)) * float(generator.uniform(0.5, 1.3))
        lean = size * float(generator.normal(0.12, 0.30))
        lit = float(generator.beta(1.6, 2.6))
        green = np.array((0.10, 0.19, 0.07)) * (1 - lit) + np.array((0.66, 0.66, 0.24)) * lit
        blade(x, y, size, lean, 2.5 + 5.0 * float(depth), green)
        if generator.uniform() < 0.016:
            colour = flowers[int(generator.integers(len(flowers)))]
            radius = 2.2 + 4.0 * float(depth)
            top = (x + lean, y - size)
            for turn in np.arange(5) * 2 * np.pi / 5 + generator.uniform(0, 1):
                px, py = top[0] + radius * np.cos(turn), top[1] + 0.8 * radius * np.sin(turn)
                petal = np.array(colour) * generator.uniform(0.85, 1.1)
                draw.ellipse(
                    (px - radius, py - 0.8 * radius, px + radius, py + 0.8 * radius),
                    fill=rgb(petal),
                )
            draw.ellipse(
                (top[0] - 3, top[1] - 3, top[0] + 3, top[1] + 3), fill=rgb((0.35, 0.22, 0.08))
            )
    for _ in range(70):
        x = rows * (0.02 + 0.30 * float(generator.beta(1.2, 2.4)))
        length = rows * float(generator.uniform(0.14, 0.34))
        lean = rows * float(generator.normal(0.015, 0.03))
        tone = np.array((0.22, 0.28, 0.10)) * generator.uniform(0.5, 1.7)
        blade(x, rows * float(generator.uniform(0.93, 1.04)), length, lean, 7.0, tone)
        if generator.uniform() < 0.3:
            tip = (x + 0.72 * lean, rows * 0.985 - 0.85 * length)
            draw.rounded_rectangle(
                (tip[0] - 5, tip[1] - 42, tip[0] + 5, tip[1]), 5, fill=rgb((0.34, 0.19, 0.10))
            )
    canvas.pixels = np.asarray(image, dtype=np.float64) / 255.0


def draw_picture() -> NDArray[np.uint8]:
    """Draw an evening by a mountain lake; returns 8-bit RGB, (256, 384, 3)."""
    rows, columns = (SUPERSAMPLING * size for size in PICTURE_SIZE)
    canvas = Canvas(np.zeros((rows, columns, 3)), np.random.default_rng(2020))
    paint_sky(canvas)
    far = [(0.20, 0.20, 0.30), (0.52, 0.29, 0.26), (0.80, 0.17, 0.25), (1.16, 0.33, 0.28)]
    middle = [(0.02, 0.17, 0.26), (0.36, 0.10, 0.16), (0.88, 0.12, 0.22), (1.44, 0.21, 0.30)]
    hills = [(0.10, 0.10, 0.30), (0.62, 0.045, 0.30), (1.20, 0.09, 0.35)]
    paint_ridge(canvas, foot=0.53, peaks=far, rough=0.016, near=0.30, snow=0.40)
    paint_ridge(canvas, foot=0.57, peaks=middle, rough=0.014, near=0.60, snow=0.37)
    paint_ridge(canvas, foot=0.59, peaks=hills, rough=0.008, near=0.80, snow=0.0)
    paint_trees(canvas, count=420, span=(0.0, 1.5), foot=0.597, height=0.045, near=0.65)
    paint_trees(canvas, count=60, span=(0.98, 1.52), foot=0.600, height=0.17, near=0.95)
    paint_cabin(canvas, left=1.10, foot=0.592, unit=0.0020)
    paint_trees(canvas, count=8, span=(1.34, 1.52), foot=0.601, height=0.24, near=1.0)
    paint_lake(canvas)
    paint_meadow(canvas)
    return to_bytes(area_average(canvas.pixels, SUPERSAMPLING))


def pluck(frequency: float, seconds: float, brightness: float) -> Array:
    """Return a plucked string: harmonics of `frequency` in Hz, the high ones dying away first."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.zeros_like(time)
    for harmonic in range(1, 13):
        # Stiffness makes the partials of a real string a little sharp.
        pitch = frequency * harmonic * np.sqrt(1.0 + 2e-4 * harmonic**2)
        if pitch > 0.45 * SAMPLE_RATE:
            break
        decay = np.exp(-time * (1.6 + 0.9 * harmonic))
        tone += brightness**harmonic / harmonic * decay * np.sin(2.0 * np.pi * pitch * time)
    return tone * np.clip(time / 0.004, 0.0, 1.0)


def bell(frequency: float, seconds: float) -> Array:
    """Return a small bell: a few inharmonic partials of `frequency` in Hz, dying away."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    partials = ((1.0, 1.0, 2.2), (2.76, 0.45, 4.0), (5.40, 0.22, 7.5), (8.93, 0.10, 12.0))
    tone = np.zeros_like(time)
    for ratio, loudness, fading in partials:
        if ratio * frequency < 0.45 * SAMPLE_RATE:
            tone += loudness * np.exp(-fading * time) * np.sin(2 * np.pi * ratio * frequency * time)
    return tone * np.clip(time / 0.002, 0.0, 1.0)


def play_melody() -> Array:
    """Play a short tune over plucked chords; returns mono samples, (88200,), with peak 0.8."""
    # Each note is (beat, semitones above A4); a beat is half a second.
    tune: list[tuple[float, int]] = [
        *((0, 7), (0.5, 5), (1, 3), (1.5, 7), (2, 12), (3, 10), (3.5, 7)),
        *((4, 8), (4.5, 7), (5, 5), (5.5, 2), (6, 3)),
    ]
    chords: list[tuple[float, tuple[int, ...]]] = [
        (0, (-21, -14, -9, -5)),  # C
        (2, (-24, -17, -12, -9)),  # A minor
        (4, (-16, -9, -4, 0)),  # F
        (5, (-14, -7, -2, 2)),  # G
        (6, (-21, -14, -9, -5)),  # C
    ]
    sound = np.zeros(round(MELODY_SECONDS * SAMPLE_RATE))

    def add(beat: float, tone: Array) -> None:
        start = round(beat * SAMPLE_RATE / 2)
        end = min(start + tone.size, sound.size)
        sound[start:end] += tone[: end - start]

    for beat, semitones in tune:
        add(beat, 0.5 * bell(440.0 * 2.0 ** (semitones / 12), 2.0))
    for beat, chord in chords:
        for order, semitones in enumerate(chord):
            add(beat + 0.25 * order, 0.8 * pluck(440.0 * 2.0 ** (semitones / 12), 2.0, 0.85))
    fade = np.clip((sound.size - 1 - np.arange(sound.size)) / (0.15 * SAMPLE_RATE), 0.0, 1.0)
    melody: Array = sound * fade
    return 0.8 / float(np.abs(melody).max()) * melody


def draw_frame(time: float, table: Array) -> NDArray[np.uint8]:
    """Draw a boat sailing by at `time` from 0 to 1; returns 8-bit RGB, (120, 160, 3).

    `table` is the periodic noise that the waves and the hills are read from.
    """
    rows, columns = (SUPERSAMPLING * size for size in CLIP_SIZE)
    canvas = Canvas(np.zeros((rows, columns, 3)), np.random.default_rng(0))
    sun_x, horizon = 0.95, 0.56
    y, x = canvas.y + 0.0 * canvas.x, canvas.x + 0.0 * canvas.y
    distance = np.hypot(y - 0.30, x - sun_x)
    stops = [(0.0, (0.25, 0.42, 0.66)), (0.35, (0.93, 0.74, 0.62)), (0.6, (1.0, 0.62, 0.40))]
    sky = gradient(y, stops)
    sky = mix(sky, (1.0, 0.90, 0.65), 0.7 * np.exp(-distance / 0.15))
    sky = mix(sky, (1.0, 0.98, 0.90), smoothstep(0.085, 0.075, distance))
    cloud = lookup(table, 900.0 * y, 260.0 * x + 25.0 * time)
    sky = mix(sky, (0.98, 0.86, 0.80), 0.8 * smoothstep(0.3, 1.6, cloud - 3.0 * y + 0.6))
    crest = horizon - 0.07 - 0.035 * lookup(table, np.zeros_like(x), 330.0 * x + 40.0)
    hill = np.clip(0.5 + 0.25 * lookup(table, 700.0 * (y - crest), 900.0 * x), 0.0, 1.0)
    hills = gradient(hill, [(0.0, (0.25, 0.27, 0.38)), (1.0, (0.60, 0.45, 0.43))])
    picture = np.where((y > crest)[..., None], hills, sky)

    image = Image.fromarray(to_bytes(picture))
    draw = ImageDraw.Draw(image)
    heel = 0.06 * np.sin(2.0 * np.pi * time)
    keel = (0.15 + 1.0 * time, horizon + 0.012 + 0.006 * np.sin(4.0 * np.pi * time))

    def shape(points: Sequence[tuple[float, float]], colour: Colour) -> None:
        turned = [(px - heel * py, py + heel * px) for px, py in points]
        draw.polygon(
            [(rows * (keel[0] + px), rows * (keel[1] - py)) for px, py in turned], fill=rgb(colour)
        )

    shape([(-0.13, 0.055), (0.16, 0.065), (0.10, 0.0), (-0.11, 0.0)], (0.58, 0.16, 0.13))
    shape([(-0.13, 0.055), (0.16, 0.065), (0.155, 0.052), (-0.128, 0.043)], (0.95, 0.90, 0.80))
    shape([(0.018, 0.05), (0.026, 0.05), (0.024, 0.44), (0.019, 0.44)], (0.25, 0.16, 0.12))
    shape([(0.012, 0.42), (0.012, 0.085), (-0.14, 0.085), (-0.06, 0.24)], (0.97, 0.93, 0.84))
    shape([(0.030, 0.40), (0.030, 0.085), (0.15, 0.080)], (0.93, 0.72, 0.36))
    shape([(-0.105, 0.155), (0.012, 0.155), (0.012, 0.185), (-0.088, 0.185)], (0.20, 0.38, 0.58))
    picture = np.asarray(image, dtype=np.float64) / 255.0

    below = np.clip(y - horizon - 0.012, 0.0, None)
    nearness = 1.0 / (below + 0.035)
    across = (x - 0.67) * nearness
    waves = lookup(table, 170.0 * nearness + 60.0 * time, 90.0 * across + 30.0 * time)
    waves = waves + lookup(table, 310.0 * nearness - 45.0 * time, 150.0 * across)
    source = np.clip((horizon + 0.012 - below + waves * (0.10 * below + 0.003)) * rows, 0, rows - 1)
    water = mirror(picture, source, x * rows)
    water = mix(water, (0.08, 0.22, 0.32), np.clip(0.22 + 0.45 * below - 0.13 * waves, 0.0, 0.8))
    path = np.exp(-(((x - sun_x) / (0.07 + 0.3 * below)) ** 2))
    water = mix(water, (1.0, 0.88, 0.62), path * (0.2 + 0.75 * smoothstep(0.0, 1.8, waves)))
    picture = np.where((below > 0.0)[..., None], water, picture)
    return to_bytes(area_average(picture, SUPERSAMPLING))


def draw_clip() -> NDArray[np.uint8]:
    """Draw a boat crossing rippled water; returns 8-bit RGB, (24, 120, 160, 3)."""
    table = fractal_noise(np.random.default_rng(1789), (1024, 1024), 1.3, stretch=(1.0, 2.2))
    times = (np.arange(CLIP_FRAMES) + 0.5) / CLIP_FRAMES
    return np.stack([draw_frame(float(time), table) for time in times])


def encode_clip(frames: NDArray[np.uint8], sound: Path, target: Path) -> None:
    """Encode frames as H.264 and as much of the `sound` file as FLAC, which loses nothing."""
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(CLIP_RATE), "-i", "-"]
    command += ["-t", str(len(frames) / CLIP_RATE), "-i", str(sound)]
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709"]
    command += ["-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    command += ["-c:v", "libx264", "-crf", "20", "-preset", "veryslow", "-threads", "1"]
    command += ["-pix_fmt", "yuv420p", "-c:a", "flac", "-map_metadata", "-1"]
    command += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    command += ["-movflags", "+faststart", str(target)]
    subprocess.run(command, input=frames.tobytes(), check=True)


def draw_globe() -> NDArray[np.float32]:
    """Draw a temperature map in degrees Celsius, latitude x longitude, (91, 180).

    Row i lies at latitude 90 - (i + 0.5) 180 / 91 degrees, column j at longitude
    -180 + (j + 0.5) 2 degrees. The map is a sum of plane waves in space, read on the unit
    sphere, so it has neither a seam nor a pole.
    """
    rows, columns = GLOBE_SIZE
    latitude = np.deg2rad(90.0 - (np.arange(rows) + 0.5) * 180.0 / rows)[:, None]
    longitude = np.deg2rad(-180.0 + (np.arange(columns) + 0.5) * 360.0 / columns)[None, :]
    points = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude) + 0.0 * longitude,
        ],
        axis=-1,
    )  # (91, 180, 3)
    generator = np.random.default_rng(1687)
    field = np.zeros(GLOBE_SIZE)
    for wavenumber in np.geomspace(1.5, 24.0, 60):
        direction = generator.standard_normal(3)
        direction /= np.linalg.norm(direction)
        phase = generator.uniform(0.0, 2.0 * np.pi)
        field += np.cos(wavenumber * points @ direction + phase) / wavenumber**0.8
    temperature: Array = 32.0 * np.cos(latitude) ** 2 - 14.0 + 6.0 / float(field.std()) * field
    return temperature.astype(np.float32)


def main() -> None:
    """Write every sample next to this script."""
    folder = Path(__file__).resolve().parent
    Image.fromarray(draw_picture()).save(folder / "lake.png", optimize=True)
    melody = play_melody()
    soundfile.write(folder / "melody.wav", melody, SAMPLE_RATE, subtype="PCM_16")
    encode_clip(draw_clip(), folder / "melody.wav", folder / "clip.mp4")
    np.save(folder / "globe.npy", draw_globe())
    for name in ("lake.png", "melody.wav", "clip.mp4", "globe.npy"):
        print(f"{name}: {(folder / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
