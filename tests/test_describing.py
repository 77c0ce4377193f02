from __future__ import annotations

import dataclasses
import json

import numpy as np

import sinefit
from sinefit.describing import signal_values, weights_values
from sinefit.fields.metadata import read_header
from sinefit.fields.weights_file import encode_field
from sinefit.signals.objects import as_signal


def test_a_field_and_its_signal_say_the_same_of_what_was_fitted() -> None:
    signal = as_signal(np.linspace(0.0, 1.0, 60, dtype=np.float32).reshape(5, 12))
    profile = dataclasses.replace(signal.spec, icc_profile=b"colours")
    signal = dataclasses.replace(signal, spec=profile)
    field = sinefit.fit(signal, steps=1, width=4, depth=1, device="cpu", threads=1)
    content = encode_field(field)
    of_weights, of_signal = (
        weights_values(read_header(content, "w"), "w"),
        signal_values(signal, "a"),
    )
    assert (of_weights["file"], of_signal["file"]) == ("w", "a")
    assert of_weights["bytes"] == len(content)
    assert of_weights["bits_per_sample"] == 8 * len(content) / 60
    assert of_weights["signal"] == of_signal["signal"]
    assert of_signal["signal"]["icc_profile"] is True
    assert of_signal["signal"]["soundtrack"] is False
    assert json.loads(json.dumps(of_weights))["fit"]["steps"] == 1
