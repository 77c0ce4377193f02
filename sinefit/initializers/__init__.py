"""Recipes that draw the starting weights of a sine network, one module per published scheme."""

from __future__ import annotations

from sinefit.initializers.base import Initializer, SignalTraits, TrainingRules, mean_omega
from sinefit.initializers.registry import INITIALIZERS, describe, parse_initializer
from sinefit.parameters import Parameter, parameters_of

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "Parameter",
    "SignalTraits",
    "TrainingRules",
    "describe",
    "mean_omega",
    "parameters_of",
    "parse_initializer",
]
