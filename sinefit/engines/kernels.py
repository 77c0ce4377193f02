"""Triton kernels: each stage of a CUDA step, and the update of its weights.

Import it only where Triton is installed; `sinefit.engines.triton_stages` launches them.
Matrices are contiguous (count, width), of which a program holds tiles of `rows` whole rows, padded
to `columns`, a power of two. So sums over samples need no second look at them: each program leaves
its own in its row of `partials`, and adding those up, always in the same order, is left to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import triton  # type: ignore[import-not-found,import-untyped,unused-ignore]
import triton.language as tl  # type: ignore[import-not-found,import-untyped,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Callable


def jit(kernel: Callable[..., Any]) -> Any:
    """Make a kernel of a function, which is compiled, or interpreted, when it is first launched."""
    return triton.jit(kernel)


@jit
def sine_and_cosine(x: tl.tensor) -> tl.tensor:
    """Return both of x: less the nearest multiple of pi, then polynomials on [-pi/2, pi/2].

    The polynomials err by 5e-9 at most; with pi in two parts the reduction is good to a million.
    """
    turns = tl.floor(x * 0.318309886 + 0.5)
    rest = tl.fma(turns, -3.14159274, x)
    rest = tl.fma(turns, 8.74227766e-8, rest)
    odd_turns = (turns.to(tl.int32) & 1) != 0
    square = rest * rest
    odd = tl.fma(square, 2.600024345e-6, -1.980660163e-4)
    odd = tl.fma(odd, square, 8.333017118e-3)
    odd = tl.fma(odd, square, -0.1666665673)
    even = tl.fma(square, -2.607681608e-7, 2.476187001e-5)
    even = tl.fma(even, square, -1.388840377e-3)
    even = tl.fma(even, square, 0.04166664183)
    even = tl.fma(even, square, -0.5)
    sine = tl.fma(odd * square, rest, rest)
    cosine = tl.fma(even, square, 1.0)
    return tl.where(odd_turns, -sine, sine), tl.where(odd_turns, -cosine, cosine)


@jit
def first_layer(
    coordinates: tl.tensor,
    row_stride: tl.tensor,
    column_stride: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    sines: tl.tensor,
    cosines: tl.tensor,
    count: tl.tensor,
    width: tl.constexpr,
    features: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Do what `Stages.first_layer` says, a tile of samples to a program."""
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    column = tl.arange(0, columns)
    here, there = row < count, column < width
    phases = tl.zeros((rows, columns), tl.float32)
    phases += tl.load(bias + column, there, 0.0)[None, :]
    for feature in range(features):
        at = tl.load(coordinates + row * row_stride + feature * column_stride, here, 0.0)
        slope = tl.load(weight + column * features + feature, there, 0.0)
        phases += at[:, None] * slope[None, :]
    sine, cosine = sine_and_cosine(phases)
    place = row[:, None] * width + column[None, :]
    inside = here[:, None] & there[None, :]
    tl.store(sines + place, sine.to(sines.dtype.element_ty), inside)
    tl.store(cosines + place, cosine.to(cosines.dtype.element_ty), inside)


