"""What a field is trained on: the signal's values, or derivatives of them.

Fits of derivatives are those of Sitzmann et al., 2020 (Implicit neural representations with
periodic activation functions, section 4.1): the loss compares derivatives of the network, exact,
with those of the signal at its samples. These are the derivatives of the series of cosines through
the samples (see `signals.cosine_series`), in values per sample; mirrored at its borders, the signal
is told by either of them but for its mean.

A derivative says next to nothing of what changes slowly: an error of the Laplacian grows by the
inverse square of a wave's frequency in the field. So the samples' derivatives are also integrated,
by Poisson's equation on the grid, and the values of the field are to meet the solution; the mean
squares of values and derivatives, each over the variance of what they are to meet, weigh alike. The
recipe of the papers leaves the values out, as they do, and the mean of the signal is put in last.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.engines.derived import DerivedOutputs
from sinefit.errors import SettingError
from sinefit.memory import check_memory
from sinefit.networks.sine import bias_name
from sinefit.signals.cosine_series import (
    gradient,
    integral_of_gradient,
    integral_of_laplacian,
    laplacian,
)
from sinefit.signals.grid import native_axis
from sinefit.signals.signal import Signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.engines.derived import Quantity
    from sinefit.fitting.config import FitConfig
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import SignalSpec

RATE_SHARE: Final[dict[Quantity, float]] = {"gradient": 0.5, "laplacian": 0.125}
"""Of an initializer's or a network's usual rate, which is too fast for derivatives."""
COPIES: Final = 8
"""How often derivatives and values of float64 are in memory while they are computed."""


def outputs_for(signal: Signal, config: FitConfig) -> DerivedOutputs | None:
    """Return what of a network meets the targets of settings that are decided; None for its values.

    Raises SettingError for settings and signals whose derivatives cannot be fitted, and
    MemoryLimitError where they do not fit in memory.
    """
    quantity, spec = config.supervise, signal.spec
    if quantity == "values":
        return None
    _check(signal, config)
    columns = spec.channels * (2 + spec.axes if quantity == "gradient" else 3)
    check_memory(
        8 * COPIES * columns * spec.sample_count,
        f"the {quantity} of {spec.sample_count} samples needs {{}} in memory",
        "take a part with `region` or `duration`, or `downsample` it",
    )
    values = _values(signal)
    spread = float(np.std(values, axis=_grid_axes(spec)).mean())
    found = gradient(values) if quantity == "gradient" else laplacian(values)
    power = math.sqrt(float(np.square(found).mean()))
    return DerivedOutputs(
        quantity,
        tuple(native_axis(size).per_sample(spec.coordinates) for size in spec.shape),
        spread / power if power > 0.0 else 1.0,
        with_values=config.recipe != "paper",
    )


def trained_on(signal: Signal, outputs: DerivedOutputs | None) -> Signal:
    """Return a signal of what networks are to meet at the samples; itself for its values."""
    if outputs is None:
        return signal
    values, spec = _values(signal), signal.spec
    if outputs.quantity == "gradient":
        slopes = gradient(values)
        integral, derivatives = integral_of_gradient(slopes), list(slopes)
    else:
        bends = laplacian(values)
        integral, derivatives = integral_of_laplacian(bends), [bends]
    columns = [each * outputs.unit for each in derivatives]
    if outputs.with_values:
        columns.insert(0, integral + values.mean(axis=_grid_axes(spec)))
    samples = np.concatenate(columns, axis=-1).astype(np.float32)
    plain = replace(
        spec, dtype="float32", channels=samples.shape[-1], low=-1.0, high=1.0, targets="-1,1"
    )
    return Signal(plain, samples)


def with_level(network: Network, missing: NDArray[np.floating]) -> Network:
    """Return a network of one member with a constant (channels,) added to its values."""
    raised = network.clone()
    bias = raised.parameters[_level_name(network.size)]
    level = torch.from_numpy(missing).to(bias)
    # That of a complex layer has an imaginary part, which its values have not.
    (bias[..., 0] if bias.ndim > level.ndim + 1 else bias).add_(level)
    return raised


def _level_name(size: NetworkSize) -> str:
    """Return what the bias of the last layer is called, a constant that is added to all values."""
    return bias_name(size.depth)


def _values(signal: Signal) -> NDArray[np.floating]:
    return signal.spec.to_unit(signal.samples, "float64")


def _grid_axes(spec: SignalSpec) -> tuple[int, ...]:
    return tuple(range(spec.axes))


def _check(signal: Signal, config: FitConfig) -> None:
    """Raise SettingError for what a fit of derivatives does not take."""
    spec, asked = signal.spec, f"`supervise` is {config.supervise}"
    if spec.domain == "sphere":
        raise SettingError(f"{asked}: it is for grids, not for a sphere")
    if signal.known is not None:
        raise SettingError(f"{asked}: derivatives at samples hang on all others, so none can lack")
    if config.holdout is not None:
        raise SettingError(f"{asked}: `holdout` has no use, as derivatives hang on all samples")
    if config.blocks_for(spec).count > 1:
        word = "blocks" if config.block_size is None else "block_size"
        raise SettingError(f"{asked}: it is for one network, so leave `{word}` out")
    network = config.network_for(spec)
    if config.recipe == "paper" and _level_name(size := config.size_for(spec)) not in (
        network.shapes(size)
    ):
        raise SettingError(
            f"{asked}: `network` {network.name} has no constant to put the mean in: leave out "
            "`recipe` paper"
        )
    if config.footprint != "point":
        raise SettingError(f"{asked}: `footprint` is {config.footprint}, it must be point")
