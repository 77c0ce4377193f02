"""The errors that sinefit raises on purpose.

    SinefitError
    ├── SettingError          a setting has a value that cannot be
    │   └── DeviceError       the device asked for is not there
    ├── InputError            a file cannot be read, or holds what is not supported
    ├── MemoryLimitError      the work needs more memory than there is
    ├── ClusterError          workers cannot be reached, or die
    ├── OutputError           a result cannot be written
    │   └── OutputExistsError it would overwrite a file
    ├── FitDivergedError      training left the rails; carries the best field
    ├── FitStoppedError       a fit was asked to stop; carries its checkpoint
    ├── FitNotMeasuredError   it was asked to while it was measured; carries the whole field
    └── GroupStoppedError     a group of fits was asked to stop; carries what each has reached

The last four carry what a fit has reached, and stand in `fitting.report` and `fitting.group`.

Each message is one line that names the file or setting, the cause and the cure. A setting stands
in backquotes, "`steps` is 0: it must be at least 1", which the command line replaces by its flag.
The library raises; only the command line turns an error into an exit code.
"""

from __future__ import annotations


class SinefitError(Exception):
    """Base of every error that sinefit raises on purpose."""


class SettingError(SinefitError):
    """A setting has a value that cannot be; the message says what would be right."""


class DeviceError(SettingError):
    """The compute device asked for is not available on this machine."""


class InputError(SinefitError):
    """An input cannot be read, is damaged, or is of a kind that is not supported."""


class MemoryLimitError(SinefitError):
    """The work needs more memory than there is; raised before it is asked for, with the figure."""


class ClusterError(SinefitError):
    """Workers on other machines cannot be reached, or die while they work."""


class OutputError(SinefitError):
    """An output cannot be written, or its format cannot hold the signal."""


class OutputExistsError(OutputError):
    """An output would overwrite an existing file."""
