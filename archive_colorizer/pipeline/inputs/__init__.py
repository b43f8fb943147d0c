"""Which pages a job does: listing, selection, lists and hints beside them, names of derivatives."""
