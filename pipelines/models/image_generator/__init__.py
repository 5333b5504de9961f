"""The vector-quantised image generator (VQIG): a portrait and face coefficients become frames by querying the texture codebook."""
