"""Training of the judges: clips, batches, losses, runs."""
