"""Options of several commands about the machine at hand."""

from __future__ import annotations

from typing import Annotated, Final

from sinefit.cli.options.settings import OFFERED, option_of

_SETTINGS: Final = {each.name: each for each in OFFERED}

Device = Annotated[str, option_of(_SETTINGS["device"])]
Threads = Annotated[int | None, option_of(_SETTINGS["threads"])]
