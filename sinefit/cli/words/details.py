"""What `--verbose` says: what was recognised, the network, and what it is computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.words.amounts import size as size_words
from sinefit.networks.registry import describe_network
from sinefit.signals.blocks import width_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from sinefit.fields.field import Field
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.family import Family
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import SignalSpec


def signal_details(spec: SignalSpec) -> str:
    """Return in words what was recognised in a file."""
    parts = [f"format {spec.format}"]
    if spec.source_bytes is not None:
        parts.append(size_words(spec.source_bytes))
    parts.append(f"{spec.dtype} values from {spec.low:g} to {spec.high:g}")
    if spec.encoding is not None:
        parts.append(f"stored as {spec.encoding}")
    for there, word in (
        (spec.alpha, "alpha"),
        (spec.icc_profile, "a colour profile"),
        (spec.soundtrack, "a sound track"),
        (spec.domain == "sphere", "on the sphere"),
    ):
        if there:
            parts.append(word)
    return ", ".join(parts)


def fit_details(plan: FitPlan) -> list[str]:
    """Return lines about how a signal is going to be fitted."""
    config, budget = plan.config, plan.budget
    limits = []
    if budget.steps is not None:
        limits.append(f"{budget.steps} steps")
    if budget.max_time is not None:
        limits.append(f"{budget.max_time:g} s")
    if budget.target_psnr is not None:
        limits.append(f"{budget.target_psnr:g} dB")
    start = "those of an earlier fit" if plan.continued else "drawn"
    rates = ", ".join(f"{rate:.3g}" for rate in plan.learning_rates)
    what = "rates by layer" if len(plan.learning_rates) > 1 else "rate"
    line = _network_line(plan.work.family, plan.work.size)
    networks = _blocks_word(plan.blocks, plan.spec) + line
    return [
        f"recognised {signal_details(plan.spec)}",
        f"{networks}; weights {start}, seed {config.seed}",
        f"learning {what} {rates}; batch {plan.batch}; until {' or '.join(limits)}",
        training_words(plan),
        f"{_device_line(plan.machine.device, config.threads)}; engine {_engine(plan)}",
    ]


def training_words(plan: FitPlan) -> str:
    """Return how its steps are taken: what recipes differ in."""
    config = plan.config
    first, second, epsilon = plan.adam
    beside = "own" if config.epsilon is not None else "effective"
    rate = "" if config.learning_rate is None else f"rate {config.learning_rate:g}, "
    return (
        f"recipe {config.recipe}: {rate}{plan.schedule}, Adam with betas {first:g}, {second:g} "
        f"and epsilon {epsilon:g} on {beside} weights, {plan.batch} samples per step, precision "
        f"{config.precision}, coordinates {plan.spec.coordinates}, targets {plan.spec.targets}"
    )


def field_details(field: Field, device: torch.device, threads: int | None) -> list[str]:
    """Return lines about a field that is going to be evaluated."""
    record = field.record
    quality = "not measured" if record.psnr is None else f"{record.psnr:.2f} dB PSNR"
    start = start_words(field.network.family, record.initializer, record.omega)
    fitted = f"{start}, {record.steps} steps, {quality}"
    line = _network_line(field.network.family, field.network.size)
    return [
        f"fitted to {field.spec.source or 'a signal'}: {signal_details(field.spec)}",
        f"{_blocks_word(field.blocks, field.spec)}{line}; {fitted}",
        _device_line(device, threads),
    ]


def _blocks_word(blocks: BlockGrid, spec: SignalSpec) -> str:
    """Return how blocks lie, in the order in which they are asked for; of a single one nothing."""
    if blocks.count == 1:
        return ""
    counts, cell, margins = (
        "x".join(map(str, width_first(values, spec.kind)))
        for values in (blocks.counts, blocks.cell, blocks.margins)
    )
    each = "each a " if blocks.ensemble == 1 else f"on each the mean of {blocks.ensemble}: a "
    return f"{counts} blocks of {cell} samples, margins {margins}, {each}"


def networks_word(plan: FitPlan) -> str:
    """Return in a few words what is trained."""
    width = plan.work.size.width
    if plan.blocks.count == 1:
        return f"one network {width} wide"
    counts = "x".join(map(str, width_first(plan.blocks.counts, plan.spec.kind)))
    times = f", {plan.blocks.ensemble} networks each" if plan.blocks.ensemble > 1 else ""
    return f"{counts} blocks {width} wide{times}"


def start_words(
    family: Family, initializer: str | None, omega: Sequence[float], origin: str = ""
) -> str:
    """Return how a network started: the initializer with its omega, or the kind of network."""
    if initializer is None:
        return describe_network(family)
    return f"{initializer}, omega {','.join(f'{factor:.4g}' for factor in omega)}{origin}"


def _network_line(family: Family, size: NetworkSize) -> str:
    sizes = [size.in_features, *[size.width] * size.depth, size.out_features]
    return f"network {'-'.join(map(str, sizes))}, {family.parameter_count(size)} weights"


def _device_line(device: torch.device, threads: int | None) -> str:
    import torch

    if device.type != "cpu":
        return f"device {device}"
    return f"device cpu, threads {threads or torch.get_num_threads()}"


def _engine(plan: FitPlan) -> str:
    """Return which engine trains, and the factors of its products."""
    words = {
        "float32": "factors in float32",
        "bfloat16": "factors in bfloat16",
        "two bfloat16": "factors in two bfloat16",
    }
    return f"{plan.engine.name}, {words[plan.precision]}"
