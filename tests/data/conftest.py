"""Drawn pictures as libraries and as files."""

from landscapes import make_library, photos

__all__ = ["make_library", "photos"]
