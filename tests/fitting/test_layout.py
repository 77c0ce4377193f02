from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sinefit.errors import InputError, SettingError
from sinefit.fitting.config import FitConfig
from sinefit.fitting.layout import extent_text, parse_extent
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.signal import SignalSpec

if TYPE_CHECKING:
    from sinefit.signals.signal import Kind

SIREN = parse_initializer("siren")
PHOTOGRAPH = (512, 768)


def spec_of(kind: Kind, shape: tuple[int, ...], channels: int = 1) -> SignalSpec:
    rate = Fraction(25) if kind in ("audio", "video") else None
    return SignalSpec(kind, shape, channels, "uint8", 0.0, 255.0, "png", 8, rate)


def globe_of(shape: tuple[int, int]) -> SignalSpec:
    return dataclasses.replace(spec_of("array", shape), domain="sphere")


def config_of(**settings: Any) -> FitConfig:
    return FitConfig(SIREN, **settings)


def counts_of(spec: SignalSpec, **settings: Any) -> tuple[int, ...]:
    return config_of(**settings).blocks_for(spec).counts


def weights_of(features: int, width: int, depth: int, channels: int) -> int:
    """The weights and biases of a network, counted layer by layer."""
    widths = [features, *[width] * depth, channels]
    return sum(below * above + above for below, above in itertools.pairwise(widths))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("auto", None),
        (" AUTO ", None),
        ("6x4", (6, 4)),
        (" 6 X 4 ", (6, 4)),
        ("2x3x4", (2, 3, 4)),
        ("7", (7,)),
        (7, (7,)),
        ((6, 4), (6, 4)),
        ([6, 4], (6, 4)),
    ],
)
def test_an_extent_is_numbers_with_an_x_between_them(value: object, found: object) -> None:
    assert parse_extent("blocks", value) == found


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=4))
def test_the_text_of_an_extent_is_read_again(numbers: list[int]) -> None:
    assert parse_extent("blocks", extent_text(tuple(numbers))) == tuple(numbers)
    assert parse_extent("blocks", extent_text(None)) is None


@pytest.mark.parametrize(
    "value",
    ["", "x", "6x", "6,4", "6x4x", "-1", "1.5", "0", "6x0", "1" * 30, (), (0,), (1.5,), True, "²"],
)
def test_anything_else_is_refused_by_name(value: object) -> None:
    with pytest.raises(SettingError, match="`blocks`") as caught:
        parse_extent("blocks", value)
    assert "\n" not in str(caught.value)


def test_only_a_margin_can_be_none_at_all() -> None:
    assert parse_extent("margin", "0x3") == (0, 3)
    with pytest.raises(SettingError):
        parse_extent("block_size", "0x3")


@pytest.mark.parametrize("name", ["blocks", "block_size"])
def test_pictures_have_width_before_height_and_videos_frames_first(name: str) -> None:
    def cut(kind: Kind, shape: tuple[int, ...], text: str) -> tuple[int, ...]:
        counts = counts_of(spec_of(kind, shape), **{name: text})
        assert counts == counts_of(spec_of(kind, shape), **{name: parse_extent(name, text)})
        return counts

    if name == "blocks":
        assert cut("image", (40, 60), "6x4") == (4, 6)
        assert cut("video", (10, 40, 60), "2x6x4") == (2, 4, 6)
        assert cut("array", (40, 60), "6x4") == (6, 4)
        assert cut("audio", (900,), "6") == (6,)
        assert cut("array", (9, 9, 9), "3") == (3, 3, 3)
    else:
        assert cut("image", (40, 60), "20x8") == (5, 3)
        assert cut("video", (10, 40, 60), "5x20x8") == (2, 5, 3)
        assert cut("array", (40, 60), "20x8") == (2, 8)
        assert cut("array", (40, 60), "20") == (2, 3)


