"""Training: recipes over one loop, in plain torch; only `ray` imports Ray.

`recipe` says what a recipe declares, `loop` carries any recipe out, `recipes/` has one file a model
family. Nothing in the batch pipeline imports this package.
"""
