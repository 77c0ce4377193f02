"""The checkpoint: a fit in the middle, from which it goes on to the same end.

A checkpoint is a weights file with more in it, so it can be rendered: the tensors of its field,
those of the training's state under the prefix `state.`, and metadata `checkpoint` with the
settings, the counters and a fingerprint of the signal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MemoryContent
from sinefit.fields.metadata import to_json
from sinefit.fields.stored_state import StoredState
from sinefit.fields.tensors import STATE_PREFIX
from sinefit.fields.weights_file import StoredField, field_pieces
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.layout import extent_text
from sinefit.fitting.monitor import Standing
from sinefit.fitting.omega_choice import NyquistShare, parse_omega
from sinefit.initializers.registry import describe, parse_initializer
from sinefit.networks.registry import describe_network, parse_network
from sinefit.networks.sine import SINE
from sinefit.settings import settings_in
from sinefit.signals.signal import SignalSpec
from sinefit.signals.storage import let_go

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from sinefit.fields.content import Content
    from sinefit.fields.field import Field
    from sinefit.settings import Setting
    from sinefit.signals.signal import Signal

_BLOCK: Final = 2**22

_VERSION: Final = 5
"""Of the content; a fit that another version began would not go on to the same weights."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a fit needs to go on."""

    field: Field
    """The field with its present weights."""
    config: FitConfig
    standing: Standing
    state: Mapping[str, Tensor]
    """The state of the order of samples and of the optimiser, the best weights and losses since the
    last report."""
    fingerprint: str
    """Of the signal, see `fingerprint`."""
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the caller wants to find again: the file and how it was read."""

    def check(self, config: FitConfig, signal: Signal) -> None:
        """Raise SettingError, naming what differs, unless it is the same fit of the signal."""
        if fingerprint(signal) != self.fingerprint:
            raise SettingError(
                f"the checkpoint is of another input than {signal.spec.source or 'this signal'}: "
                "name the one that it was made of, or remove the checkpoint"
            )
        mine, theirs = settings_values(self.config), settings_values(config)
        # Another network has another start, which is not what was asked for.
        for each in sorted(deciding(), key=lambda each: each.name != "network"):
            if mine[each.name] != theirs[each.name]:
                raise SettingError(
                    f"the checkpoint was made with `{each.word}` "
                    f"{_word(each.name, mine[each.name])}, not "
                    f"{_word(each.name, theirs[each.name])}: leave it out, or remove the checkpoint"
                )


def deciding() -> list[Setting]:
    """Return the settings that decide a fit."""
    return [each for each in (*settings_in(FitConfig), *settings_in(Budget)) if each.decides]


def fingerprint(signal: Signal) -> str:
    """Return a SHA-256 of a signal's samples and of how they were sampled, in hexadecimal."""
    spec = dataclasses.replace(
        signal.spec,
        source=None,
        source_bytes=None,
        icc_profile=None,
        soundtrack=None,
        # What a fit makes of them is compared as its settings.
        footprint=SignalSpec.footprint,
        coordinates=SignalSpec.coordinates,
        targets=SignalSpec.targets,
    )
    digest = hashlib.sha256(repr(spec).encode())
    # By blocks, so that a long signal on disk is not read into memory as a whole.
    flat = signal.samples.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        digest.update(np.ascontiguousarray(flat[begin : begin + _BLOCK]).data)
        let_go(flat)
    if signal.known is not None:
        digest.update(np.packbits(signal.known).data)
    return digest.hexdigest()


def settings_values(config: FitConfig) -> dict[str, Any]:
    """Return the settings that decide a fit as JSON has them, by their names."""
    values = {
        each.name: getattr(holder, each.name, None)
        for kind, holder in ((FitConfig, config), (Budget, config.budget))
        for each in settings_in(kind)
        if each.decides
    }
    values["network"] = describe_network(config.network)
    if config.initializer is not None:
        values["initializer"] = describe(config.initializer)
    if config.holdout is not None:
        values["holdout"] = str(config.holdout)
    if isinstance(config.omega, tuple):
        values["omega"] = [
            str(part) if isinstance(part, NyquistShare) else part for part in config.omega
        ]
    return values


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint's file."""
    return b"".join(checkpoint_pieces(checkpoint))


