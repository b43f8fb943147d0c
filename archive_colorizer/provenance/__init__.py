"""Provenance: what a picture says of how it was made, signed and readable again."""
