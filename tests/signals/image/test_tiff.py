from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image.tiff import TiffStream

from .encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.signals.conftest import Gradient


def test_profile_is_embedded(gradient: Gradient, profile: Callable[[bytes], bytes]) -> None:
    data = encode(TiffStream, gradient(3, 3, 3), 8, icc_profile=profile(b"RGB "))
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == profile(b"RGB ")


def test_rows_that_do_not_fit_or_are_missing_are_refused() -> None:
    stream = TiffStream(io.BytesIO(), 4, 2, 3, 8)
    with pytest.raises(OutputError, match="do not fit"):
        stream.write(np.zeros((1, 5, 3), np.uint8))
    stream.write(np.zeros((1, 4, 3), np.uint8))
    with pytest.raises(OutputError, match="1 rows"):
        stream.close()