def checkpoint_pieces(checkpoint: Checkpoint) -> Iterator[bytes]:
    """Return what `encode_checkpoint` does, to be written piece by piece, some megabytes each."""
    content = {
        "version": _VERSION,
        "settings": settings_values(checkpoint.config),
        "planned_steps": checkpoint.config.planned_steps,
        "standing": json.loads(to_json(dataclasses.asdict(checkpoint.standing))),
        "fingerprint": checkpoint.fingerprint,
        "origin": dict(checkpoint.origin),
    }
    tensors = {f"{STATE_PREFIX}{name}": tensor for name, tensor in checkpoint.state.items()}
    return field_pieces(
        checkpoint.field, state=tensors, checkpoint=json.dumps(content, sort_keys=True)
    )


def decode_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Return the checkpoint in a file's bytes; `name` is what error messages call the file.

    Raises InputError for anything that is not a sound checkpoint.
    """
    return checkpoint_of(MemoryContent(content, name))


def checkpoint_of(content: Content) -> Checkpoint:
    """Return the checkpoint in a file, whose state is read when it is asked for.

    Raises InputError for anything that is not a sound checkpoint.
    """
    stored, name = StoredField(content), content.name
    text = stored.header.checkpoint
    if text is None:
        raise InputError(
            f"{name}: a finished weights file, no checkpoint: go on with it by `start_from`"
        )
    field = stored.field()
    try:
        state = StoredState(content, stored.header)
        values = json.loads(text)
        if not isinstance(values, dict):
            raise TypeError("it is no object")
        if values.get("version", 1) != _VERSION:
            raise InputError(
                f"{name}: a checkpoint of another version of sinefit: finish it with that one, or "
                "remove it"
            )
        config = _config(values["settings"], values.get("planned_steps"))
        size = field.network.size
        mine = (config.network, config.width, config.depth)
        if mine != (field.network.family, size.width, size.depth):
            raise ValueError("its settings are of another network")
        if config.blocks_for(field.spec) != field.blocks:
            raise ValueError("its settings are of other blocks")
        return Checkpoint(
            field,
            config,
            _standing(values["standing"]),
            state,
            str(values["fingerprint"]),
            dict(values["origin"]),
        )
    except (KeyError, TypeError, ValueError, SettingError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: damaged checkpoint: {reason}") from error


def _config(settings: dict[str, Any], planned_steps: int | None) -> FitConfig:
    """Return what `settings_values` has written; raises KeyError for what is missing."""
    values = {each.name: settings[each.name] for each in deciding()}
    limits = [values.pop(each.name) for each in settings_in(Budget)]
    if parse_network(values["network"]) is SINE:
        values["initializer"] = parse_initializer(values["initializer"])
    if isinstance(values["omega"], list):
        values["omega"] = parse_omega(",".join(map(str, values["omega"])))
    budget = None if limits == [None, None, None] else Budget(*limits)
    return FitConfig(**values, budget=budget, planned_steps=planned_steps)


def _standing(values: Any) -> Standing:
    counters = ("step", "summed", "low_reports", "cycle", "peak_step", "looked")
    if not isinstance(values, dict):
        raise TypeError("its standing is no object")
    values = dict(values)
    flags = {name: values.pop(name, None) for name in ("refined", "continued")}
    if any(type(flag) is not bool for flag in flags.values()):
        raise ValueError("its standing makes no sense")
    numbers = {
        key: int(value) if key in counters else float(value) for key, value in values.items()
    }
    if any(math.isnan(value) for value in numbers.values()) or any(
        numbers[key] < 0 for key in counters
    ):
        raise ValueError("its standing makes no sense")
    return Standing(**numbers, **flags)  # type: ignore[arg-type]


def _word(name: str, value: object) -> str:
    if isinstance(value, tuple) and name in ("blocks", "margin"):
        return extent_text(value)
    if isinstance(value, list | tuple):
        return ",".join(part if isinstance(part, str) else f"{part:g}" for part in value)
    return "by default" if value is None else str(value)
