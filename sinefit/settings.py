"""The settings of a fit, read off the fields of the dataclasses that hold them.

A field carries what is known of it as metadata, so that its check, the flags and their help, the
variables, the keys of files, the comparison with a checkpoint and the documentation have one
source:

    batch: int = field(default=4096, metadata=setting("Samples per step.", check=whole_number))
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from sinefit.validation import check_choice, settle, truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """One setting of a fit."""

    name: str
    """The field that holds it."""
    kind: Any
    """Its type but for None: int, float, bool, str, a Literal of texts, or a class."""
    default: Any
    """The value when none is given; `dataclasses.MISSING` for a field that must be."""
    help: str
    """What it does, in a sentence."""
    group: str | None
    """The heading under which users find it; None for what only the library offers."""
    form: str
    """What stands for a value in help: N, TIME; empty for one that is on or off."""
    word: str
    """What callers and messages call it."""
    flag: str
    """The long flag, without dashes."""
    also: str | None
    """A second one that means the same."""
    unset: str | None
    """What None, or a field that must be given, means to users, in words."""
    decides: bool
    """Whether another value gives other weights, whatever the machine."""
    check: Callable[[str, Any], Any] | None
    """Returns a value in its one form, or raises SettingError with the name it is given."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts allowed, for a setting that is one of a few."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    def settled(self, value: Any) -> Any:
        """Return a value, checked and in its one form; None where that is the default."""
        if value is None and self.default is None:
            return None
        if self.choices:
            check_choice(self.word, value, self.choices)
            return value
        if self.check is None:
            return truth(self.word, value) if self.kind is bool else value
        return self.check(self.word, value)


def setting(
    sentence: str,
    *,
    group: str | None = None,
    form: str = "",
    word: str | None = None,
    flag: str | None = None,
    also: str | None = None,
    unset: str | None = None,
    decides: bool = True,
    check: Callable[[str, Any], Any] | None = None,
) -> dict[str, Any]:
    """Return the metadata of a dataclass field that is a setting; see `Setting` for each part.

    The word is the field's name, and the flag follows from the word, unless they are given.
    """
    told = {"help": sentence, "group": group, "form": form, "unset": unset, "also": also}
    return {_KEY: {**told, "word": word, "flag": flag, "decides": decides, "check": check}}


@lru_cache
def settings_in(holder: type[DataclassInstance]) -> tuple[Setting, ...]:
    """Return the settings that a dataclass holds, in the order of its fields."""
    hints = get_type_hints(holder)
    found = []
    for item in fields(holder):
        if _KEY in item.metadata:
            told = dict(item.metadata[_KEY])
            word = told.pop("word") or item.name
            flag = told.pop("flag") or word.replace("_", "-")
            kind = _without_none(hints[item.name])
            default = item.default
            found.append(Setting(item.name, kind, default, word=word, flag=flag, **told))
    return tuple(found)


def settle_settings(holder: DataclassInstance) -> None:
    """Check the settings of a frozen dataclass and bring each into its one form.

    Raises SettingError for the first that cannot be.
    """
    for each in settings_in(type(holder)):
        settle(holder, **{each.name: each.settled(getattr(holder, each.name))})


def _without_none(hint: Any) -> Any:
    """Return a type without None, of which the others are one."""
    if get_origin(hint) is Literal:
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if type(None) in get_args(hint) else hint
