"""Model files: safetensors with a card, and the references that name them.

`reference.resolve` and `card` load no torch; `local` and `reference.load` do. `builtin/` holds the
shipped models.
"""
