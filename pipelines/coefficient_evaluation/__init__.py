"""How good generated coefficients are: measures, an emotion judge, pictures, and the ablation of the latent distribution."""
