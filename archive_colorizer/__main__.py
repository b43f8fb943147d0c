"""`python -m archive_colorizer`: the command."""

import sys

from archive_colorizer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