def test_margins_have_the_order_of_blocks() -> None:
    config = config_of(blocks="3x2", margin="4x7")
    assert config.blocks_for(spec_of("image", (40, 60))).margins == (7, 4)
    assert config.blocks_for(spec_of("array", (60, 40))).margins == (4, 7)
    # What an axis of one block has no use for is left out.
    assert config_of(blocks="3x1", margin=4).blocks_for(spec_of("image", (9, 60))).margins == (0, 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blocks": "61x4"}, "`blocks` asks for 61 along an axis of 60 samples"),
        ({"blocks": 41}, "`blocks` asks for 41 along an axis of 40 samples"),
        ({"blocks": "6x4x2"}, "`blocks` is 6x4x2: give one number, or 2"),
        ({"blocks": "6x4", "margin": "5x6"}, "`margin` is 6: for 4 blocks along 40 samples"),
        ({"blocks": "6x4", "margin": "6x5"}, "`margin` is 6: for 6 blocks along 60 samples"),
        ({"blocks": 2, "margin": "1x1x1"}, "`margin` is 1x1x1: give one number, or 2"),
        ({"blocks": 2, "block_size": 8}, "`blocks` and `block_size` exclude each other"),
        (
            {"blocks": 2, "width": 9, "weights_per_value": 1.0},
            "`weights_per_value` follows from `width` and `blocks`",
        ),
        (
            {"block_size": 9, "width": 9, "weights_per_value": 1.0},
            "`weights_per_value` follows from `width` and `block_size`",
        ),
        ({"block_size": "1x2x3"}, "`block_size` is 1x2x3: give one number, or 2"),
    ],
)
def test_what_a_signal_cannot_be_cut_into_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=f"^{message}") as caught:
        config_of(**settings).blocks_for(spec_of("image", (40, 60)))
    assert "\n" not in str(caught.value)


def test_a_signal_without_samples_is_refused_by_name() -> None:
    spec = dataclasses.replace(spec_of("image", (0, 5)), source="empty.png")
    with pytest.raises(InputError, match=r"^empty\.png: it has no samples"):
        config_of().blocks_for(spec)


def test_the_last_block_around_a_sphere_is_the_first_one_s_neighbour() -> None:
    blocks = config_of(blocks="2x4", margin=1).blocks_for(globe_of((18, 36)))
    assert blocks.counts == (2, 4)
    assert [axis.wraps for axis in blocks.axes] == [False, True]
    assert not any(axis.wraps for axis in config_of(blocks=1).blocks_for(globe_of((9, 18))).axes)
    # Blocks are cut from the angles, a single one has points of space.
    assert config_of(blocks="2x4").size_for(globe_of((18, 36))).in_features == 2
    assert config_of(blocks=1).size_for(globe_of((18, 36))).in_features == 3


@pytest.mark.parametrize(
    ("spec", "weights_per_value"),
    [
        (spec_of("image", PHOTOGRAPH, 3), 1.0),
        (spec_of("image", (3000, 200)), 1.0),
        (spec_of("audio", (10**6,), 2), 1.0),
        (spec_of("array", (60, 70, 80)), 1.0),
        (spec_of("video", (100, 240, 320), 3), 0.25),
    ],
)
def test_blocks_hold_about_as_many_values_as_their_networks_have_weights_for(
    spec: SignalSpec, weights_per_value: float
) -> None:
    config = config_of()
    blocks, size = config.blocks_for(spec), config.size_for(spec)
    assert blocks.count > 8
    weights = blocks.count * weights_of(spec.axes, size.width, size.depth, spec.channels)
    wanted = weights_per_value * spec.sample_count * spec.channels
    assert weights == pytest.approx(wanted, rel=0.3)
    # Twice the weights per value are given by wider networks or by more of them.
    double = config_of(weights_per_value=2 * weights_per_value)
    more = double.blocks_for(spec).count * double.size_for(spec).parameter_count
    assert more == pytest.approx(2 * weights, rel=0.5)


def test_blocks_of_a_kind_have_equal_edges_but_for_frames() -> None:
    def edges(spec: SignalSpec) -> list[float]:
        axes = config_of().blocks_for(spec).axes
        return [axis.size / axis.count for axis in axes]

    rows, columns = edges(spec_of("image", (2000, 3000), 3))
    assert rows == pytest.approx(columns, rel=0.05)
    frames, rows, columns = edges(spec_of("video", (200, 400, 600), 3))
    assert rows == pytest.approx(columns, rel=0.1)
    assert rows == pytest.approx(2 * frames, rel=0.15)
    # An axis that is shorter than that leaves more to the others.
    few, long, wide = edges(spec_of("video", (2, 400, 600), 3))
    assert few == 2
    assert few * long * wide == pytest.approx(frames * rows * columns, rel=0.1)


@pytest.mark.parametrize("width", [1, 4, 16, 64, 256])
def test_blocks_follow_from_a_width_that_is_given(width: int) -> None:
    spec = spec_of("image", (1000, 1200), 3)
    blocks = config_of(width=width).blocks_for(spec)
    each = max(256.0, weights_of(2, width, 4, 3) / 3)
    assert spec.sample_count / blocks.count == pytest.approx(each, rel=0.25)


def test_few_samples_are_left_to_one_network() -> None:
    assert counts_of(spec_of("image", (32, 32), 3)) == (1, 1)
    assert counts_of(spec_of("audio", (1,))) == (1,)
    assert counts_of(spec_of("image", (32, 32), 3), block_size=16) == (2, 2)


