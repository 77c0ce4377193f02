"""What `--verbose` says: what was recognised, the network, and what it is computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.console import size

if TYPE_CHECKING:
    import torch

    from sinefit.fields.field import Field
    from sinefit.fitting.config import FitConfig
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal, SignalSpec


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


def fit_details(
    signal: Signal,
    config: FitConfig,
    omega: tuple[float, ...],
    device: torch.device,
    *,
    start_from: Field | None,
) -> list[str]:
    """Return lines about how a signal is going to be fitted."""
    budget = config.budget
    limits = []
    if budget is None or budget.steps is not None:
        from sinefit.fitting.defaults import default_steps

        steps = default_steps(signal.spec) if budget is None else budget.steps
        limits.append(f"{steps} steps")
    if budget is not None and budget.max_time is not None:
        limits.append(f"{budget.max_time:g} s")
    if budget is not None and budget.target_psnr is not None:
        limits.append(f"{budget.target_psnr:g} dB")
    network = config.size_for(signal.spec)
    start = "drawn" if start_from is None else "those of an earlier fit"
    rates = ", ".join(f"{rate:.3g}" for rate in _rates(signal, config, omega))
    batch = config.batch_for(signal.spec)
    return [
        f"recognised {signal_details(signal.spec)}",
        f"{_network_line(network)}; weights {start}, seed {config.seed}",
        f"learning rates by layer {rates}; batch {batch}; until {' or '.join(limits)}",
        f"{_device_line(device, config.threads)}; engine {_engine(config, device, network)}",
    ]


def field_details(field: Field, device: torch.device, threads: int | None) -> list[str]:
    """Return lines about a field that is going to be evaluated."""
    record = field.record
    omega = ",".join(f"{value:.4g}" for value in record.omega)
    quality = "not measured" if record.psnr is None else f"{record.psnr:.2f} dB PSNR"
    fitted = f"{record.initializer}, omega {omega}, {record.steps} steps, {quality}"
    return [
        f"fitted to {field.spec.source or 'a signal'}: {signal_details(field.spec)}",
        f"{_network_line(field.network.size)}; {fitted}",
        _device_line(device, threads),
    ]


def _network_line(network: NetworkSize) -> str:
    sizes = [network.in_features, *[network.width] * network.depth, network.out_features]
    return f"network {'-'.join(map(str, sizes))}, {network.parameter_count} weights"


def _device_line(device: torch.device, threads: int | None) -> str:
    import torch

    if device.type != "cpu":
        return f"device {device}"
    return f"device cpu, threads {threads or torch.get_num_threads()}"


def _rates(signal: Signal, config: FitConfig, omega: tuple[float, ...]) -> tuple[float, ...]:
    import torch

    from sinefit.fitting.optimizer import rates_of
    from sinefit.fitting.traits import signal_traits

    generator = torch.Generator().manual_seed(config.seed)
    recipe = config.initializer
    size = config.size_for(signal.spec)
    start = recipe.draw(size, omega, signal_traits(signal), generator)
    return rates_of(config, signal.spec, start.rules)


def _engine(config: FitConfig, device: torch.device, network: NetworkSize) -> str:
    from sinefit.fitting.engines import choose_engine, fast_operands

    name = choose_engine(config.engine, device, network)
    if name == "autograd":
        return "autograd, float32 operands"
    operands = str(fast_operands(device)).removeprefix("torch.")
    return f"{name}, {operands} operands"
