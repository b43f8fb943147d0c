"""`python -m archive_colorizer.cli`: the command, as scripts outside of this project call it."""

import sys

from archive_colorizer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
