"""Colour an archive on a running cluster: the command of that name, for `ray job submit`.

    ray job submit --working-dir . -- python -m jobs.colorize s3://masters/ s3://colour/

Arguments and exit codes are the command's own; the cluster is the one that the job runs on.
"""

import sys

from archive_colorizer.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["colorize", *sys.argv[1:]]))
