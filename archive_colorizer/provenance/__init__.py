"""Provenance: what a derivative says of its own origin, and how that is read."""
