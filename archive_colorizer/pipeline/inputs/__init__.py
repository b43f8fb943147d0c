"""The pages of a job: listing, inventory, selection, lists and hints, names of derivatives."""
