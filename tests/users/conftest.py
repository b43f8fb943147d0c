"""Colour photographs that are drawn."""

from landscapes import photos

__all__ = ["photos"]
