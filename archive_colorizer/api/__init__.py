"""The Python API: what `import archive_colorizer` offers, by the same steps as a job.

The package loads these on first use; see `docs/api.md`.
"""

from archive_colorizer.api.colorizer import Colorized, Colorizer
from archive_colorizer.api.job import colorize
from archive_colorizer.api.manifest import Manifest

__all__ = ["Colorized", "Colorizer", "Manifest", "colorize"]
