"""Training of the texture codebook and of the image generator: frames, targets, runs."""
