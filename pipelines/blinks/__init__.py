"""Blinks: found in coefficients, taken out for training, and drawn anew for generated sequences."""
