"""A command line as a user types it, in this process: exit code and what was said."""

import contextlib
import io
from dataclasses import dataclass

from archive_colorizer.cli.main import main


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of a refusal, exit code 2."""
        assert (self.code, self.out) == (2, "")
        (line,) = self.err.strip().splitlines()
        return line


def typed(*words: object) -> Said:
    """Run `archive-colorizer WORDS`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # argparse's way to refuse
            code = int(end.code or 0)
    return Said(code, out.getvalue(), err.getvalue())
