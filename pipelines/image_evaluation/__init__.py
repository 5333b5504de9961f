"""How good generated frames are: held-out reenactment measured and drawn, and the ablation of the generator's parts."""
