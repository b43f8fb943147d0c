"""The steps of a job, one file each, and what a step is."""
