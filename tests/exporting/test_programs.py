from __future__ import annotations

import io
import json
from typing import Any

import pytest
import torch

from sinefit.exporting.programs import METADATA, onnx_model, torch_program
from tests.exporting.making import FIELDS, close, field_of_family, positions_in


def names() -> list[str]:
    return ["blocks", "around the sphere", "sound"]


@pytest.mark.parametrize("name", names())
def test_a_torch_program_gives_the_field(name: str) -> None:
    field = FIELDS[name]
    positions, expected = positions_in(field)
    files = {METADATA: ""}
    content = io.BytesIO(torch_program(field))
    program: Any = torch.export.load(content, extra_files=files).module()
    for count in (len(positions), 7, 1):
        close_enough = program(torch.from_numpy(positions[:count])).numpy()
        assert close_enough.shape == (count, field.spec.channels)
        assert abs(close_enough - expected[:count]).max() < 2e-6 * field.spec.value_range
    assert json.loads(files[METADATA])["shape"] == list(field.spec.shape)


def test_an_onnx_model_gives_the_field() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    for field in (FIELDS["blocks"], field_of_family("finer")):
        positions, expected = positions_in(field)
        session = runtime.InferenceSession(onnx_model(field), providers=["CPUExecutionProvider"])
        (given,), (made,) = session.get_inputs(), session.get_outputs()
        assert (given.name, given.type, made.name) == ("positions", "tensor(double)", "values")
        for count in (len(positions), 1):
            (values,) = session.run(None, {"positions": positions[:count]})
            assert abs(values - expected[:count]).max() < 2e-5 * field.spec.value_range
        close(session.run(None, {"positions": positions})[0], expected, field, 2e-5)
        told = session.get_modelmeta().custom_metadata_map
        assert json.loads(told["sinefit.high"]) == field.spec.high
