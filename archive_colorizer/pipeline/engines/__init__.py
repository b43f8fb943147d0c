"""Engines that run the steps: a plain loop, or Ray Data. Only `ray` and `metrics` import Ray."""
