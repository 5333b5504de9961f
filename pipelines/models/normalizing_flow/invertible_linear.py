"""Invertible linear maps in LU form (Glow's 1x1 convolution; the paper's W), one for each step of a flow."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InvertibleLinears(nn.Module):
    """K matrices W = P L U of size F x F; the permutation P and the signs of U's diagonal are fixed.

    They begin as random rotations. log|det W| is the sum of U's log-diagonal.
    """

    permutations: Tensor
    signs: Tensor

    def __init__(self, steps: int, features: int, generator: torch.Generator) -> None:
        super().__init__()
        rotations = torch.linalg.qr(torch.randn(steps, features, features, generator=generator, dtype=torch.float64))[0]
        permutations, lower, upper = torch.linalg.lu(rotations)
        diagonal = upper.diagonal(dim1=1, dim2=2)
        self.register_buffer("permutations", permutations.float())
        self.register_buffer("signs", diagonal.sign().float())
        self.lower = nn.Parameter(lower.tril(-1).float())
        self.upper = nn.Parameter(upper.triu(1).float())
        self.log_diagonal = nn.Parameter(diagonal.abs().log().float())

    def matrices(self) -> Tensor:
        """Return W of every step, (K, F, F); a row vector h is mapped by h @ W.mT."""
        lower, upper = self._triangles()
        return self.permutations @ lower @ upper

    def inverses(self) -> Tensor:
        """Return the inverse of W of every step, (K, F, F), solved in float64; differentiable."""
        lower, upper = (triangle.double() for triangle in self._triangles())
        eye = torch.eye(lower.shape[-1], dtype=torch.float64, device=lower.device).expand_as(lower)
        inner = torch.linalg.solve_triangular(lower, eye, upper=False, unitriangular=True)
        inverse = torch.linalg.solve_triangular(upper, inner, upper=True)
        result: Tensor = (inverse @ self.permutations.double().mT).to(self.lower.dtype)
        return result

    def log_det(self) -> Tensor:
        """Return the sum over all steps of log|det W|, a scalar."""
        return self.log_diagonal.sum()

    def _triangles(self) -> tuple[Tensor, Tensor]:
        eye = torch.eye(self.lower.shape[-1], dtype=self.lower.dtype, device=self.lower.device)
        upper = self.upper.triu(1) + torch.diag_embed(self.signs * self.log_diagonal.exp())
        return self.lower.tril(-1) + eye, upper
