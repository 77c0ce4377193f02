"""A field's weights as its page holds them: chunks of base64, decoded when they are seen.

Of each network first, in float32, the weights of its first layer and all biases, then, in float16,
the other weights, layer after layer. The first layer's are phases, in which whole radians count:
of a sound of 22 050 Hz, fitted at 63 dB, float16 there leaves 46 dB, in all other weights 89.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.networks.network import Network

CHUNK_BYTES: Final = 2**18
"""Bytes of a chunk before base64, as far as whole networks allow."""


@dataclass(frozen=True)
class WeightsLayout:
    """How the networks' weights lie in the chunks."""

    chunks: int
    perChunk: int  # noqa: N815 (the page's script reads these names)
    """Networks per chunk."""
    memberBytes: int  # noqa: N815
    """Bytes of a network, a multiple of 4."""


def layout_of(network: Network) -> WeightsLayout:
    """Return the layout of a stack's weights."""
    singles, halves = _counts(network)
    size = 4 * singles + -(-2 * halves // 4) * 4
    per_chunk = max(1, CHUNK_BYTES // size)
    return WeightsLayout(-(-network.members // per_chunk), per_chunk, size)


def weight_chunks(network: Network) -> Iterator[bytes]:
    """Yield the chunks of a stack of plain sine networks, in base64."""
    layout = layout_of(network)
    depth = network.size.depth
    singles, halves = _counts(network)
    names = [weight_name(0), *(bias_name(layer) for layer in range(depth + 1))]
    others = [weight_name(layer) for layer in range(1, depth + 1)]
    for first in range(0, network.members, layout.perChunk):
        members = slice(first, min(first + layout.perChunk, network.members))
        rows = np.zeros((members.stop - first, layout.memberBytes), np.uint8)

        def flat(wanted: list[str], type_name: str, chosen: slice = members) -> bytes:
            parts = [
                network.parameters[name][chosen].detach().cpu().flatten(start_dim=1).numpy()
                for name in wanted
            ]
            return np.concatenate(parts, axis=1).astype(type_name).tobytes()

        for begin, size, content in (
            (0, 4 * singles, flat(names, "<f4")),
            (4 * singles, 2 * halves, flat(others, "<f2")),
        ):
            rows[:, begin : begin + size] = np.frombuffer(content, np.uint8).reshape(-1, size)
        yield base64.b64encode(rows.tobytes())


def _counts(network: Network) -> tuple[int, int]:
    """Return how many weights of a network are kept in 32 bits, and how many in 16."""
    size = network.size
    singles = size.width * size.in_features + size.depth * size.width + size.out_features
    return singles, size.parameter_count - singles
