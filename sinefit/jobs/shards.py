"""A batch in shards: each of several calls, on any machines, does a part of the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sinefit.validation import refusal, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """One of so many parts of a batch that are nearly equal and do not overlap."""

    number: int
    """Counted from 1."""
    count: int

    @classmethod
    def of(cls, value: object) -> Shard:
        """Return the shard of a text, "3/16", or of two numbers; raises SettingError else."""
        wanted = "number/count, such as 3/16"
        parts: Sequence[object]
        if isinstance(value, str):
            words = [word.strip() for word in value.split("/")]
            if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
                raise refusal("shard", value, wanted)
            parts = [int(word) for word in words]
        elif isinstance(value, tuple | list):
            parts = value
        else:
            raise refusal("shard", value, wanted)
        if len(parts) != 2:
            raise refusal("shard", value, wanted)
        count = whole_number("shard", parts[1])
        return cls(whole_number("shard", parts[0], most=count), count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of_all(self, items: Sequence[Item]) -> list[Item]:
        """Return its items: every `count`-th, so that all shards have large ones and small ones.

        Which they are follows from the order of all items alone, which must be that of all shards.
        """
        return list(items[self.number - 1 :: self.count])
