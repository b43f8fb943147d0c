"""One training recipe a model family."""
