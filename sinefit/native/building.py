"""Building the libraries in C, and the wheel that carries them.

setuptools loads this file alone, where neither torch nor anything else of sinefit need be there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SUFFIX: Final = ".so"
"""How the libraries' names end on every system, as `library.py` opens them."""


class BuildLibraries(build_ext):
    """Compiles plain shared libraries, which know nothing of Python and so serve any version."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return a library's path below the packages, without the tag of a version of Python."""
        return str(Path(*fullname.split("."))) + SUFFIX


class PlatformWheel(bdist_wheel):
    """A wheel for a platform and any Python 3; for any platform where nothing was compiled."""

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tags of what was gathered: Python, its binary interface, the platform."""
        assert self.bdist_dir is not None  # once options are final
        self.root_is_pure = not any(Path(self.bdist_dir).rglob(f"*{SUFFIX}"))
        return "py3", "none", super().get_tag()[2]
