"""What a dataclass says of its fields: their types as JSON has them, and what each means."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

_JSON: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "None": (type(None),),
    "Fraction": (str,),
    "Kind": (str,),
    "Domain": (str,),
    "Footprint": (str,),
    "Coordinates": (str,),
    "Targets": (str,),
}
"""Types that a value has once it is read from JSON, by its annotation."""


def json_types(kind: type[DataclassInstance]) -> dict[str, tuple[type, ...]]:
    """Return the types that each field of a dataclass can have in JSON.

    Tuples are lists there, fractions texts. Fields of bytes, which JSON does not hold, are left
    out. Raises KeyError for an annotation that has no form in JSON.
    """
    found = {}
    for field in dataclasses.fields(kind):
        words = str(field.type).split(" | ")
        if "bytes" not in words:
            found[field.name] = tuple(
                each
                for word in words
                for each in ((list,) if word.startswith("tuple[") else _JSON[word])
            )
    return found


@functools.cache
def field_notes(kind: type[DataclassInstance]) -> Mapping[str, str]:
    """Return the text below each field of a dataclass in its source, in one line each.

    A field without one has its name in words.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    notes = {}
    for line, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            text = line.target.id.replace("_", " ")
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                text = " ".join(str(below.value.value).split())
            notes[line.target.id] = text
    return {field.name: notes[field.name] for field in dataclasses.fields(kind)}
