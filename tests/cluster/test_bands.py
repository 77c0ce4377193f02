from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import sinefit
from sinefit.cluster import bands
from sinefit.cluster.bands import render_pieces_on
from sinefit.rendering.plan import RenderRequest
from tests.cli.making import TINY, make_picture, succeed
from tests.cluster.workers import address_of

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bands")
    picture = make_picture(folder / "a.png", size=(96, 64))
    succeed("fit", picture, *TINY, "--blocks", "6x4", "-o", folder / "a.safetensors")
    return folder / "a.safetensors"


@pytest.mark.parametrize("kind", ["blocks", "one network", "floats"])
def test_bands_are_what_is_rendered_at_once(
    workers: Client, weights: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(bands, "BAND_SAMPLES", 2000)  # so that there are many
    if kind == "blocks":
        field = sinefit.load(weights)
    elif kind == "one network":
        field = sinefit.fit(weights.with_name("a.png"), steps=5, width=16, depth=2, blocks=1)
    else:
        rows, columns = np.ogrid[0:40, 0:50]
        values = (np.sin(rows / 7.0) + np.cos(columns / 9.0)).astype(np.float32)
        field = sinefit.fit(values, steps=5, width=16, depth=2, blocks=(2, 3))
    plan = sinefit.plan_render(field.spec, RenderRequest(scale=(3.7,)))
    whole = np.concatenate(list(sinefit.render_pieces(field, plan)))
    pieces = list(render_pieces_on(workers, field, plan, threads=1))
    assert len(pieces) > 1
    found = np.concatenate(pieces)
    if kind == "floats":  # coordinates count from a band's first row
        assert np.allclose(found, whole, rtol=0.0, atol=1e-5)
    else:
        assert np.array_equal(found, whole)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (RenderRequest(scale=(0.5,)), "a mean over cells is"),
        (RenderRequest(what="gradient"), "`what` gradient is"),
    ],
    ids=["means", "picture of a derivative"],
)
def test_what_has_no_bands_is_refused(
    workers: Client, weights: Path, request_: RenderRequest, told: str
) -> None:
    field = sinefit.load(weights)
    plan = sinefit.plan_render(field.spec, request_)
    with pytest.raises(sinefit.SettingError, match=told):
        list(render_pieces_on(workers, field, plan))


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
