"""Photographs on disk: what data may be, which pictures teach, and the library they become."""
