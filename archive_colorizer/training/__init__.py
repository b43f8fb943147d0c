"""Training: recipes over one loop. Nothing in the batch pipeline imports it."""
