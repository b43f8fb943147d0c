"""The batch job: pages, steps, engines and the record in OUTPUT.

Start with `job`; the steps are one file each, in the order of the list there. Nothing here imports
training; only `engines` imports Ray.
"""
