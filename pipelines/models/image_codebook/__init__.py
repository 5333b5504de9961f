"""The texture codebook: encoder, quantiser and decoder of face pictures, and the losses they are trained with."""
