from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sinefit.errors import OutputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.jobs.renders import target_and_format, write_render
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.signals.reading import read_signal
from sinefit.signals.signal import SignalSpec
from sinefit.signals.writer import Encoding


@pytest.fixture
def field() -> Field:
    """Return a field fitted to a JPEG."""
    size = NetworkSize(2, 1, 1, 3)
    network = Network(SINE, size, torch.zeros((1, size.parameter_count)))
    record = FitRecord("siren", (1.0, 1.0), 0, 1, 1, (1e-3,) * 2, 30.0, 30.0, 255.0, None)
    return Field(network, SignalSpec("image", (4, 6), 3, "uint8", 0.0, 255.0, "jpeg", 8), record)


@pytest.mark.parametrize(
    ("request_", "output", "format", "expected"),
    [
        (RenderRequest(), None, None, ("folder/w-1x.jpg", "jpeg")),
        (RenderRequest(scale=(4.0,)), None, None, ("folder/w-4x.jpg", "jpeg")),
        (RenderRequest(scale=(2.0, 0.5)), None, "png", ("folder/w-2x0.5.png", "png")),
        (RenderRequest(size=(30, 20), region=(1, 1, 2, 2)), None, None, None),
        (RenderRequest(), "a.PNG", None, ("a.PNG", "png")),
        (RenderRequest(), "a.tif", "tiff", ("a.tif", "tiff")),
        (RenderRequest(), "a", None, ("a", "jpeg")),
        (RenderRequest(), "a.other", "webp", ("a.other", "webp")),
        (RenderRequest(), "-", None, ("-", "jpeg")),
        (RenderRequest(), "-", "npy", ("-", "npy")),
    ],
)
def test_where_and_how(
    request_: RenderRequest,
    output: str | None,
    format: str | None,
    expected: tuple[str, str] | None,
    field: Field,
) -> None:
    weights = Path("folder/w.safetensors")
    expected = expected or ("folder/w-crop-30x20.jpg", "jpeg")
    assert target_and_format(field.spec, weights, request_, output, format) == expected


@pytest.mark.parametrize(
    ("output", "format", "error", "cause"),
    [
        ("a.png", "jpeg", SettingError, "the name a.png says png"),
        (None, "wav", SettingError, "`format` is wav: for a field of kind image"),
        ("a.wav", None, OutputError, "a.wav: no format for kind image"),
    ],
)
def test_contradictions(
    output: str | None, format: str | None, error: type[Exception], cause: str, field: Field
) -> None:
    with pytest.raises(error, match=cause):
        target_and_format(field.spec, Path("w.safetensors"), RenderRequest(), output, format)


def test_a_field_from_a_pipe_has_no_name_for_its_render(field: Field) -> None:
    assert target_and_format(field.spec, None, RenderRequest(), None, "png") == (None, "png")


def test_a_render_is_written_whole_and_tells_how_far_it_is(field: Field, tmp_path: Path) -> None:
    plan = plan_render(field.spec, RenderRequest())
    target = tmp_path / "a.png"
    shares: list[float] = []
    notices = write_render(
        field,
        plan,
        str(target),
        "png",
        Encoding(quality=7),
        force=False,
        threads=1,
        on_share=shares.append,
    )
    assert read_signal(target).spec.shape == (4, 6)
    assert shares[-1] == 1.0
    assert len(notices) == 1
