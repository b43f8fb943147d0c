"""Photographs to learn from: what data may be, which pictures teach, and their library."""
