"""Training of the networks: data, loop, checkpoints, runs."""