@jit
def activate(
    products: tl.tensor,
    bias: tl.tensor,
    sines: tl.tensor,
    cosines: tl.tensor,
    count: tl.tensor,
    width: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Do what `Stages.activate` says, a tile of samples to a program."""
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    column = tl.arange(0, columns)
    there = column < width
    place = row[:, None] * width + column[None, :]
    inside = (row < count)[:, None] & there[None, :]
    phases = tl.load(products + place, inside, 0.0)
    phases += tl.load(bias + column, there, 0.0)[None, :]
    sine, cosine = sine_and_cosine(phases)
    tl.store(sines + place, sine.to(sines.dtype.element_ty), inside)
    tl.store(cosines + place, cosine.to(cosines.dtype.element_ty), inside)


@jit
def layer(
    below: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    sines: tl.tensor,
    cosines: tl.tensor,
    count: tl.tensor,
    width: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    inner: tl.constexpr,
) -> None:
    """Do what `Stages.layer` says, a tile of rows and columns to a program.

    The products' sums stay in registers, where their sines and cosines are taken.
    """
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    column = tl.program_id(1) * columns + tl.arange(0, columns)
    here, there = row < count, column < width
    sums = tl.zeros((rows, columns), tl.float32)
    for begin in range(0, width, inner):
        at = begin + tl.arange(0, inner)
        known = at < width
        left = tl.load(
            below + row[:, None] * width + at[None, :], here[:, None] & known[None, :], 0.0
        )
        right = tl.load(
            weight + column[None, :] * width + at[:, None], there[None, :] & known[:, None], 0.0
        )  # (fan_in, fan_out)
        sums = tl.dot(left, right, sums, input_precision="ieee")
    phases = sums + tl.load(bias + column, there, 0.0)[None, :]
    sine, cosine = sine_and_cosine(phases)
    place = row[:, None] * width + column[None, :]
    inside = here[:, None] & there[None, :]
    tl.store(sines + place, sine.to(sines.dtype.element_ty), inside)
    tl.store(cosines + place, cosine.to(cosines.dtype.element_ty), inside)


@jit
def _leave(place: tl.tensor, value: tl.tensor, mask: tl.tensor, fresh: tl.constexpr) -> None:
    """Write a program's sums, or add them to those of earlier pieces."""
    if not fresh:
        value += tl.load(place, mask, 0.0)
    tl.store(place, value, mask)


@jit
def last_layer(
    sines: tl.tensor,
    targets: tl.tensor,
    row_stride: tl.tensor,
    column_stride: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    flow: tl.tensor,
    partials: tl.tensor,
    count: tl.tensor,
    share: tl.tensor,
    tiles: tl.constexpr,
    width: tl.constexpr,
    channels: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    padded_channels: tl.constexpr,
    sums: tl.constexpr,
    last: tl.constexpr,
    last_bias: tl.constexpr,
    loss: tl.constexpr,
    fresh: tl.constexpr,
) -> None:
    """Do what `Stages.last_layer` says, `tiles` tiles of samples to a program."""
    column = tl.arange(0, columns)
    there = column < width
    number = tl.arange(0, padded_channels)
    weight_sum = tl.zeros((padded_channels, columns), tl.float32)
    bias_sum = tl.zeros((padded_channels,), tl.float32)
    square_sum = tl.zeros((rows,), tl.float32)
    for tile in range(tiles):
        row = (tl.program_id(0) * tiles + tile) * rows + tl.arange(0, rows)
        here = row < count
        place = row[:, None] * width + column[None, :]
        inside = here[:, None] & there[None, :]
        hidden = tl.load(sines + place, inside, 0.0).to(tl.float32)
        below = tl.zeros((rows, columns), tl.float32)
        for channel in range(channels):
            slope = tl.load(weight + channel * width + column, there, 0.0)
            target = tl.load(targets + row * row_stride + channel * column_stride, here, 0.0)
            outputs = tl.sum(hidden * slope[None, :], axis=1) + tl.load(bias + channel)
            difference = tl.where(here, outputs - target, 0.0)
            square_sum += difference * difference
            derivative = difference * (2.0 * share)  # (rows,)
            below += derivative[:, None] * slope[None, :]
            gradient = tl.sum(hidden * derivative[:, None], axis=0)  # (columns,)
            mine = number == channel
            weight_sum += tl.where(mine[:, None], gradient[None, :], 0.0)
            bias_sum += tl.where(mine, tl.sum(derivative, axis=0), 0.0)
        tl.store(flow + place, below.to(flow.dtype.element_ty), inside)
    mine = partials + tl.program_id(0) * sums
    exists = number < channels
    place = mine + last + number[:, None] * width + column[None, :]
    _leave(place, weight_sum, exists[:, None] & there[None, :], fresh)
    _leave(mine + last_bias + number, bias_sum, exists, fresh)
    only = tl.arange(0, 1)
    _leave(mine + loss + only, tl.sum(square_sum, axis=0) * share + only * 0.0, only == 0, fresh)


@jit
def pass_cosines(
    flow: tl.tensor,
    cosines: tl.tensor,
    partials: tl.tensor,
    count: tl.tensor,
    tiles: tl.constexpr,
    width: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    sums: tl.constexpr,
    bias: tl.constexpr,
    fresh: tl.constexpr,
) -> None:
    """Do what `Stages.pass_cosines` says, `tiles` tiles of samples to a program."""
    column = tl.arange(0, columns)
    there = column < width
    bias_sum = tl.zeros((columns,), tl.float32)
    for tile in range(tiles):
        row = (tl.program_id(0) * tiles + tile) * rows + tl.arange(0, rows)
        place = row[:, None] * width + column[None, :]
        inside = (row < count)[:, None] & there[None, :]
        product = tl.load(flow + place, inside, 0.0).to(tl.float32)
        product *= tl.load(cosines + place, inside, 0.0).to(tl.float32)
        bias_sum += tl.sum(product, axis=0)
        tl.store(flow + place, product.to(flow.dtype.element_ty), inside)
    _leave(partials + tl.program_id(0) * sums + bias + column, bias_sum, there, fresh)


@jit
def first_gradient(
    flow: tl.tensor,
    cosines: tl.tensor,
    coordinates: tl.tensor,
    row_stride: tl.tensor,
    column_stride: tl.tensor,
    partials: tl.tensor,
    count: tl.tensor,
    tiles: tl.constexpr,
    width: tl.constexpr,
    features: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    padded_features: tl.constexpr,
    sums: tl.constexpr,
    first: tl.constexpr,
    fresh: tl.constexpr,
) -> None:
    """Do what `Stages.first_gradient` says, `tiles` tiles of samples to a program."""
    column = tl.arange(0, columns)
    there = column < width
    number = tl.arange(0, padded_features)
    bias_sum = tl.zeros((columns,), tl.float32)
    weight_sum = tl.zeros((padded_features, columns), tl.float32)
    for tile in range(tiles):
        row = (tl.program_id(0) * tiles + tile) * rows + tl.arange(0, rows)
        here = row < count
        place = row[:, None] * width + column[None, :]
        inside = here[:, None] & there[None, :]
        product = tl.load(flow + place, inside, 0.0).to(tl.float32)
        product *= tl.load(cosines + place, inside, 0.0).to(tl.float32)
        bias_sum += tl.sum(product, axis=0)
        for feature in range(features):
            at = tl.load(coordinates + row * row_stride + feature * column_stride, here, 0.0)
            gradient = tl.sum(product * at[:, None], axis=0)
            weight_sum += tl.where((number == feature)[:, None], gradient[None, :], 0.0)
    mine = partials + tl.program_id(0) * sums
    _leave(mine + column, bias_sum, there, fresh)
    place = mine + first + column[None, :] * features + number[:, None]
    _leave(place, weight_sum, (number < features)[:, None] & there[None, :], fresh)


@jit
def adam(
    values: tl.tensor,
    gradients: tl.tensor,
    gradient_stride: tl.tensor,
    first: tl.tensor,
    second: tl.tensor,
    rates: tl.tensor,
    bounds: tl.tensor,
    pace: tl.tensor,
    pace_stride: tl.tensor,
    count: tl.tensor,
    decay: tl.constexpr,
    second_decay: tl.constexpr,
    epsilon: tl.constexpr,
    bounded: tl.constexpr,
    tile: tl.constexpr,
) -> None:
    """Do what `plain_update` says, `tile` values of a member to a program."""
    member = tl.program_id(1)
    column = tl.program_id(0) * tile + tl.arange(0, tile)
    inside = column < count
    place = member.to(tl.int64) * count + column
    gradient = tl.load(gradients + member.to(tl.int64) * gradient_stride + column, inside, 0.0)
    mean = tl.load(first + place, inside, 0.0)
    mean += (gradient - mean) * (1.0 - decay)
    square = tl.load(second + place, inside, 0.0)
    square = square * second_decay + gradient * gradient * (1.0 - second_decay)
    tl.store(first + place, mean, inside)
    tl.store(second + place, square, inside)
    rise, spread = tl.load(pace + member), tl.load(pace + pace_stride + member)
    rate = tl.load(rates + place, inside, 0.0) * rise
    value = tl.load(values + place, inside, 0.0)
    value -= rate * mean / (tl.sqrt(square) * spread + epsilon)
    if bounded:
        value = clamp(value, tl.load(bounds + place, inside, 0.0))
    tl.store(values + place, value, inside)


@jit
def clamp(value: tl.tensor, bound: tl.tensor) -> tl.tensor:
    """Hold values within magnitudes; comparisons let a NaN through, so that it is seen."""
    value = tl.where(value > bound, bound, value)
    return tl.where(value < -bound, -bound, value)
