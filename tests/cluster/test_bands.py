from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import sinefit
from sinefit.cluster.bands import render_pieces_on
from sinefit.rendering.plan import RenderRequest
from tests.cli.making import TINY, make_picture, make_sound, succeed
from tests.cluster.workers import address_of

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.fields.field import Field


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bands")
    picture = make_picture(folder / "a.png", size=(96, 64))
    succeed("fit", picture, *TINY, "--blocks", "6x4", "-o", folder / "a.safetensors")
    return folder / "a.safetensors"


KINDS: dict[str, tuple[str, RenderRequest]] = {
    "blocks": ("blocks", RenderRequest(scale=(24.0,))),
    "one network": ("alone", RenderRequest(scale=(15.0,))),
    "floats": ("floats", RenderRequest(scale=(62.7, 71.3))),
    "means of blocks": ("blocks", RenderRequest(scale=(5.3,), footprint="gaussian")),
    "means of one network": ("alone", RenderRequest(scale=(1.9,), footprint="gaussian")),
    "between samples": ("sound", RenderRequest(rate=Fraction(8_000_000))),
    "picture of a derivative": ("small", RenderRequest(scale=(11.0,), what="laplacian")),
    "numbers of a derivative": ("channels", RenderRequest(scale=(7.3,), what="gradient")),
}
"""Of each more than one piece."""


@pytest.fixture(scope="module")
def fields(weights: Path) -> dict[str, Field]:
    alone = sinefit.fit(weights.with_name("a.png"), steps=5, width=16, depth=2, blocks=1)
    rows, columns = np.ogrid[0:40, 0:50]
    values = (np.sin(rows / 7.0) + np.cos(columns / 9.0)).astype(np.float32)
    floats = sinefit.fit(values, steps=5, width=16, depth=2, blocks=(2, 3))
    small = sinefit.fit(weights.with_name("a.png"), steps=1, width=8, depth=1, blocks=(2, 2))
    many = values[..., None] * np.linspace(0.5, 1.0, 64, dtype=np.float32)
    channels = sinefit.fit(many, channels_last=True, steps=1, width=8, depth=1, blocks=(2, 2))
    wave = make_sound(weights.with_name("a.wav"), seconds=0.1, rate=8000)
    sound = sinefit.fit(wave, steps=5, width=16, depth=2, blocks=8, footprint="band-limited")
    return {
        "blocks": sinefit.load(weights),
        "alone": alone,
        "floats": floats,
        "small": small,
        "sound": sound,
        "channels": channels,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_bands_are_what_is_rendered_at_once(
    workers: Client, fields: dict[str, Field], kind: str
) -> None:
    field, request = fields[KINDS[kind][0]], KINDS[kind][1]
    plan = sinefit.plan_render(field.spec, request)
    told: list[ClusterProgress] = []
    found = np.concatenate(list(render_pieces_on(workers, field, plan, on_progress=told.append)))
    assert told[-1].count > 1
    whole = np.concatenate(list(sinefit.render_pieces(field, plan)))
    assert np.array_equal(found, whole)  # floats to the last bit


def test_a_file_does_not_tell_where_it_was_rendered(workers: Client, weights: Path) -> None:
    for name, where in (("far.png", ("--cluster", address_of(workers))), ("near.png", ())):
        succeed("render", weights, "--scale", 16, "-o", weights.with_name(name), *where)
    field = sinefit.load(weights)
    plan = sinefit.plan_render(field.spec, RenderRequest(scale=(16.0,)))
    pieces = sinefit.render_on_cluster(field, plan, address_of(workers))
    with Image.open(weights.with_name("near.png")) as picture:
        assert np.array_equal(np.concatenate(list(pieces)), np.asarray(picture))
    far, near = (weights.with_name(name).read_bytes() for name in ("far.png", "near.png"))
    assert far == near


def test_a_device_that_workers_lack_is_told(workers: Client, weights: Path) -> None:
    field = sinefit.load(weights)
    plan = sinefit.plan_render(field.spec, RenderRequest(scale=(2.0,)))
    with pytest.raises(sinefit.DeviceError, match="`device` is cuda:99"):
        list(render_pieces_on(workers, field, plan, device="cuda:99"))
