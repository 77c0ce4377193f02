"""Pillow made to decode what may be hostile: its own limit, its warnings, its errors in words."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from sinefit.errors import InputError, SinefitError
from sinefit.signals.media.decoder_messages import damage_notice, decoder_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.signals.limits import Limits

_pillow_lock = threading.Lock()


@contextmanager
def pillow_decoding(
    name: str, format: str, limits: Limits, *, prints: bool = False
) -> Iterator[list[str]]:
    """Turn whatever decoders of damaged files raise into InputError, which calls the file `name`.

    Yields a list that holds notices once the block has ended: what Pillow warned of, and, for a
    decoder that `prints`, what it reported on the standard error stream.
    """
    notices: list[str] = []
    printed: list[str] = []
    try:
        with _pillow_settings(limits) as warned, _collected(printed, prints=prints):
            yield notices
    except (SinefitError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} has far more pixels than the {limits.max_pixels} that are read: "
            "cut it into parts or raise `max_pixels`"
        ) from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        reason = _reason(error, printed)
        raise InputError(
            f"{name} cannot be read as {format}: {reason}; get another copy or save it again"
        ) from error
    notices += [*warned, *damage_notice(name, printed)]


@contextmanager
def _collected(printed: list[str], *, prints: bool) -> Iterator[None]:
    try:
        with decoder_messages(collect=prints) as lines:
            yield
    finally:
        printed += lines


def _reason(error: Exception, printed: list[str]) -> str:
    """Say in one line why a decoder failed, in the words that it printed where they tell more."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged, or its variant is not supported"
    if printed and str(error).startswith("decoder error"):
        return printed[0][:200]
    # Other errors are slips of a decoder over damage, and speak of its own variables.
    told = isinstance(error, OSError | SyntaxError | ValueError)
    lines = str(error).strip().splitlines() if told else []
    return lines[0][:200] if lines else "the file is damaged"


@contextmanager
def _pillow_settings(limits: Limits) -> Iterator[list[str]]:
    """Collect Pillow's warnings as sentences, and set its own limit on pixels.

    Some of its decoders take memory before they tell the size; beyond twice its limit none does.

    Both are settings of the whole process, hence the lock.
    """
    messages: list[str] = []
    with _pillow_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Between its limit and twice that it only warns; the exact limit is checked here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = limits.max_pixels
        try:
            yield messages
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    messages += {" ".join(str(warning.message).split()): None for warning in caught}
