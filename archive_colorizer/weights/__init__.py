"""Model files: safetensors with a card, and the references that name them.

`reference` and `card` load no torch; `local`, `public` and `state` do. `builtin/` holds the shipped
models. `registry.resolve` also understands MLflow's references.
"""
