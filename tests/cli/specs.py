"""What is known of a signal of each kind."""

from __future__ import annotations

from fractions import Fraction

from sinefit.signals.signal import SignalSpec

IMAGE = SignalSpec("image", (12, 16), 3, "uint8", 0.0, 255.0, "png", 8)
SOUND = SignalSpec("audio", (800,), 1, "float32", -0.25, 0.25, "wav", 16, Fraction(8000))
HEIGHTS = SignalSpec("image", (12, 16), 1, "float32", -50.0, 100.0, "tiff", 32)
VIDEO = SignalSpec("video", (9, 12, 16), 3, "uint8", 0.0, 255.0, "mp4", 8, Fraction(30000, 1001))
ARRAY = SignalSpec("array", (3, 4, 5), 2, "float64", -1.0, 4.0, "npy", 64)
