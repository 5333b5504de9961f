"""Rendering of script lists: plan what is missing, prepare it, draw coefficients, make frames, encode, publish, note the results."""
