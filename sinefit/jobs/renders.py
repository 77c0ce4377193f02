"""From a field to a file: where a render goes, in which format, and its writing by pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_stream
from sinefit.fitting.devices import cpu_threads
from sinefit.rendering.quantities import VALUE
from sinefit.rendering.render import render_pieces
from sinefit.signals.formats import agreed_format, extension_of, formats_of
from sinefit.signals.writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.rendering.plan import RenderPlan, RenderRequest
    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding


def target_and_format(
    spec: SignalSpec,
    path: Path | None,
    request: RenderRequest,
    output: str | None,
    output_format: str | None,
) -> tuple[str | None, str]:
    """Return where a render goes and in which format; a contradiction is an error.

    `spec` is what was fitted, `path` the weights file, None for one that is piped in. Without a
    name for the output it is made of that file's; None where there is neither.
    """
    kind = spec.kind
    formats = formats_of(kind)
    if output_format is not None and output_format not in formats:
        raise SettingError(
            f"`format` is {output_format}: for a field of kind {kind} it can be "
            f"{', '.join(formats)}"
        )
    original = spec.format if spec.format in formats else formats[0]
    if output is None:
        chosen = output_format or original
        if path is None:
            return None, chosen
        name = f"{path.stem}-{suffix_of(request)}{extension_of(chosen)}"
        return str(path.with_name(name)), chosen
    if is_stream(output):
        return output, output_format or original
    named = agreed_format(kind, output, output_format)
    if named is None:
        if Path(output).suffix:
            raise OutputError(
                f"{output}: no format for kind {kind} has this ending; it can be "
                f"{', '.join(extension_of(known) for known in formats)}, or say `format`"
            )
        return output, original
    return output, named


def place_of_field(name: str, stack: Path, folder: str | None) -> Path:
    """Return the weights file, were it one, of a field of a stack: below a folder, or beside it.

    Raises InputError for a name that leads elsewhere.
    """
    path = Path(name)
    if not name.isprintable() or path.is_absolute() or ".." in path.parts or not path.name:
        raise InputError(f"{stack}: its field {name!r} has no name for a file; load it in Python")
    if folder is not None:
        return Path(folder, name + SUFFIX)
    return stack.with_name(name.replace("/", "-") + SUFFIX)


def write_render(
    field: Field,
    plan: RenderPlan,
    target: str,
    format: str,
    encoding: Encoding,
    *,
    force: bool,
    threads: int | None,
    on_share: Callable[[float], None],
) -> tuple[str, ...]:
    """Evaluate a field where its networks are and write it; return what the format could not keep.

    Calls back and raises what `write_pieces` does.
    """
    with cpu_threads(threads):
        pieces = render_pieces(field, plan)
        return write_pieces(pieces, plan, target, format, encoding, force=force, on_share=on_share)


def write_pieces(
    pieces: Iterable[NDArray[Any]],
    plan: RenderPlan,
    target: str,
    format: str,
    encoding: Encoding,
    *,
    force: bool,
    on_share: Callable[[float], None],
) -> tuple[str, ...]:
    """Write the consecutive pieces of a render; return what the format could not keep.

    `on_share` is called with the share that is done, 0 to 1. Raises OutputError for a file that
    cannot be written, SettingError for an encoding that is not one of the format's.
    """
    with written(target, plan.spec, format, encoding, force=force) as writer:
        done = 0
        for piece in pieces:
            writer.write(piece)
            done += len(piece)
            on_share(done / plan.spec.shape[0])
    return writer.notices


def suffix_of(request: RenderRequest) -> str:
    """Return what a default name tells of the request: "4x", "96000hz", "gradient-crop-4x"."""
    parts = [] if request.what == VALUE else [request.what]
    if request.start or request.duration is not None:
        parts.append("cut")
    if request.region is not None:
        parts.append("crop")
    if request.size is not None:
        parts.append("x".join("" if count is None else str(count) for count in request.size))
    elif request.scale is not None:
        factors = "x".join(f"{factor:g}" for factor in request.scale)
        parts.append(f"{factors}x" if len(request.scale) == 1 else factors)
    if request.rate is not None:
        parts.append(f"{float(request.rate):g}hz")
    if request.fps is not None:
        parts.append(f"{float(request.fps):g}fps")
    return "-".join(parts) or "1x"