@given(
    st.floats(0.05, 20.0),
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from([1, 3]),
    st.integers(1, 6),
)
def test_the_width_comes_nearest_to_the_weights_per_value(
    wanted: float, rows: int, columns: int, channels: int, depth: int
) -> None:
    spec = spec_of("image", PHOTOGRAPH, channels)
    config = config_of(blocks=(columns, rows), weights_per_value=wanted, depth=depth)
    width = config.size_for(spec).width
    assert width % 16 == 0
    assert 16 <= width <= 1024

    def off(width: int) -> float:
        weights = rows * columns * weights_of(2, width, depth, channels)
        return abs(math.log(weights / (wanted * spec.sample_count * channels)))

    for other in (width - 16, width + 16):
        assert not 16 <= other <= 1024 or off(width) <= off(other)


kinds = st.sampled_from(["array", "image", "video", "audio", "globe"])


@st.composite
def specs(draw: st.DrawFn) -> SignalSpec:
    kind, channels = draw(kinds), draw(st.sampled_from([1, 3, 17]))
    axes = {"image": 2, "video": 3, "audio": 1, "globe": 2}.get(kind, draw(st.integers(1, 4)))
    shape = tuple(draw(st.integers(1, 400)) for _ in range(axes))
    if kind == "globe":
        return globe_of((shape[0], shape[1]))
    return spec_of(kind, shape, channels)  # type: ignore[arg-type]


extents = st.none() | st.integers(1, 40)


@given(specs(), extents, extents, st.none() | st.integers(1, 300), st.none() | st.integers(1, 9999))
def test_whatever_is_asked_for_the_blocks_fit_the_signal(
    spec: SignalSpec, blocks: int | None, edge: int | None, width: int | None, batch: int | None
) -> None:
    assume(blocks is None or (edge is None and blocks <= min(spec.shape)))
    config = config_of(blocks=blocks, block_size=edge, width=width, batch=batch)
    grid = config.blocks_for(spec)
    for axis, size in zip(grid.axes, spec.shape, strict=True):
        assert axis.size == size
        assert 1 <= axis.count <= size
        cells = [axis.cell(place) for place in range(axis.count)]
        smallest = min(end - begin for begin, end in cells)
        # Two neighbours' margins never overlap within a cell.
        assert 2 * axis.margin <= smallest or (axis.count == 1 and axis.margin == 0)
        if axis.count > 1:
            assert axis.margin == pytest.approx(smallest * 3 / 32, abs=0.5) or axis.margin == 1
            assert axis.margin > 0 or smallest == 1
    fewest = min(grid.samples_in(number) for number in (0, grid.count // 2, grid.count - 1))
    taken = config.batch_for(spec)
    assert 1 <= taken <= fewest
    if batch is not None:
        assert taken == min(batch, grid.fewest_samples)
    elif grid.count > 1 and taken < grid.fewest_samples:
        assert 64 <= taken <= 4096
        assert taken.bit_count() == 1
        share = spec.sample_count / grid.count / 16
        assert taken == 64 or taken == 4096 or share / 1.42 <= taken <= share * 1.42


@given(specs(), extents, st.none() | st.integers(1, 300), st.none() | st.floats(0.1, 4.0))
def test_settings_with_the_layout_as_numbers_give_the_same_layout(
    spec: SignalSpec, edge: int | None, width: int | None, weights_per_value: float | None
) -> None:
    assume(None in (edge, width, weights_per_value))  # any two of them decide the third
    config = config_of(block_size=edge, width=width, weights_per_value=weights_per_value)
    settled = config.laid_out(spec)
    assert settled.blocks_for(spec) == config.blocks_for(spec)
    assert settled.size_for(spec) == config.size_for(spec)
    assert settled.batch_for(spec) == config.batch_for(spec)
    assert settled.laid_out(spec) == settled


@given(
    st.sampled_from(["image", "audio", "video"]),
    st.integers(2**10, 2**32),
    st.integers(1, 4),
    st.sampled_from([None, 32, 64]),
)
def test_the_usual_weights_of_a_large_signal_are_bounded(
    kind: Kind, samples: int, channels: int, width: int | None
) -> None:
    edge = {"image": math.isqrt(samples), "audio": samples, "video": round(samples ** (1 / 3))}
    spec = spec_of(kind, (edge[kind],) * {"image": 2, "audio": 1, "video": 3}[kind], channels)
    config = config_of(width=width)
    size = config.size_for(spec)
    weights = config.blocks_for(spec).count * size.parameter_count
    assert weights <= 1.3 * 2**26
    # What is asked for is obeyed.
    asked = config_of(width=width, weights_per_value=2.0)
    if config.blocks_for(spec).count > 1 and samples > 2**26:
        assert asked.blocks_for(spec).count > config.blocks_for(spec).count
