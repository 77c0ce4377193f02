"""The Triton kernel that trains a small network inside one multiprocessor.

Import it only where Triton is installed; `sinefit.engines.block_training` launches it. A program
has a member of the stack to itself from its first step to its last. What it computes with between
two products stays in its registers; the hidden weights as the products' factors, the gradient, and
behind them the weights and Adam's averages in float32 are its own rows of memory, which lie in the
caches next to it. No two programs meet, so there is nothing to wait for but its own warps.

Widths are padded to `columns`, a batch goes by `rows` samples at a time; the padding's phases are 0
and what flows back there is 0, so that it adds nothing to any sum.
"""

from __future__ import annotations

import triton.language as tl  # type: ignore[import-not-found,import-untyped,unused-ignore]

from sinefit.engines.kernels import clamp, jit, sine_and_cosine

LARGEST: tl.constexpr = tl.constexpr(14.0)
"""Binary exponent that the largest value of a flow in float16 is brought to; that of the largest
number of the type is 15."""
NEGLIGIBLE: tl.constexpr = tl.constexpr(1e-30)
"""A flow whose largest value is smaller is not brought there: its factor would leave float32."""


@jit
def _factor(flow: tl.tensor, halved: tl.constexpr) -> tl.tensor:
    """Return the power of two that brings a flow to where float16 is finest, 1 for float32."""
    if not halved:
        return tl.sum(tl.zeros((1,), tl.float32), axis=0) + 1.0
    largest = tl.max(tl.max(tl.abs(flow), axis=1), axis=0)
    return tl.exp2(LARGEST - tl.floor(tl.log2(tl.maximum(largest, NEGLIGIBLE))))


@jit
def _add(place: tl.tensor, value: tl.tensor, inside: tl.tensor, part: tl.tensor) -> None:
    """Add a part's sums over samples to those of earlier parts of the batch."""
    value += tl.load(place, inside & (part > 0), 0.0)
    tl.store(place, value, inside)


@jit
def _round(values: tl.tensor, factors: tl.tensor, hidden: tl.constexpr, tile: tl.constexpr) -> None:
    """Write the hidden weights as the factors of products."""
    for begin in range(0, hidden, tile):
        place = begin + tl.arange(0, tile)
        inside = place < hidden
        value = tl.load(values + place, inside, 0.0)
        tl.store(factors + place, value.to(factors.dtype.element_ty), inside)


@jit
def _update(
    values: tl.tensor,
    gradients: tl.tensor,
    first: tl.tensor,
    second: tl.tensor,
    rates: tl.tensor,
    bounds: tl.tensor,
    factors: tl.tensor,
    rise: tl.tensor,
    spread: tl.tensor,
    decay: tl.constexpr,
    second_decay: tl.constexpr,
    epsilon: tl.constexpr,
    bounded: tl.constexpr,
    halved: tl.constexpr,
    count: tl.constexpr,
    hidden: tl.constexpr,
    tile: tl.constexpr,
) -> None:
    """Take Adam's step, see `adam.plain_update`, on all values of a member."""
    for begin in range(0, count, tile):
        place = begin + tl.arange(0, tile)
        inside = place < count
        gradient = tl.load(gradients + place, inside, 0.0)
        mean = tl.load(first + place, inside, 0.0)
        mean += (gradient - mean) * (1.0 - decay)
        square = tl.load(second + place, inside, 0.0)
        square = square * second_decay + gradient * gradient * (1.0 - second_decay)
        tl.store(first + place, mean, inside)
        tl.store(second + place, square, inside)
        rate = tl.load(rates + place, inside, 0.0) * rise
        value = tl.load(values + place, inside, 0.0)
        value -= rate * mean / (tl.sqrt(square) * spread + epsilon)
        if bounded:
            value = clamp(value, tl.load(bounds + place, inside, 0.0))
        tl.store(values + place, value, inside)
        if halved:
            factor = tl.where(place < hidden, value, 0.0)  # others may be too large for its type
            tl.store(factors + place, factor.to(factors.dtype.element_ty), place < hidden)


