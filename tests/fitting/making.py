"""Small signals and settings for the tests of fitting, and measures independent of the tool's."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal, SignalSpec

if TYPE_CHECKING:
    from sinefit.fitting.report import FitResult

Values = np.ndarray[Any, np.dtype[Any]]


def natural(shape: tuple[int, ...], seed: int = 0) -> Values:
    """Noise whose spectrum falls as 1/f like that of photographs, from 0 to 1."""
    white = np.random.default_rng(seed).standard_normal(shape)
    grids = np.meshgrid(*[np.fft.fftfreq(size) for size in shape], indexing="ij")
    frequency = np.sqrt(sum(grid**2 for grid in grids))
    frequency.flat[0] = np.inf
    noise = np.fft.ifftn(np.fft.fftn(white) / frequency).real
    noise -= noise.min()
    return noise / (noise.max() or 1.0)


def picture(
    shape: tuple[int, int] = (24, 20), channels: int = 1, bits: int = 8, seed: int = 0
) -> Signal:
    top = 2**bits - 1
    values = np.stack([natural(shape, seed + channel) for channel in range(channels)], axis=-1)
    spec = SignalSpec("image", shape, channels, f"uint{bits}", 0.0, top, "png", bits)
    return Signal(spec, np.rint(values * top).astype(f"uint{bits}"))


def even_picture(value: int, shape: tuple[int, int] = (1, 1)) -> Signal:
    spec = SignalSpec("image", shape, 1, "uint8", 0.0, 255.0, "png", 8)
    return Signal(spec, np.full((*shape, 1), value, np.uint8))


def sound(count: int = 500, channels: int = 1) -> Signal:
    samples = (natural((count, channels)) - 0.5).astype(np.float32)
    peak = float(np.abs(samples).max()) or 1.0
    spec = SignalSpec(
        "audio", (count,), channels, "float32", -peak, peak, "wav", 16, Fraction(8000), "PCM_16"
    )
    return Signal(spec, samples)


def clip(shape: tuple[int, int, int] = (4, 8, 10)) -> Signal:
    values = np.stack([natural(shape, seed) for seed in range(3)], axis=-1)
    spec = SignalSpec("video", shape, 3, "uint8", 0.0, 255.0, "mp4", 8, Fraction(25))
    return Signal(spec, np.rint(values * 255).astype(np.uint8))


def globe(shape: tuple[int, int] = (9, 18)) -> Signal:
    return array_signal(natural(shape) * 60 - 30, domain="sphere")


STILL: dict[str, Any] = {"budget": Budget(steps=1), "learning_rate": 1e-30}
"""Settings that leave the starting weights as they are, but for what float32 cannot tell."""


def settings(init: str = "siren", **others: Any) -> FitConfig:
    values: dict[str, Any] = {
        "width": 16,
        "depth": 2,
        "batch": 256,
        "budget": Budget(steps=150),
        "device": "cpu",
        "blocks": (1,),
    }
    return FitConfig(initializer=parse_initializer(init), **(values | others))


def random_network(size: NetworkSize, seed: int = 0) -> Network:
    """Weights of variance 1/fan_in and biases that put the sines everywhere; a stack of one."""
    generator = torch.Generator().manual_seed(seed)
    return Network.of(
        SINE,
        size,
        {
            name: torch.randn((1, *shape), generator=generator)
            / (math.sqrt(shape[1]) if len(shape) == 2 else 1.0)
            for name, shape in SINE.shapes(size).items()
        },
    )


def network_of(*layers: tuple[Values, Values]) -> Network:
    """A stack of one of weights (fan_out, fan_in) and biases (fan_out,), first layer first."""
    (width, features), channels = np.shape(layers[0][0]), len(layers[-1][1])
    parameters = {}
    for number, (weight, bias) in enumerate(layers):
        parameters[weight_name(number)] = torch.tensor(weight, dtype=torch.float32)[None]
        parameters[bias_name(number)] = torch.tensor(bias, dtype=torch.float32)[None]
    return Network.of(SINE, NetworkSize(features, width, len(layers) - 1, channels), parameters)


def constant_network(*values: float) -> Network:
    """A network of two coordinates whose outputs are these everywhere."""
    return network_of(
        (np.zeros((3, 2)), np.zeros(3)), (np.zeros((len(values), 3)), np.array(values))
    )


def outputs_of(network: Network, spec: SignalSpec) -> Values:
    """The network's outputs on a signal's own grid, in float64, (*shape, channels)."""
    if spec.domain == "sphere":
        rows, columns = spec.shape
        latitude = (np.pi / 2 - (np.arange(rows) + 0.5) * np.pi / rows)[:, None]
        longitude = (-np.pi + (np.arange(columns) + 0.5) * 2 * np.pi / columns)[None, :]
        parts = np.broadcast_arrays(
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        )
    else:
        axes = [(2 * np.arange(size) + 1) / size - 1 for size in spec.shape]
        parts = tuple(np.meshgrid(*axes, indexing="ij"))
    hidden = np.stack(parts, axis=-1).reshape(-1, len(parts))
    parameters = {name: part[0].double().numpy() for name, part in network.parameters.items()}
    layers = [
        (parameters[weight_name(layer)], parameters[bias_name(layer)])
        for layer in range(network.size.depth + 1)
    ]
    for W, b in layers[:-1]:
        hidden = np.sin(hidden @ W.T + b)
    W, b = layers[-1]
    outputs: Values = (hidden @ W.T + b).reshape(*spec.shape, spec.channels)
    return outputs


def decibels(error: Values, value_range: float) -> float:
    return 20 * math.log10(value_range / math.sqrt(np.mean(np.square(error))))


def measured(result: FitResult, signal: Signal) -> tuple[float, float]:
    """PSNR as saved and in float, by formulas of the tests alone."""
    spec = signal.spec
    values = outputs_of(result.field.network, spec).astype(np.float64)
    values = (values + 1) / 2 * (spec.high - spec.low) + spec.low
    if spec.dtype == "bool":
        stored = (values >= 0.5).astype(np.float64)
    elif np.issubdtype(np.dtype(spec.dtype), np.integer):
        limits = np.iinfo(spec.dtype)
        stored = np.clip(np.rint(values), limits.min, limits.max)
    else:
        stored = values
    truth = signal.samples.astype(np.float64)
    width = spec.high - spec.low
    exact = not np.any(stored - truth)
    return (
        math.inf if exact else decibels(stored - truth, width),
        decibels(values - truth, width),
    )


def reached(result: FitResult) -> float:
    """The PSNR of unrounded values that a fit tells of itself."""
    quality = result.report.record.psnr_float
    assert quality is not None
    return quality
