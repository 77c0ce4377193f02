"""The command line: a thin layer that parses, shows progress and maps errors to exit codes."""

from sinefit.cli.app import main

__all__ = ["main"]