@jit
def train(
    values: tl.tensor,
    first: tl.tensor,
    second: tl.tensor,
    rates: tl.tensor,
    bounds: tl.tensor,
    samples: tl.tensor,
    begins: tl.tensor,
    indices: tl.tensor,
    paces: tl.tensor,
    factors: tl.tensor,
    gradients: tl.tensor,
    losses: tl.tensor,
    members: tl.tensor,
    steps: tl.tensor,
    batch: tl.tensor,
    share: tl.tensor,
    decay: tl.constexpr,
    second_decay: tl.constexpr,
    epsilon: tl.constexpr,
    bounded: tl.constexpr,
    halved: tl.constexpr,
    features: tl.constexpr,
    width: tl.constexpr,
    depth: tl.constexpr,
    channels: tl.constexpr,
    columns: tl.constexpr,
    rows: tl.constexpr,
    tile: tl.constexpr,
) -> None:
    """Train a member for some steps, see `BlockTraining.take`; add up its losses before them.

    Rows of `values`, Adam's averages, `rates`, `bounds`, `gradients` and `factors` are its own;
    `samples` begin at its number in `begins`. `indices` (steps, members, batch) and `paces`
    (steps, 2, members) are those of all. `share` is 1 / (batch * channels).
    """
    hidden: tl.constexpr = (depth - 1) * width * width
    first_at: tl.constexpr = hidden + depth * width
    last_at: tl.constexpr = first_at + width * features
    last_bias_at: tl.constexpr = last_at + channels * width
    count: tl.constexpr = last_bias_at + channels
    member = tl.program_id(0).to(tl.int64)
    values += member * count
    first += member * count
    second += member * count
    rates += member * count
    bounds += member * count
    gradients += member * count
    if halved:
        factors += member * hidden
        _round(values, factors, hidden, tile)
        tl.debug_barrier()
    else:
        factors = values
    kind = factors.dtype.element_ty
    samples += tl.load(begins + member) * (features + channels)
    column = tl.arange(0, columns)
    there = column < width
    square = column[:, None] * width + column[None, :]  # of weights (fan_out, fan_in)
    turned = column[None, :] * width + column[:, None]
    inside = there[:, None] & there[None, :]
    total = tl.zeros((rows,), tl.float32)
    # Loops of a kind that nothing is moved across: what a step loads the last one has written.
    step = 0
    while step < steps:
        part = tl.program_id(1)  # 0, but of the device's integers
        while part * rows < batch:
            row = part * rows + tl.arange(0, rows)
            here = row < batch
            drawn = tl.load(indices + (step * members + member) * batch + row, here, 0)
            sample = samples + drawn.to(tl.int64) * (features + channels)
            phases = tl.zeros((rows, columns), tl.float32)
            phases += tl.load(values + hidden + column, there, 0.0)[None, :]
            for feature in tl.static_range(features):
                at = tl.load(sample + feature, here, 0.0)
                slope = tl.load(values + first_at + column * features + feature, there, 0.0)
                phases += at[:, None] * slope[None, :]
            sine, cosine = sine_and_cosine(phases)
            sines = (sine.to(kind),)
            cosines = (cosine.to(kind),)
            for layer in tl.static_range(1, depth):
                at_weights = factors + (layer - 1) * width * width
                weights = tl.load(at_weights + turned, inside, 0.0)  # (fan_in, fan_out)
                phases = tl.dot(sines[layer - 1], weights, input_precision="ieee")
                bias = tl.load(values + hidden + layer * width + column, there, 0.0)
                sine, cosine = sine_and_cosine(phases + bias[None, :])
                if layer < depth - 1:
                    # (Triton's tuples are added up, not unpacked.)
                    sines = sines + (sine.to(kind),)  # type: ignore[assignment]  # noqa: RUF005
                    cosines = cosines + (cosine.to(kind),)  # type: ignore[assignment]  # noqa: RUF005
            flow = tl.zeros((rows, columns), tl.float32)
            for channel in tl.static_range(channels):
                at_slope = last_at + channel * width + column
                slope = tl.load(values + at_slope, there, 0.0)
                target = tl.load(sample + features + channel, here, 0.0)
                outputs = tl.sum(sine * slope[None, :], axis=1)
                outputs += tl.load(values + last_bias_at + channel)
                difference = tl.where(here, outputs - target, 0.0)
                total += difference * difference * share
                derivative = difference * (2.0 * share)  # (rows,)
                flow += derivative[:, None] * slope[None, :]
                slope_sum = tl.sum(sine * derivative[:, None], axis=0)
                _add(gradients + at_slope, slope_sum, there, part)
                at_bias = last_bias_at + channel + tl.arange(0, 1)
                bias_sum = tl.sum(derivative, axis=0) + tl.zeros((1,), tl.float32)
                _add(gradients + at_bias, bias_sum, at_bias < count, part)
            flow = flow * cosine
            for back in tl.static_range(1, depth):
                at_bias = hidden + (depth - back) * width + column
                _add(gradients + at_bias, tl.sum(flow, axis=0), there, part)
                factor = _factor(flow, halved)
                scaled = (flow * factor).to(kind)
                gradient = tl.dot(tl.trans(scaled), sines[depth - back - 1], input_precision="ieee")
                at_weights = (depth - back - 1) * width * width + square
                _add(gradients + at_weights, gradient / factor, inside, part)
                weights = tl.load(factors + at_weights, inside, 0.0)  # (fan_out, fan_in)
                below = tl.dot(scaled, weights, input_precision="ieee")
                flow = below / factor * cosines[depth - back - 1].to(tl.float32)
            _add(gradients + hidden + column, tl.sum(flow, axis=0), there, part)
            for feature in tl.static_range(features):
                at = tl.load(sample + feature, here, 0.0)
                slope_sum = tl.sum(flow * at[:, None], axis=0)
                _add(gradients + first_at + column * features + feature, slope_sum, there, part)
            # The next part adds to what other threads have written.
            tl.debug_barrier()
            part += 1
        at_pace = paces + step * 2 * members + member
        _update(
            values,
            gradients,
            first,
            second,
            rates,
            bounds,
            factors,
            tl.load(at_pace),
            tl.load(at_pace + members),
            decay,
            second_decay,
            epsilon,
            bounded,
            halved,
            count,
            hidden,
            tile,
        )
        tl.debug_barrier()
        step += 1
    tl.store(losses + member, tl.sum(total, axis=0))
