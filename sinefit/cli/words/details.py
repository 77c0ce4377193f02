"""What `--verbose` says: what was recognised, the network, and what it is computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.words.amounts import size
from sinefit.signals.blocks import width_first

if TYPE_CHECKING:
    import torch

    from sinefit.fields.field import Field
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import SignalSpec


def signal_details(spec: SignalSpec) -> str:
    """Return in words what was recognised in a file."""
    parts = [f"format {spec.format}"]
    if spec.source_bytes is not None:
        parts.append(size(spec.source_bytes))
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
    networks = _blocks_word(plan.blocks, plan.spec) + _network_line(plan.work.size)
    return [
        f"recognised {signal_details(plan.spec)}",
        f"{networks}; weights {start}, seed {config.seed}",
        f"learning rates by layer {rates}; batch {plan.batch}; until {' or '.join(limits)}",
        f"{_device_line(plan.machine.device, config.threads)}; engine {_engine(plan)}",
    ]


def field_details(field: Field, device: torch.device, threads: int | None) -> list[str]:
    """Return lines about a field that is going to be evaluated."""
    record = field.record
    omega = ",".join(f"{value:.4g}" for value in record.omega)
    quality = "not measured" if record.psnr is None else f"{record.psnr:.2f} dB PSNR"
    fitted = f"{record.initializer}, omega {omega}, {record.steps} steps, {quality}"
    return [
        f"fitted to {field.spec.source or 'a signal'}: {signal_details(field.spec)}",
        f"{_blocks_word(field.blocks, field.spec)}{_network_line(field.network.size)}; {fitted}",
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
    return f"{counts} blocks of {cell} samples, margins {margins}, each a "


def networks_word(plan: FitPlan) -> str:
    """Return in a few words what is trained."""
    width = plan.work.size.width
    if plan.blocks.count == 1:
        return f"one network {width} wide"
    counts = "x".join(map(str, width_first(plan.blocks.counts, plan.spec.kind)))
    return f"{counts} blocks {width} wide"


def _network_line(network: NetworkSize) -> str:
    sizes = [network.in_features, *[network.width] * network.depth, network.out_features]
    return f"network {'-'.join(map(str, sizes))}, {network.parameter_count} weights"


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
