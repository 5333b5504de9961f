"""Where the latents of a sequence come from: fresh noise, or the latents of a reference."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.generation.manifold import ManifoldProjection
from pipelines.generation.temporal_prior import LatentNoise

Float32Array = NDArray[np.float32]


class LatentSource(Protocol):
    """Gives the latents of one sequence, in order."""

    def draw(self, frames: int) -> Tensor:
        """Return the next frames' latents, (frames, features) float32."""
        ...


class NoiseLatents:
    """Latents around an emotion's mean.

    Args:
        mean: (features,) of the emotion.
        noise: of the item.
        temperature: 0: the mean itself, 1: the model's own spread.
        projection: how far latents are moved to their manifold projection, 0..1; needs `manifold` if above 0.
        manifold: latents of the training clips.
    """

    def __init__(
        self, mean: Tensor, noise: LatentNoise, temperature: float, projection: float = 0.0, manifold: ManifoldProjection | None = None
    ) -> None:
        self._mean = mean
        self._noise = noise
        self._temperature = temperature
        self._projection = projection
        self._manifold = manifold

    def draw(self, frames: int) -> Tensor:
        """See `LatentSource.draw`."""
        noise = torch.from_numpy((self._temperature * self._noise.draw(frames)).astype(np.float32)).to(self._mean.device)
        latents = self._mean + noise
        if self._projection > 0 and self._manifold is not None:
            latents = latents + self._projection * (self._manifold.project(latents) - latents)
        return latents


class ReferenceLatents:
    """Latents of a reference, gone through to and fro if it is too short.

    Args:
        latents: (n, features) float32 of the reference's frames.
        mean: (features,) of its emotion.
        fresh: share of the spread that is fresh noise, 0..1.
        noise: of the item.
    """

    def __init__(self, latents: Float32Array, mean: Tensor, fresh: float, noise: LatentNoise) -> None:
        self._latents = latents
        self._mean = mean
        self._fresh = fresh
        self._noise = noise
        self._next = 0

    def draw(self, frames: int) -> Tensor:
        """See `LatentSource.draw`."""
        rows = to_and_fro(len(self._latents), self._next, frames)
        self._next += frames
        latents = torch.from_numpy(self._latents[rows]).to(self._mean.device)
        if self._fresh == 0:
            return latents
        noise = torch.from_numpy(self._noise.draw(frames).astype(np.float32)).to(self._mean.device)
        # A mixture whose variance is that of either: the reference's shape fades, its spread does not.
        kept = math.sqrt(1 - self._fresh**2)
        return self._mean + kept * (latents - self._mean) + self._fresh * noise


def to_and_fro(length: int, first: int, frames: int) -> NDArray[np.int64]:
    """Return the rows 0, 1, .. length-1, length-2, .. 1, 0, 1, .. from place `first` on."""
    if length == 1:
        return np.zeros(frames, np.int64)
    places = np.arange(first, first + frames) % (2 * length - 2)
    return np.asarray(np.where(places < length, places, 2 * length - 2 - places))
