"""A photograph and its field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import sinefit
from tests.api.making import TINY

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


@pytest.fixture(scope="package")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "photo.png"
    rows, columns = np.mgrid[0:12, 0:16]
    pixels = np.stack([rows * 20, columns * 15, 255 - rows * columns], axis=-1)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="package")
def field(photo: Path) -> Field:
    return sinefit.fit(photo, **TINY)
