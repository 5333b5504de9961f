"""A trained normalizing flow in memory, with what generation needs beside its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.blinks.model import BlinkModel
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from storage_schemas.training_runs import EMOTIONS

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CoefficientModel:
    """ExpFlow or PoseFlow.

    Attributes:
        run_id: the training run, e.g. expflow/3f2a...
        flow: the network with its trained (averaged) weights.
        lowest, highest: (features,) float32, the range of the training clips' coefficients, blinks taken out.
        emotions: labels that it was trained on; any other is refused.
        latents: (n, features) float32 of the training clips, the prior of the manifold projection; None: no projection.
        blinks: None: none are drawn.
        neutral: (features,) float32, a resting face: the training clips' mean neutral coefficients.
        lineage: JSON values that say where the weights come from: dataset version, face model, code.
    """

    run_id: str
    flow: CoefficientFlow
    lowest: Float32Array
    highest: Float32Array
    emotions: tuple[str, ...] = EMOTIONS
    latents: Float32Array | None = None
    blinks: BlinkModel | None = None
    neutral: Float32Array | None = None
    lineage: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        features = self.flow.config.features
        for name in ("lowest", "highest"):
            if getattr(self, name).shape != (features,):
                raise ValueError(f"{self.run_id}: {name} must be ({features},), got {getattr(self, name).shape}")

    @property
    def resting(self) -> Float32Array:
        """(features,) float32: the neutral face where there is one, else the centre of the training clips."""
        if self.neutral is not None:
            return self.neutral
        return np.asarray(self.flow.center.detach().cpu().numpy(), dtype=np.float32)

    def allowed_range(self, margin: float) -> tuple[Float32Array, Float32Array]:
        """Return lowest and highest coefficients, widened on both sides by a share of the range."""
        widening = margin * (self.highest - self.lowest)
        return self.lowest - widening, self.highest + widening
