"""The NumPy decoder in a Python without sinefit, and the GLSL function in a browser."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.errors import SettingError
from sinefit.exporting.decoders import glsl_function, numpy_decoder
from tests.exporting.making import FIELDS, close, field_of_family, positions_in
from tests.rendering.making import array_spec, field_of

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.fields.field import Field


def run_decoder(field: Field, folder: Path, positions: Any) -> Any:
    code, weights = numpy_decoder(field)
    (folder / "field.py").write_text(code)
    (folder / "field.npz").write_bytes(weights)
    np.save(folder / "positions.npy", positions)
    script = "import numpy, field; numpy.save('values', field.field(numpy.load('positions.npy')))"
    script += "; import sys; assert not {'torch', 'sinefit'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=folder, check=True)
    return np.load(folder / "values.npy")


@pytest.mark.parametrize("name", FIELDS)
def test_the_numpy_decoder_gives_the_field(name: str, tmp_path: Path) -> None:
    field = FIELDS[name]
    positions, expected = positions_in(field)
    close(run_decoder(field, tmp_path, positions), expected, field)


def test_the_numpy_decoder_is_short() -> None:
    assert len(numpy_decoder(FIELDS["blocks"])[0].splitlines()) <= 35


# A shader that evaluates positions given as a texture, and the script that runs it.
EVALUATE = """([code, texels, rows, positions]) => {
    const gl = document.createElement("canvas").getContext("webgl2");
    gl.getExtension("EXT_color_buffer_float");
    const texture = (unit, width, height, values) => {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, values);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    };
    const bytes = Uint8Array.from(atob(texels), (one) => one.charCodeAt(0));
    texture(0, 1024, rows, new Float32Array(bytes.buffer));
    const count = positions.length / 4;
    texture(1, count, 1, new Float32Array(positions));
    const program = gl.createProgram();
    const sources = {
        [gl.VERTEX_SHADER]: `#version 300 es
            void main() {
                vec2 corner = vec2((gl_VertexID & 1) << 2, (gl_VertexID & 2) << 1);
                gl_Position = vec4(corner - 1.0, 0, 1);
            }`,
        [gl.FRAGMENT_SHADER]: `#version 300 es
            ${code}
            uniform sampler2D places;
            out vec4 values;
            void main() {
                values = field(texelFetch(places, ivec2(gl_FragCoord.xy), 0).xyz);
            }`,
    };
    for (const [kind, source] of Object.entries(sources)) {
        const shader = gl.createShader(+kind);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
        if (gl.getShaderInfoLog(shader).trim()) return gl.getShaderInfoLog(shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.uniform1i(gl.getUniformLocation(program, "field_weights"), 0);
    gl.uniform1i(gl.getUniformLocation(program, "places"), 1);
    gl.activeTexture(gl.TEXTURE2);
    const target = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, target);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, count, 1);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target, 0);
    gl.viewport(0, 0, count, 1);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    const values = new Float32Array(4 * count);
    gl.readPixels(0, 0, count, 1, gl.RGBA, gl.FLOAT, values);
    return [...values];
}"""


@pytest.fixture(scope="module")
def empty_page(browser: Any) -> Any:
    return browser.new_page()


@pytest.mark.parametrize("name", FIELDS)
def test_the_glsl_function_gives_the_field(name: str, empty_page: Any) -> None:
    import base64

    field = FIELDS[name]
    positions, expected = positions_in(field)
    positions, expected = positions[:2000], expected[:2000]
    code, texels = glsl_function(field, "a field */ \n }", "field.bin")
    assert "#version" not in code
    assert "{" + "rows" not in code
    padded = np.zeros((len(positions), 4))
    padded[:, : positions.shape[1]] = positions[:, ::-1]  # x, y, z
    text = base64.b64encode(texels).decode()
    rows = len(texels) // (16 * 1024)
    found = empty_page.evaluate(EVALUATE, [code, text, rows, padded.ravel().tolist()])
    assert not isinstance(found, str), found
    values = np.array(found).reshape(-1, 4)[:, : field.spec.channels]
    spec = field.spec
    close(spec.low + (spec.high - spec.low) * values, expected, field, 2e-5)


def test_other_networks_and_many_axes_are_refused() -> None:
    for make in (numpy_decoder, lambda field: glsl_function(field, "a", "a.bin")):
        with pytest.raises(SettingError, match="finer"):
            make(field_of_family("finer"))
    spec = array_spec((2, 2, 2, 2))
    from sinefit.networks.size import NetworkSize
    from tests.engines.making import random_network

    four = field_of(spec, random_network(NetworkSize(4, 3, 2, 1)))
    with pytest.raises(SettingError, match="three axes"):
        glsl_function(four, "a", "a.bin")
    assert numpy_decoder(replace(four))[0]
