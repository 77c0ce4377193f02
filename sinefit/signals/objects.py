"""Signals from what Python programs hold: files, bytes, arrays, tensors, lists, Pillow's images."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.reading import array_signal
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal

if TYPE_CHECKING:
    from typing import BinaryIO

    import torch
    from numpy.typing import NDArray
    from PIL import Image

    from sinefit.signals.signal import Domain

    Source = (
        str
        | os.PathLike[str]
        | bytes
        | bytearray
        | memoryview
        | BinaryIO
        | Signal
        | NDArray[np.generic]
        | torch.Tensor
        | list[Any]
        | tuple[Any, ...]
        | Image.Image
    )

ACCEPTED: Final = (
    "a file's name, the bytes of a file, a stream of them, a Signal, a NumPy array, "
    "a torch tensor, a list of numbers or a Pillow image"
)
"""What `as_signal` takes, for messages."""
_PNG_MODES: Final = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_DEEP_MODES: Final = ("I", "F")
"""Modes whose conversion to RGB would cut off values."""


def as_signal(source: Source, *, channels_last: bool = False, domain: Domain = "grid") -> Signal:
    """Return any of `ACCEPTED` as a signal.

    Arrays, tensors and lists follow the rules of .npy files, which `channels_last` and `domain`
    say how to read. A Pillow image is read as if it had been saved as PNG. Raises SettingError for
    anything else, and what `read_signal` and `array_signal` raise.
    """
    if isinstance(source, Signal):
        return source
    selection = Selection(channels_last=channels_last, domain=domain)
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if isinstance(source, os.PathLike):
        source = Path(source)
    if isinstance(source, str | Path | bytes) or hasattr(source, "read"):
        return read_signal(cast("str | BinaryIO", source), selection=selection)
    if _is_a("PIL.Image", "Image", source):
        return read_signal(_as_png(source), selection=selection)
    return array_signal(_as_array(source), channels_last=channels_last, domain=domain)


def _as_array(source: Any) -> NDArray[Any]:
    if isinstance(source, np.ndarray):
        return source
    if _is_a("torch", "Tensor", source):
        return _from_tensor(source)
    if isinstance(source, list | tuple):
        try:
            values = np.asarray(source)
        except ValueError:
            raise SettingError("the list's rows differ in length: make them alike") from None
        except (RuntimeError, TypeError, NotImplementedError) as error:
            reason = str(error).splitlines()[0]
            raise SettingError(f"the list cannot be a NumPy array: {reason}") from error
        if values.dtype.kind not in "biuf":
            raise SettingError("the list holds other things than real numbers: give numbers only")
        return values
    raise SettingError(f"the source is of type {type(source).__name__}: it must be {ACCEPTED}")


def _from_tensor(tensor: Any) -> NDArray[Any]:
    values: NDArray[Any]
    try:
        tensor = tensor.detach().cpu()
    except (NotImplementedError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise SettingError(f"the tensor has no values here: {reason}") from error
    try:
        values = tensor.numpy()
    except (TypeError, RuntimeError):  # float32 holds all values of the types that NumPy lacks
        try:
            values = tensor.to_dense().float().numpy()
        except (TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise SettingError(f"the tensor cannot be a NumPy array: {reason}") from error
    return values


def _as_png(image: Any) -> bytes:
    """Return a Pillow image as PNG, its pixels as they are."""
    if 0 in image.size:
        raise InputError("the image has no pixels, so there is nothing to fit")
    if image.mode not in _PNG_MODES:
        try:
            if image.mode in _DEEP_MODES:
                raise ValueError
            image = image.convert("RGB")
        except ValueError:
            raise SettingError(
                f"the image has mode {image.mode}: convert it to one of {', '.join(_PNG_MODES)}"
            ) from None
    content = io.BytesIO()
    image.save(content, "png", exif=b"", compress_level=1)
    return content.getvalue()


def _is_a(module: str, kind: str, value: object) -> bool:
    """Tell whether a value is of a class of a module; where that was not imported it is not."""
    home = sys.modules.get(module)
    return home is not None and isinstance(value, getattr(home, kind))
