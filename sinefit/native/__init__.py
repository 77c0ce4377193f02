"""Sine networks in C, for processors with the tile registers of AMX."""

from sinefit.native.tile_network import TileNetwork, tiles_supported

__all__ = ["TileNetwork", "tiles_supported"]
