"""Rendering: a portrait is prepared once, and coefficients become frames of it."""
