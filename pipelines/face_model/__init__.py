"""The 3D face model: learning it, reading BFM and extracted coefficients, fitting it to landmarks, projecting it."""
