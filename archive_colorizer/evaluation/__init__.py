"""Evaluation: models compared on the same pictures, with the grey baseline always beside them.

`run.evaluate` is what the command calls; the figures are in `metrics/`. Needs the
libraries of the extra `metrics` (scikit-image, torchmetrics).
"""
