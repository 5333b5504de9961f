"""Probing, decoding, resampling in time and encoding of video."""
