from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.reading import array_signal
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from pathlib import Path

VALUES = np.array([[1.0, 2.0, 3.5], [4.0, 5.0, 6.0]])
PIXELS = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)


@pytest.mark.parametrize(
    "source",
    [VALUES, VALUES.tolist(), torch.tensor(VALUES), torch.tensor(VALUES, requires_grad=True)],
    ids=["array", "list", "tensor", "leaf"],
)
def test_numbers_in_any_form_are_the_same_signal(source: Any) -> None:
    signal = as_signal(source)
    assert signal.spec == array_signal(VALUES).spec
    assert np.array_equal(signal.samples[..., 0], VALUES)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.uint8, torch.bool])
def test_types_of_tensors_keep_their_values(dtype: torch.dtype) -> None:
    tensor = torch.tensor([[0, 1, 0], [1, 1, 0]]).to(dtype)
    assert np.array_equal(as_signal(tensor).samples[..., 0], tensor.double().numpy())


def test_arrays_are_read_as_is_asked_for() -> None:
    assert as_signal(VALUES.tolist(), channels_last=True).spec.channels == 3
    assert as_signal(torch.tensor(VALUES), domain="sphere").spec.coordinate_features == 3
    assert as_signal((1, 2, 3)).spec.shape == (3,)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_a_pillow_image_is_its_pixels(mode: str, channels: int) -> None:
    pixels = PIXELS[..., 0] if channels == 1 else PIXELS[..., :channels]
    signal = as_signal(Image.fromarray(pixels, mode) if channels == 1 else image_of(pixels, mode))
    assert (signal.spec.kind, signal.spec.source) == ("image", None)
    assert np.array_equal(signal.samples, PIXELS[..., :channels])


def image_of(pixels: np.ndarray, mode: str) -> Image.Image:
    """Return the channels of (height, width, channels) as a Pillow image of that mode."""
    return Image.merge(mode, [Image.fromarray(channel) for channel in np.moveaxis(pixels, -1, 0)])


def test_deep_and_indexed_pillow_images() -> None:
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    assert np.array_equal(as_signal(Image.fromarray(deep)).samples[..., 0], deep)
    colours = image_of(PIXELS[..., :3] // 64 * 64, "RGB")
    indexed = colours.quantize(256)
    assert np.array_equal(as_signal(indexed).samples, np.asarray(indexed.convert("RGB")))
    printed = colours.convert("CMYK")
    assert np.array_equal(as_signal(printed).samples, np.asarray(printed.convert("RGB")))


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pillow_images_that_rgb_cannot_hold(mode: str) -> None:
    with pytest.raises(SettingError, match=f"mode {mode}: convert it to one of 1, L"):
        as_signal(Image.new(mode, (3, 2)))


def test_files_in_any_form_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image_of(PIXELS, "RGBA").save(path)
    content = path.read_bytes()
    for source in (path, str(path), content, bytearray(content), memoryview(content)):
        assert np.array_equal(as_signal(source).samples, PIXELS)
    assert np.array_equal(as_signal(io.BytesIO(content)).samples, PIXELS)
    signal = as_signal(path)
    assert as_signal(signal) is signal


@pytest.mark.parametrize("source", [None, 3, 2.5, object(), {1: 2}, {1, 2}, len, np.float64(3)])
def test_anything_else_is_refused_and_what_is_taken_named(source: Any) -> None:
    kind = type(source).__name__
    with pytest.raises(SettingError, match=f"of type {kind}: it must be a file's name, .*Pillow"):
        as_signal(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[1, 2], [3]], "rows differ in length"),
        (["a", "b"], "other things than real numbers"),
        ([1, None], "other things than real numbers"),
        ([1j], "other things than real numbers"),
        (io.StringIO("text"), "a stream of text: open it in binary mode"),
        (np.ma.masked_less(VALUES, 3.0), r"masked values: give them values first, by \.filled"),
        ([torch.ones(2, requires_grad=True)], "the list cannot be a NumPy array"),
        (torch.ones(2, 3, device="meta"), "the tensor has no values here"),
    ],
    ids=["ragged", "texts", "nothing", "complex", "stream", "masked", "graph", "meta"],
)
def test_what_is_nearly_right_says_what_to_do(source: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        as_signal(source)


def test_a_masked_array_without_masked_values_is_an_array() -> None:
    assert np.array_equal(as_signal(np.ma.array(VALUES)).samples[..., 0], VALUES)


def test_a_pillow_image_without_pixels_is_nothing_to_fit() -> None:
    with pytest.raises(InputError, match="no pixels"):
        as_signal(Image.new("RGB", (0, 5)))
