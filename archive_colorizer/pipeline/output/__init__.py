"""OUTPUT: where files go, the manifest, who may write, and what can be read of a job there."""
