"""Sine networks in C: large ones on the tile registers of AMX, stacks of small ones anywhere."""

from sinefit.native.tile_network import TileNetwork, tiles_supported

__all__ = ["TileNetwork", "tiles_supported"]
