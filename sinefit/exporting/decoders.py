"""A field as code with its weights beside it: a NumPy decoder and a GLSL function."""

from __future__ import annotations

import importlib.resources
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.errors import SettingError
from sinefit.networks.sine import Sine, bias_name, weight_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.fields.field import Field

TEXELS_WIDE: Final = 1024
"""Of the texture with the weights of a GLSL function."""
_SPHERE: Final = """\
    vec2 angles = vec2(3.14159265359, -1.57079632679) * coordinates.xy;  // longitude, latitude
    vec4 s = field_sine(vec4(angles, angles + 1.57079632679));
    coordinates = vec3(s.w * s.z, s.w * s.x, s.y);
"""


def numpy_decoder(field: Field) -> tuple[str, bytes]:
    """Return a Python file that evaluates a field with NumPy alone, and the .npz beside it.

    Raises SettingError for networks that are not plain sine networks.
    """
    _check(field, "numpy")
    depth, spec, axes = field.network.size.depth, field.spec, field.blocks.axes
    arrays: dict[str, Any] = {
        "sizes": [axis.size for axis in axes],
        "counts": [axis.count for axis in axes],
        "margins": [axis.margin for axis in axes],
        "wraps": [axis.wraps for axis in axes],
        "ensemble": field.blocks.ensemble,
        "on_sphere": _on_sphere(field),
        "depth": depth,
        "low": spec.low,
        "high": spec.high,
    }
    for layer in range(depth + 1):
        arrays[f"weight_{layer}"] = _values(field, weight_name(layer))
        arrays[f"bias_{layer}"] = _values(field, bias_name(layer))
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return _template("decoder.py.template"), content.getvalue()


def glsl_function(field: Field, title: str, weights_name: str) -> tuple[str, bytes]:
    """Return a GLSL function that evaluates a field, and the texels with its weights.

    The texels are rows of a texture 1024 wide, float32. Of each network there are, by fours of
    neurons, for the first layer the biases and the weights of x, y and z, for every other layer
    its biases and then its weights column by column; the last layer has four channels at most.

    Raises SettingError for networks that are not plain sine networks, and for more axes than three.
    """
    _check(field, "glsl")
    if field.spec.axes > 3:
        raise SettingError(
            f"`format` is glsl: it takes three axes, the field has {field.spec.axes}"
        )
    network, size = field.network, field.network.size
    quads = -(-size.width // 4)
    parts = [_first_layer(field, quads)]
    for layer in range(1, size.depth + 1):
        rows = quads if layer < size.depth else 1
        weight = _values(field, weight_name(layer))[:, : 4 * rows]
        bias = _values(field, bias_name(layer))[:, : 4 * rows]
        padded = np.zeros((network.members, rows, 1 + 4 * quads, 4), np.float32)
        flat = np.zeros((network.members, 4 * rows, 1 + 4 * quads), np.float32)
        flat[:, : bias.shape[1], 0] = bias
        flat[:, : weight.shape[1], 1 : 1 + size.width] = weight
        padded[:] = flat.reshape(network.members, rows, 4, -1).swapaxes(2, 3)
        parts.append(padded.reshape(network.members, -1, 4))
    texels = np.concatenate(parts, axis=1)  # (members, texels, 4)
    each = texels.shape[1]
    texels = texels.reshape(-1, 4)
    rows = -(-len(texels) // TEXELS_WIDE)
    whole = np.zeros((rows * TEXELS_WIDE, 4), "<f4")
    whole[: len(texels)] = texels
    # x is the last axis.
    axes = field.blocks.axes[::-1]
    missing = 3 - len(axes)
    words = {
        "title": " ".join(title.split()),
        "weights": weights_name,
        "texels": str(len(whole)),
        "rows": str(rows),
        "quads": str(quads),
        "hidden": str(size.depth - 1),
        "network_texels": str(each),
        "size": ", ".join([*(str(axis.size) for axis in axes), *["1"] * missing]),
        "count": ", ".join([*(str(axis.count) for axis in axes), *["1"] * missing]),
        "margin": ", ".join([*(str(axis.margin) for axis in axes), *["0"] * missing]),
        "wraps": ", ".join(
            [*("true" if axis.wraps else "false" for axis in axes), *["false"] * missing]
        ),
        "ensemble": str(field.blocks.ensemble),
        "sphere": _SPHERE if _on_sphere(field) else "",
    }
    code = _template("field.glsl.template")
    for name, word in words.items():
        code = code.replace(f"{{{name}}}", word)
    return code, whole.tobytes()


def _first_layer(field: Field, quads: int) -> NDArray[np.float32]:
    """Return biases and weights of x, y and z by fours of neurons, (members, 4 * quads, 4)."""
    weight, bias = _values(field, weight_name(0)), _values(field, bias_name(0))
    members, width, features = weight.shape
    flat = np.zeros((members, 4 * quads, 4), np.float32)
    flat[:, :width, 0] = bias
    # Coordinates on the sphere are x, y, z already.
    flat[:, :width, 1 : 1 + features] = weight if _on_sphere(field) else weight[..., ::-1]
    quarters = flat.reshape(members, quads, 4, 4).swapaxes(2, 3)
    return np.ascontiguousarray(quarters).reshape(members, -1, 4)


def _on_sphere(field: Field) -> bool:
    return field.spec.domain == "sphere" and field.blocks.count == 1


def _values(field: Field, name: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = field.network.parameters[name].detach().cpu().numpy()
    return values


def _check(field: Field, format: str) -> None:
    if not isinstance(field.network.family, Sine):
        raise SettingError(
            f"`format` is {format}: it evaluates plain sine networks, this field has "
            f"{field.network.family.name} ones: take onnx or torch"
        )


def _template(name: str) -> str:
    folder = importlib.resources.files("sinefit.exporting") / "templates"
    return (folder / name).read_text(encoding="utf-8")
