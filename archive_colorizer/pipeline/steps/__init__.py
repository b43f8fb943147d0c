"""The steps of a job, one file each, and the interface of a step."""
