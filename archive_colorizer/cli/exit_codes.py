"""The command's exit codes."""

from typing import Final

EXIT_OK, EXIT_USAGE, EXIT_SOME_FAILED = 0, 2, 3
EXIT_BROKEN: Final = 1
"""The program is broken: it cannot start, or fails on picture after picture."""
EXIT_REFUSED: Final = 3
"""The gates refuse a promotion."""
EXIT_NO_GAIN: Final = 3
"""Training found no better weights than those of `--init`."""
EXIT_INTERRUPTED: Final = 130
EXIT_READER_LEFT: Final = 141

EXIT_CODES: Final = """\
exit codes: 0 all done; 1 the program broke; 2 bad usage, configuration or location;
3 finished, but some pictures failed (the manifest names them), or training gained nothing"""
