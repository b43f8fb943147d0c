"""Colours whole black-and-white photo archives, and writes down what it did.

Importing this package loads neither torch nor ray; the subpackages that need them do.
"""

from typing import Final

__version__: Final = "0.2.0"
