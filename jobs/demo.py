"""The README's demo: colour sample photographs on an embedded Ray and say where to look."""

import sys
from pathlib import Path

from archive_colorizer.demo import demo

if __name__ == "__main__":
    sys.exit(demo(Path(sys.argv[1])))
