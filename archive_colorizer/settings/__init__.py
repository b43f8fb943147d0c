"""Settings: what may be set, in which range, and the tables and files that set it."""
