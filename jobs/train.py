"""Train on a running cluster: the command of that name, for `ray job submit`.

    ray job submit --working-dir . -- python -m jobs.train chroma_unet photos/ --output run

Arguments and exit codes are the command's own; the cluster is the one that the job runs on.
"""

import sys

from archive_colorizer.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
