"""The batch job. Start with `job`; the steps are one file each, in the order of the list there.

Nothing here imports training; only `engines` imports Ray.
"""
