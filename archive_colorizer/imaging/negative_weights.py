"""What `benchmarks/fit_negatives.py` fitted: made by it, not written by hand."""

from typing import Final

SIEVE_FROM: Final = 0.0
SIEVE_WEIGHTS: Final = ""
PROBE_FROM: Final = 0.0
PROBE_WEIGHTS: Final = ""
