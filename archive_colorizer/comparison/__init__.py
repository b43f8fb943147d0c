"""Comparison: models side by side on pictures that have no truth, to be judged by eye."""
