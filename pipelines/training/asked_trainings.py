"""The trainings that can be asked for by the name of a network: of coefficients, of images, and of judges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from pipelines.judging.clip_media import VersionMedia
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.images.image_run import train_images
from pipelines.training.images.image_run_settings import asked_config, preset_image_training
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.judges.judge_run import train_judge
from pipelines.training.judges.judge_settings import judge_config, preset_judge_training
from pipelines.training.run_folder import AnyCard
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import OpenedTraining, Training
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.image_runs import ImageRunCard, ImageTrainingSpec
from storage_schemas.judge_runs import JudgeRunCard, JudgeTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import COEFFICIENT_KINDS, IMAGE_KINDS, Preset, RunCard, RunKind, TrainingSpec


@dataclass(frozen=True)
class CoefficientTraining(Training[RunCard]):
    """A training of ExpFlow or PoseFlow; attributes as of `Training`."""

    spec: TrainingSpec

    def opened(self, store: ObjectStore) -> OpenedTraining[RunCard]:
        """Find the sequences of the version; raises as `VersionSequences`."""
        source = VersionSequences(store, self.dataset)
        config = run_config(self.kind, source, self.spec)
        return OpenedTraining(store, config, RunCard, partial(train_coefficients, store, source, config))


@dataclass(frozen=True)
class ImageTraining(Training[ImageRunCard]):
    """A training of the codebook or of the image generator.

    Attributes:
        kind, spec, dataset: see `Training`.
        codebook: run id, beginning of one, or latest; of no meaning for a codebook.
        vgg19: file with torchvision's vgg19 weights; empty: none.
    """

    spec: ImageTrainingSpec
    codebook: str = "latest"
    vgg19: str = ""

    def opened(self, store: ObjectStore) -> OpenedTraining[ImageRunCard]:
        """Find the frames of the version, and the codebook; raises as `VersionFrames` and `asked_config`."""
        source = VersionFrames(store, self.dataset)
        config = asked_config(self.kind, source, self.spec, self.codebook, self.vgg19)
        return OpenedTraining(store, config, ImageRunCard, partial(train_images, store, source, config, vgg19=self.vgg19))


@dataclass(frozen=True)
class JudgeTraining(Training[JudgeRunCard]):
    """A training of a judge of lip-sync or emotion; attributes as of `Training`."""

    spec: JudgeTrainingSpec

    def opened(self, store: ObjectStore) -> OpenedTraining[JudgeRunCard]:
        """Find the clips of the version; raises as `VersionMedia`."""
        source = VersionMedia(store, self.dataset)
        config = judge_config(self.kind, source.dataset, self.spec)
        return OpenedTraining(store, config, JudgeRunCard, partial(train_judge, store, source, config))


def asked_training(
    kind: RunKind, preset: Preset, changes: dict[str, Any], dataset: str, *, codebook: str = "latest", vgg19: str = ""
) -> Training[AnyCard]:
    """Return the training of a network.

    Args:
        kind: of the network.
        preset: of sizes and settings.
        changes: fields of the specification that differ from the preset; values are read by pydantic.
        dataset: version id, beginning of one, or tag.
        codebook: see `ImageTraining`; other networks have none.
        vgg19: likewise.

    Raises:
        pydantic.ValidationError: a field is unknown or out of range.
    """
    if kind in COEFFICIENT_KINDS:
        return CoefficientTraining(kind, preset_training(kind, preset, **changes), dataset)
    if kind in IMAGE_KINDS:
        return ImageTraining(kind, preset_image_training(kind, preset, **changes), dataset, codebook, vgg19)
    return JudgeTraining(kind, preset_judge_training(kind, preset, **changes), dataset)
