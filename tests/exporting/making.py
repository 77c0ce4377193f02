"""Fields of every sort, positions between their samples, and what the renderer says there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.networks.registry import FAMILIES
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.grid import GridAxis
from tests.engines.making import random_network
from tests.fields.making import field_of_blocks
from tests.rendering.making import array_spec, clip_spec, field_of, image_spec, sound_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.fields.field import Field

    Values = NDArray[np.float64]


def fields() -> dict[str, Field]:
    sound, clip = sound_spec(90), clip_spec((6, 11, 13))
    sphere = array_spec((20, 36), domain="sphere")
    of_sound = BlockGrid.over(sound, (7,), (6,))
    of_clip = BlockGrid.over(clip, (2, 1, 3), (1, 0, 2))
    of_sphere = BlockGrid.over(sphere, (2, 3), (3, 4))
    cut = BlockGrid.over(image_spec(), (3, 4), (0, 0))
    return {
        "blocks": field_of_blocks(),
        "blocks without margins": field_of(
            image_spec(), random_network(NetworkSize(2, 4, 2, 1), 12, seed=1), cut
        ),
        "ensemble": field_of(
            sound_spec(70),
            random_network(NetworkSize(1, 7, 2, 1), 8, seed=8),
            BlockGrid.over(sound_spec(70), (4,), (5,), ensemble=2),
        ),
        "ensemble on the whole": field_of(
            image_spec(),
            random_network(NetworkSize(2, 6, 2, 1), 3, seed=9),
            BlockGrid.over(image_spec(), (1, 1), (0, 0), ensemble=3),
        ),
        "one": field_of(image_spec((10, 15)), random_network(NetworkSize(2, 9, 3, 1), seed=2)),
        "sound": field_of(sound, random_network(NetworkSize(1, 8, 2, 1), 7, seed=3), of_sound),
        "clip": field_of(clip, random_network(NetworkSize(3, 6, 2, 3), 6, seed=4), of_clip),
        "sphere": field_of(sphere, random_network(NetworkSize(3, 8, 2, 1), seed=5)),
        "around the sphere": field_of(
            sphere, random_network(NetworkSize(2, 8, 2, 1), 6, seed=6), of_sphere
        ),
    }


FIELDS = fields()


def field_of_family(name: str, blocks: int = 1) -> Field:
    spec = image_spec()
    grid = BlockGrid.over(spec, (1, blocks), (0, 2 if blocks > 1 else 0))
    network = random_network(NetworkSize(2, 6, 2, 1), blocks, seed=7, family=FAMILIES[name])
    if name == "finer":
        network.values.mul_(0.3)  # it multiplies phases by 30 and more, and their last bits too
    return field_of(spec, network, grid)


def positions_in(field: Field) -> tuple[Values, Values]:
    """Return positions (count, axes), off the samples, and the field's values there.

    The values are in the signal's units, (count, channels).
    """
    steps = (0.77, 1.31, 0.93)
    axes = []
    for place, size in enumerate(field.spec.shape):
        step = steps[place]
        axes.append(GridAxis(size, 0.13, step, int((size - 0.26) / step)))
    spec = field.spec.with_shape(tuple(axis.count for axis in axes))
    values = np.concatenate(list(render_values(field, RenderPlan(tuple(axes), spec))))
    along = [axis.start + (np.arange(axis.count) + 0.5) * axis.step for axis in axes]
    positions = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1)
    return (
        positions.reshape(-1, len(axes)),
        field.spec.from_unit(values).reshape(-1, field.spec.channels),
    )


def close(found: Any, expected: Values, field: Field, share: float = 2e-6) -> None:
    """Check that values differ by a few of float32's last bits, as a share of their range."""
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, atol=share * field.spec.value_range, rtol=0)
    assert expected.std() > 0.01 * field.spec.value_range
