"""The size of a sine network."""

from __future__ import annotations

from dataclasses import dataclass

from sinefit.errors import SettingError


@dataclass(frozen=True)
class NetworkSize:
    """Features in and out, width and depth of a sine network."""

    in_features: int
    """Coordinates per sample, at least 1."""
    width: int
    """Neurons of every sine layer, at least 1."""
    depth: int
    """Number of sine layers, at least 1; one linear layer follows them."""
    out_features: int
    """Values per sample, at least 1."""

    def __post_init__(self) -> None:
        for name in ("in_features", "width", "depth", "out_features"):
            value = getattr(self, name)
            if value < 1:
                raise SettingError(f"{name} is {value}: it must be at least 1")

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(fan_out, fan_in) of each layer, the linear one last."""
        hidden = [(self.width, self.width)] * (self.depth - 1)
        return ((self.width, self.in_features), *hidden, (self.out_features, self.width))

    @property
    def parameter_count(self) -> int:
        """Number of trainable values, weights and biases."""
        return sum(fan_out * (fan_in + 1) for fan_out, fan_in in self.layers)
