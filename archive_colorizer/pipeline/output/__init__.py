"""OUTPUT: its layout, the manifest, the lease of the run that writes, status and verification."""
