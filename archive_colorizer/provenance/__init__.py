"""What can be proved of a finished job. `verify` re-hashes it against its manifest."""
