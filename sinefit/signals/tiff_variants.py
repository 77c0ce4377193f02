"""The variants of TIFF that are not read, named by their tags.

Format: Adobe, TIFF Revision 6.0, section 8 and appendix A.
"""

from __future__ import annotations

from typing import Any, Final

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT, _RAW = 258, 259, 262, 339, 50706
_TYPES: Final = {1: "integer", 2: "signed integer", 3: "floating-point", 5: "complex", 6: "complex"}
_COLOURS: Final = {5: "CMYK", 8: "CIELAB", 9: "CIELAB", 10: "CIELAB"}


def describe_variant(tags: dict[int, tuple[Any, ...]]) -> str | None:
    """Return what a TIFF with these tags holds, in words, None for what Pillow may well read."""
    if _RAW in tags:
        return "raw sensor data (DNG)"
    bits = max((depth for depth in tags.get(_BITS, (1,)) if isinstance(depth, int)), default=1)
    kind = _TYPES.get(next(iter(tags.get(_SAMPLE_FORMAT, (1,))), 1))
    colours = _COLOURS.get(next(iter(tags.get(_PHOTOMETRIC, ())), -1))
    plain = kind in (None, "integer")
    if plain and (bits <= 8 or (bits <= 16 and colours is None)):
        return None
    packed = next(iter(tags.get(_COMPRESSION, (1,))), 1)
    words = [f"{bits}-bit", *([] if plain and colours else [kind or "integer"])]
    words += [colours, "samples"] if colours else ["samples"]
    return " ".join(words) + (f" in compression {packed}" if kind == "floating-point" else "")
