"""Outputs that appear whole or not at all, wherever they go."""

from sinefit.files.folders import make_folder
from sinefit.files.locking import locked
from sinefit.files.outputs import check_output, whole_output, write_bytes
from sinefit.files.rescue import write_elsewhere
from sinefit.files.targets import STANDARD_STREAM, is_standard_input, is_standard_output, is_stream

__all__ = [
    "STANDARD_STREAM",
    "check_output",
    "is_standard_input",
    "is_standard_output",
    "is_stream",
    "locked",
    "make_folder",
    "whole_output",
    "write_bytes",
    "write_elsewhere",
]
