"""Networks, batches and exact gradients for the tests of engines."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sinefit.engines.engine import Work
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.reference import ReferenceEngine
from sinefit.networks.family import Family
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sinefit.engines.objective import Objective

CPU = torch.device("cpu")
OBJECTIVE = MeanSquaredError()
SIZES = [
    (NetworkSize(1, 16, 1, 1), 8),
    (NetworkSize(1, 5, 2, 2), 1),
    (NetworkSize(2, 33, 3, 3), 50),
    (NetworkSize(3, 48, 4, 4), 17),
    (NetworkSize(2, 1, 5, 1), 3),
]


@dataclass(frozen=True)
class Parabolas(Family):
    """A family that is no sine network: w x² + b."""

    name: ClassVar[str] = "parabolas"

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        return {"w": (size.out_features, size.in_features), "b": (size.out_features,)}

    def forward(
        self, parameters: Mapping[str, torch.Tensor], coordinates: torch.Tensor
    ) -> torch.Tensor:
        squares = coordinates[:, :, None].square()  # (members, count, 1, in)
        return (squares * parameters["w"][:, None]).sum(dim=3) + parameters["b"][:, None]


PARABOLAS = Parabolas()


class ScarceMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A device with room for no tensor of more than so many values."""

    def __init__(self, limit: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._limit = limit

    def __torch_dispatch__(
        self, function: Any, types: object, arguments: Any = (), options: Any = None
    ) -> Any:
        empty = function is torch.ops.aten.empty.memory_format
        if empty and math.prod(arguments[0]) > self._limit:
            raise torch.OutOfMemoryError("no room for so large a tensor")
        return function(*arguments, **(options or {}))


def random_network(
    size: NetworkSize, members: int = 1, seed: int = 0, family: Family = SINE
) -> Network:
    """Weights of variance 1/fan_in and biases that put the sines everywhere."""
    generator = torch.Generator().manual_seed(seed)
    return Network.of(
        family,
        size,
        {
            name: torch.randn((members, *shape), generator=generator)
            / (math.sqrt(shape[1]) if len(shape) == 2 else 1.0)
            for name, shape in family.shapes(size).items()
        },
    )


def draw_batch(
    size: NetworkSize, targets: int, members: int = 1, points: int = 1, seed: int = 1
) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    coordinates = torch.rand((members, targets * points, size.in_features), generator=generator)
    values = torch.rand((members, targets, size.out_features), generator=generator)
    return Batch(coordinates * 2 - 1, values * 2 - 1, points)


def work_of(
    network: Network,
    targets: int,
    points: int = 1,
    threads: int = 2,
    device: torch.device = CPU,
) -> Work:
    return Work(
        network.family, network.size, network.members, targets, points, OBJECTIVE, device, threads
    )


def exact(
    network: Network, batch: Batch, objective: Objective = OBJECTIVE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses and gradient by autograd in float64."""
    twin = Network(network.family, network.size, network.values.double())
    engine = ReferenceEngine(twin, objective)
    losses = engine.step(Batch(batch.coordinates.double(), batch.targets.double(), batch.points))
    return losses, engine.gradient


def worst_error(network: Network, actual: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest relative error over all parameters of all members."""
    pairs = zip(network.views(actual).values(), network.views(expected).values(), strict=True)
    return max(
        float((mine - theirs).norm() / theirs.norm())
        for one, other in pairs
        for mine, theirs in zip(one.double(), other.double(), strict=True)
    )


def held_bytes(owner: object) -> int:
    """The bytes of all tensors that an object's attributes lead to, each memory counted once."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting = [owner]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif hasattr(value, "__dict__"):
            waiting.extend(vars(value).values())
    return sum(found.values())


@contextlib.contextmanager
def bfloat16_allowed() -> Iterator[None]:
    """A caller's process that lets torch round the factors of float32 products on the CPU."""
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
        assert settings.fp32_precision == "bf16"
    finally:
        settings.fp32_precision = before
