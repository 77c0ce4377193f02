from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sinefit.networks.size import NetworkSize
from sinefit.view.description import describe_field, figures, operations_per_sample
from tests.engines.making import random_network
from tests.fields.making import field_of_blocks
from tests.rendering.making import field_of, image_spec


def test_operations_count_every_network_that_reaches_a_sample() -> None:
    field = field_of_blocks()  # 3x4 blocks on 30x40 samples, margins 2 and 3
    products = 5 * 2 + 5 * 5 + 3 * 5
    rows, columns = 30 + 4 * 2, 40 + 6 * 3  # two or three inner edges, each reached twice
    expected = 2 * products * rows * columns / (30 * 40)
    assert operations_per_sample(field) == pytest.approx(expected)


def test_of_one_network_they_are_twice_its_weights_but_the_biases() -> None:
    size = NetworkSize(2, 7, 3, 1)
    field = field_of(image_spec(), random_network(size))
    assert operations_per_sample(field) == 2 * (size.parameter_count - 3 * 7 - 1)


def test_a_description_tells_where_the_blocks_are() -> None:
    said = describe_field(field_of_blocks(), "name")
    assert said["name"] == "name"
    assert [(axis["size"], axis["count"], axis["margin"]) for axis in said["blocks"]] == [
        (30, 3, 2),
        (40, 4, 3),
    ]


def test_figures_tell_the_quality_there_is() -> None:
    field = field_of_blocks()
    assert ("PSNR", "30.00 dB") in figures(field, None)
    exact = replace(field, record=replace(field.record, psnr=math.inf))
    assert ("PSNR", "without any error") in figures(exact, None)
    unknown = replace(field, record=replace(field.record, psnr=None, psnr_float=None))
    assert "PSNR" not in dict(figures(unknown, None))
