"""What rendering needs of a trained image generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.face_model.basis import FaceModel
from pipelines.models.face_motion import field_size_px
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.rendering.portrait_frame import FacePlace

_PLACE = slice(67, 70)  # x, y and scale in (beta, rho)


@dataclass(frozen=True, eq=False)
class RenderingModel:
    """A generator and the face model that belongs to its coefficients.

    Attributes:
        run_id: of the run, e.g. "vqig/0123456789abcdef".
        generator: on the CPU, in evaluation mode.
        face_model: of its dataset; None only where the generator draws no motion fields.
        lineage: where the generator comes from: dataset, face model, codebook, hash of the weights.
    """

    run_id: str
    generator: ImageGenerator
    face_model: FaceModel | None
    lineage: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.generator.settings.bootstrap and self.face_model is None:
            raise ValueError(f"{self.run_id} begins with the motion of a face model, none was given")

    @property
    def size_px(self) -> int:
        """Side of the pictures."""
        return self.generator.codebook.settings.size_px

    @property
    def surroundings_px(self) -> int:
        """How much around a portrait goes with it, at each side."""
        return self.generator.settings.surroundings_px

    @property
    def field_size_px(self) -> int:
        """Side in which motion fields are drawn, as in training; they are enlarged to the picture's."""
        return field_size_px(self.size_px)

    @property
    def place(self) -> FacePlace:
        """Where faces lay in the training clips, on average."""
        x, y, scale = self.generator.mapping.mean[_PLACE].tolist()
        return FacePlace(x, y, scale, self.surroundings_px / self.size_px)
