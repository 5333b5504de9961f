"""What is particular to training the image generator: motion of the face model, the two levels of its loss, and how good it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipelines.models.image_codebook.perceptual import PerceptualDistance
from pipelines.models.image_codebook.pictures import from_bytes
from pipelines.models.image_generator.generator import GeneratedFrames, ImageGenerator
from pipelines.models.image_generator.losses import GeneratorLossWeights, Targets, code_level_loss, image_level_loss
from pipelines.models.motion_field import FaceCoefficients, FaceMotion, MotionFields, extend_motion
from pipelines.training.checkpoints import TensorGroups
from pipelines.training.images.adversary import Adversary
from pipelines.training.images.face_regions import emphasis
from pipelines.training.images.frame_batches import FrameBatch
from pipelines.training.images.picture_figures import PictureErrors
from pipelines.training.loop import LOSS
from storage_schemas.image_runs import ImageTrainingSpec

SLOW = ("warp.", "blending.")
"""What the names of parameters begin with that learn at the rate of the warping network."""
_BETA = 64


@torch.no_grad()
def portrait_motion(motion: FaceMotion, identity: Tensor, portrait: Tensor, frames: Tensor) -> MotionFields:
    """Return the motion from portraits to frames as the generator wants it: continued beyond the face.

    Args:
        motion: of the face model.
        identity: (batch, identity modes) of the portraits.
        portrait: (batch, 70) beta and rho of the portraits, rho in units of the picture.
        frames: (batch, 70) of the frames.
    """
    with torch.autocast(frames.device.type, enabled=False):
        source = FaceCoefficients(identity.float(), portrait[:, :_BETA].float(), portrait[:, _BETA:].float())
        target = FaceCoefficients(identity.float(), frames[:, :_BETA].float(), frames[:, _BETA:].float())
        fields: MotionFields = motion(source, target)
        return fields._replace(motion=extend_motion(fields.motion, fields.known))


def generated(generator: ImageGenerator, motion: FaceMotion | None, batch: FrameBatch) -> GeneratedFrames:
    """Return the frames that a generator makes of a batch's portraits."""
    if batch.portraits is None or batch.windows is None or batch.portrait_coefficients is None or batch.identity is None:
        raise ValueError("the batch has no portraits: it was made for the codebook")
    portrait = generator.encode_portrait(from_bytes(batch.portraits), batch.portrait_coefficients, batch.portrait_codes)
    fields = batch.fields if motion is None or batch.fields is not None else with_motion(motion, batch).fields
    made: GeneratedFrames = generator(portrait, batch.windows, fields)
    return made


def with_motion(motion: FaceMotion, batch: FrameBatch) -> FrameBatch:
    """Return a batch with the motion of its portraits."""
    if batch.windows is None or batch.portrait_coefficients is None or batch.identity is None:
        raise ValueError("the batch has no portraits: it was made for the codebook")
    middle = batch.windows[:, batch.windows.shape[1] // 2]
    return batch._replace(fields=portrait_motion(motion, batch.identity, batch.portrait_coefficients, middle))


class GeneratorLoss(nn.Module):
    """A batch becomes its losses: at the level of codes first, then at that of pictures too.

    Args:
        generator: that is trained.
        motion: of the face model, where the generator starts from it.
        spec: of the training.
        perceptual: distance of equation 14.
        adversary: None: there is none.
    """

    def __init__(
        self,
        generator: ImageGenerator,
        motion: FaceMotion | None,
        spec: ImageTrainingSpec,
        perceptual: PerceptualDistance,
        adversary: Adversary | None,
    ) -> None:
        super().__init__()
        self.generator, self.motion, self.perceptual = generator, motion, perceptual
        self._spec, self._adversary = spec, adversary
        self._image_level = False

    def forward(self, batch: FrameBatch) -> dict[str, Tensor]:
        """Return scalars; "loss" is what is minimised."""
        assert batch.codes is not None  # noqa: S101 - batches of a training have them
        pictures = from_bytes(batch.pictures)
        targets = Targets(pictures, batch.codes, emphasis(batch.boxes, pictures.shape[-1], self._spec.region_weight))
        made = generated(self.generator, self.motion, batch)
        weights = GeneratorLossWeights(code=self._spec.late_code_weight if self._image_level else self._spec.code_weight)
        losses = code_level_loss(made, targets, self.generator.codebook.quantiser, weights)
        total, terms = losses.total, losses.terms
        if self._image_level:
            adversary = self._adversary if self._adversary is not None and self._adversary.active else None
            discriminator = None if adversary is None else adversary.discriminator
            level = image_level_loss(made, targets, self.perceptual, weights, discriminator)
            total, terms = total + level.total, terms | level.terms
            if adversary is not None:
                adversary.show(made.pictures, pictures)
        else:
            total = total + 0.0 * made.pictures.float().mean()  # every parameter has a gradient, as several processes want it
        return {LOSS: total, **terms}

    def follow(self, leader: GeneratorLoss) -> None:
        """Take the level of another one."""
        self._image_level = leader._image_level

    def gather(self, shares: list[GeneratorLoss]) -> None:
        """Do nothing."""

    def before_step(self, step: int, planned_steps: int) -> None:
        """Choose the level."""
        self._image_level = step >= self._spec.code_share * planned_steps

    def after_step(self, step: int) -> dict[str, Tensor]:  # noqa: ARG002 - a companion of the loop
        """Do nothing."""
        return {}

    def tensors(self) -> TensorGroups:
        """Return nothing: all is in the network."""
        return {}

    def restore(self, groups: TensorGroups) -> None:
        """Do nothing."""


@torch.no_grad()
def generator_figures(
    generator: ImageGenerator, motion: FaceMotion | None, batches: list[FrameBatch], device: torch.device
) -> tuple[float, dict[str, float], list[Tensor]]:
    """Return mean squared error, figures, and rows of pictures (portrait, warped, made, asked for) of frames that were not trained on."""
    errors, warped, samples = PictureErrors(), PictureErrors(), []
    for batch in batches:
        moved = batch.to(device)
        targets = from_bytes(moved.pictures)
        made = generated(generator, motion, moved)
        errors.add(made.pictures, targets, moved.boxes)
        warped.add(made.warped, targets, moved.boxes)
        samples.append(torch.stack([_portrait(generator, moved), made.warped[0], made.pictures[0].float(), targets[0]]).cpu())
    return errors.mean_square, {**errors.figures(), **{f"warped_{name}": value for name, value in warped.figures().items()}}, samples


def _portrait(generator: ImageGenerator, batch: FrameBatch) -> Tensor:
    assert batch.portraits is not None  # noqa: S101 - `generated` has checked
    margin, side = generator.settings.surroundings_px, batch.portraits.shape[1]
    return from_bytes(batch.portraits[:1, margin : side - margin, margin : side - margin])[0]
