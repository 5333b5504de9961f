"""Generators for rendering: small networks with random weights and an invented face model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from pipelines.face_model.basis import FaceModel
from pipelines.models.image_generator.settings import GeneratorSettings
from pipelines.rendering.rendering_model import RenderingModel
from tests.factories.face_models import small_face_model
from tests.factories.image_models import GENERATOR, SIZE_PX, disturbed, small_generator


def small_rendering_model(settings: GeneratorSettings = GENERATOR, face_model: FaceModel | None = None) -> RenderingModel:
    """Return a generator whose parts all do something."""
    generator = small_generator(settings)
    for part in (generator.mapping, generator.encoder.adapt, generator.adapt):
        disturbed(part)
    generator.mapping.set_statistics(torch.tensor([0.0] * 67 + [0.0, 0.1, 0.35]), torch.ones(70))
    return RenderingModel("vqig/small", generator.eval(), face_model or small_face_model())


def paper_form() -> GeneratorSettings:
    """Return settings without motion of a face model and without blending."""
    return replace(GENERATOR, bootstrap=False, blend=False)


def moving_head(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return beta (frames, 64) and rho (frames, 6) of a head that turns and speaks."""
    rng = np.random.default_rng(seed)
    beta = (rng.normal(size=(frames, 64)) * small_face_model().expression_stddevs).astype(np.float32)
    rho = np.zeros((frames, 6), np.float32)
    rho[:, 1], rho[:, 4], rho[:, 5] = np.linspace(-0.2, 0.2, frames), 0.1, 0.35
    return beta, rho


def picture(seed: int = 0) -> np.ndarray:
    """Return a random picture (SIZE_PX, SIZE_PX, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
