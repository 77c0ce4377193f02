"""How much of the CPU may be used: all of it, unless a limit is set to stand for a lesser one.

The order is that of what is faster: each capability includes those below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sinefit.errors import SettingError


class Capability(IntEnum):
    """Instructions that a CPU can have for products and sines."""

    AVX2 = 1
    AVX512 = 2
    AVX512_BF16 = 3
    """Products of bfloat16 by vectors."""
    AMX = 4
    """Products of bfloat16 by tile registers."""


@dataclass(frozen=True)
class ProcessorLimit:
    """The most that may be used of the CPU."""

    capability: Capability = Capability.AMX
    compiled: bool = True
    """Whether the part in C may be used, else torch alone."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables that hold torch and its libraries to this limit.

        They read them when they are loaded. There are none for all that a processor has.
        """
        return dict(_VARIABLES[self.capability])


_VARIABLES: Final = {
    capability: dict(
        zip(
            ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS"),
            values,
            strict=False,
        )
    )
    for capability, values in {
        Capability.AVX2: ("avx2", "AVX2", "AVX2"),
        Capability.AVX512: ("avx512", "AVX512_CORE_VNNI", "AVX512"),
        Capability.AVX512_BF16: ("avx512", "AVX512_CORE_BF16", "AVX512"),
        Capability.AMX: (),
    }.items()
}
_TORCH_ONLY: Final = "torch"


def parse_limit(text: str) -> ProcessorLimit:
    """Return the limit of a text: a capability in lower case, ":torch" after it without the C part.

    Raises SettingError for any other text.
    """
    name, colon, rest = text.partition(":")
    known = {capability.name.lower(): capability for capability in Capability}
    if name not in known or (colon and rest != _TORCH_ONLY):
        raise SettingError(
            f"{text!r} is no limit of the processor: use {', '.join(known)}, "
            f"or one of them with :{_TORCH_ONLY} after it"
        )
    return ProcessorLimit(known[name], compiled=not colon)


_limit = ProcessorLimit()


def limit_processor(limit: ProcessorLimit) -> None:
    """Let sinefit use no more of the CPU than this from here on, in the whole process.

    It decides which engine, type of products and evaluator are chosen. What torch does by itself is
    decided when torch is loaded, by `ProcessorLimit.variables`.
    """
    global _limit
    _limit = limit


def processor_limit() -> ProcessorLimit:
    """Return the limit in force."""
    return _limit


def allows(capability: Capability, *, compiled: bool = False) -> bool:
    """Tell whether a capability may be used if the processor has it, with `compiled` by C."""
    return _limit.capability >= capability and (_limit.compiled or not compiled)
