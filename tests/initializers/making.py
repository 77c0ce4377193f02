"""The layers of a drawn network, as the papers count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network


def weights_of(network: Network) -> list[Tensor]:
    """The weights (fan_out, fan_in) of a stack of one, first layer first."""
    return [network.parameters[weight_name(layer)][0] for layer in range(network.size.depth + 1)]


def biases_of(network: Network) -> list[Tensor]:
    """The biases (fan_out,) of a stack of one, first layer first."""
    return [network.parameters[bias_name(layer)][0] for layer in range(network.size.depth + 1)]
