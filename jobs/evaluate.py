"""Compare models on a running cluster: the command of that name, for `ray job submit`.

    ray job submit --working-dir . -- python -m jobs.evaluate photos/ --model builtin:default

Arguments and exit codes are the command's own; the cluster is the one that the job runs on.
"""

import sys

from archive_colorizer.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
