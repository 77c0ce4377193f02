"""A network: parameters by name, all of them in one stretch of memory, and a forward pass."""

from __future__ import annotations

import math
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from sinefit.networks.family import Family
    from sinefit.networks.size import NetworkSize


class Network:
    """A stack of networks of one family and size; a single network is a stack of one.

    `values` (members, count) holds a row per member; `parameters` are views of it, by name, each
    with the members first. What writes to the one is seen in the other, and one operation on
    `values` converts, compares or updates everything.
    """

    def __init__(self, family: Family, size: NetworkSize, values: Tensor) -> None:
        """Take rows of values in the order of `family.shapes`, (members, count)."""
        self.family = family
        self.size = size
        self.values = values
        self._shapes = family.shapes(size)
        count = sum(math.prod(shape) for shape in self._shapes.values())
        if values.ndim != 2 or values.shape[1] != count:
            raise ValueError(f"wanted rows of {count} values, not {tuple(values.shape)}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Of a part of a stack not all the stack, whose memory it shares.
        return Network, (self.family, self.size, self.values.detach().clone())

    @classmethod
    def of(cls, family: Family, size: NetworkSize, parameters: Mapping[str, Tensor]) -> Network:
        """Make a stack of parameters by name, each (members, *shape) as `family.shapes` says.

        Raises ValueError for other names or shapes.
        """
        shapes = family.shapes(size)
        if parameters.keys() != shapes.keys():
            raise ValueError(f"wanted parameters {', '.join(shapes)}")
        for name, shape in shapes.items():
            if tuple(parameters[name].shape[1:]) != shape:
                found = tuple(parameters[name].shape)
                raise ValueError(f"{name} is {found}, not (members, {shape})")
        rows = [parameters[name].detach().flatten(start_dim=1) for name in shapes]
        return cls(family, size, torch.cat(rows, dim=1))

    @classmethod
    def stack(cls, networks: Sequence[Network]) -> Network:
        """Return one stack with copies of all members of networks of one family and size."""
        first = networks[0]
        if any((one.family, one.size) != (first.family, first.size) for one in networks):
            raise ValueError("only networks of one family and size can be stacked")
        return cls(first.family, first.size, torch.cat([one.values.detach() for one in networks]))

    @cached_property
    def parameters(self) -> Mapping[str, Tensor]:
        """Views of the values by parameter, each (members, *shape)."""
        return MappingProxyType(self.views(self.values))

    @property
    def members(self) -> int:
        """How many networks the stack holds."""
        return len(self.values)

    @property
    def device(self) -> torch.device:
        """Where the values are."""
        return self.values.device

    def __call__(self, coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out)."""
        return self.family.forward(self.parameters, coordinates)

    def views(self, rows: Tensor) -> dict[str, Tensor]:
        """Return views of rows laid out like `values`, by parameter: (rows, *shape) each."""
        found = {}
        begin = 0
        for name, shape in self._shapes.items():
            end = begin + math.prod(shape)
            found[name] = rows[:, begin:end].unflatten(1, shape)  # type: ignore[no-untyped-call]
            begin = end
        return found

    def member(self, number: int) -> Network:
        """Return one member as a network of its own that shares its memory with the stack."""
        return self._with(self.values[number : number + 1])

    def part(self, members: range) -> Network:
        """Return some members as a stack of their own that shares its memory with this one."""
        return self._with(self.values[members.start : members.stop])

    def chosen(self, members: Sequence[int]) -> Network:
        """Return some members as a stack with memory of its own."""
        return self._with(self.values.detach()[list(members)])

    def clone(self) -> Network:
        """Return a copy with memory of its own."""
        return self._with(self.values.detach().clone())

    def astype(self, dtype: torch.dtype) -> Network:
        """Return the network with values of a type; itself if they are of that already."""
        if dtype == self.values.dtype:
            return self
        return self._with(self.values.detach().to(dtype))

    def to(self, device: torch.device | str) -> Network:
        """Return the network on a device; itself if it is there already."""
        target = torch.device(device)
        if target == self.device:
            return self
        return self._with(self.values.detach().to(target))

    def _with(self, values: Tensor) -> Network:
        """Return a stack like this one with other rows, as long as its own."""
        found = Network.__new__(Network)
        found.family, found.size, found.values = self.family, self.size, values
        found._shapes = self._shapes
        return found
