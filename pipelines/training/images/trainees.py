"""The two things that are trained on pictures, as `image_run` sees them."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.face_model.basis import read_face_model
from pipelines.models.face_motion import face_motion, field_size_px
from pipelines.models.image_codebook.adversarial import AdversarialKind
from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.models.motion_field import FaceMotion
from pipelines.training.averaged_weights import AveragedWeights
from pipelines.training.images.adversary import Adversary
from pipelines.training.images.codebook_training import CodebookCare, CodebookLoss, codebook_figures
from pipelines.training.images.frame_batches import FrameNeeds, TrainingFrames
from pipelines.training.images.generator_training import GeneratorLoss, generator_figures, with_motion
from pipelines.training.images.image_data import coefficient_statistics, training_frames, validation_batches
from pipelines.training.images.perceptual_weights import load_perceptual
from pipelines.training.images.run_loading import codebook_settings, generator_settings, load_codebook
from pipelines.training.images.target_codes import TargetCodeCache
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.loop import Companion
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageRunConfig, ImageTrainingSpec
from storage_schemas.training_runs import RunKind, run_folder

_CLUSTERED_PICTURES = 64
_FROZEN = "codebook."

Judgement = tuple[float, dict[str, float], list[Tensor]]
"""Mean squared error, figures by name, and rows of pictures."""


class Trainee(Protocol):
    """A network with everything that its training needs.

    Attributes:
        network: whose parameters are trained and averaged.
        loss: around it.
        frames: batches by step.
        columns: of the rows of sample pictures.
        perceptual, adversarial: for the card.
        parents: paths of what it was made from besides the dataset.
        statistics: stored beside the weights; None: there are none.
    """

    network: nn.Module
    loss: nn.Module
    frames: TrainingFrames
    columns: tuple[str, ...]
    perceptual: str
    adversarial: str
    parents: tuple[str, ...]
    statistics: dict[str, Tensor] | None

    def companions(self, optimiser: torch.optim.Optimizer) -> list[Companion]:
        """Return what goes along with the loop."""
        ...

    def attach(self, average: AveragedWeights) -> None:
        """Learn of the loop's averages."""
        ...

    def judge(self, network: nn.Module) -> Judgement:
        """Return how good a network of the same kind is on validation frames; no figures: there are none."""
        ...

    def stored_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what is stored of a state dict."""
        ...

    def whole_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the state dict of what was stored."""
        ...


def new_trainee(fabric: Fabric, source: VersionFrames, config: ImageRunConfig, vgg19: str) -> Trainee:
    """Return what a configuration trains, on Fabric's device.

    Raises:
        BadInputError: the codebook or the face model is not there, or the file with VGG19's weights is none.
        StoreError: the store cannot be read.
    """
    if config.kind is RunKind.CODEBOOK:
        return CodebookTrainee(fabric, source, config, vgg19)
    return GeneratorTrainee(fabric, source, config, vgg19)


class CodebookTrainee:
    """The codebook."""

    columns: tuple[str, ...] = ("asked for", "made")
    parents: tuple[str, ...] = ()
    statistics: dict[str, Tensor] | None = None

    def __init__(self, fabric: Fabric, source: VersionFrames, config: ImageRunConfig, vgg19: str) -> None:
        spec = config.training
        self._fabric, self._spec = fabric, spec
        sizes = codebook_settings(config.network)
        torch.manual_seed(spec.seed)
        self.network: nn.Module = ImageCodebook(sizes).to(fabric.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        self._adversary = _adversary(fabric, spec, sizes.discriminator_width)
        distance = load_perceptual(vgg19)
        self.perceptual, self.adversarial = distance.name, _adversarial(spec)
        self.loss: nn.Module = CodebookLoss(self._codebook, spec, distance, self._adversary)
        needs = FrameNeeds(sizes.size_px)
        self.frames = training_frames(source, spec, needs, None)
        self._validation = validation_batches(source, spec, needs)
        self._care: CodebookCare | None = None

    @property
    def _codebook(self) -> ImageCodebook:
        assert isinstance(self.network, ImageCodebook)  # noqa: S101 - made above
        return self.network

    def companions(self, optimiser: torch.optim.Optimizer) -> list[Companion]:
        """Return the care of the codes and, where there is one, the discriminator."""
        assert isinstance(self.loss, CodebookLoss)  # noqa: S101 - made above
        self._care = CodebookCare(self._fabric, self.loss, optimiser, self._spec, self._pictures)
        return [self._care, *([self._adversary] if self._adversary is not None else [])]

    def attach(self, average: AveragedWeights) -> None:
        """Let moved codes be moved in the averages too."""
        if self._care is not None:
            self._care.average = average

    def judge(self, network: nn.Module) -> Judgement:
        """Return figures of reconstruction."""
        assert isinstance(network, ImageCodebook)  # noqa: S101 - the loop hands back what it was given
        if not self._validation:
            return 0.0, {}, []
        return codebook_figures(network.eval(), self._validation, self._fabric.device)

    def stored_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all of it."""
        return tensors

    def whole_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all of it."""
        return tensors

    def _pictures(self, step: int) -> Tensor:
        batches = -(-_CLUSTERED_PICTURES // self._spec.batch_frames)
        return torch.cat([self.frames.batch(step + number).pictures for number in range(batches)])


class GeneratorTrainee:
    """The image generator."""

    columns: tuple[str, ...] = ("portrait", "warped", "made", "asked for")

    def __init__(self, fabric: Fabric, source: VersionFrames, config: ImageRunConfig, vgg19: str) -> None:
        spec = config.training
        self._fabric = fabric
        loaded = load_codebook(source.store, config.codebook)
        if loaded.card.config.training.window_iods != spec.window_iods:
            raise BadInputError(
                f"codebook/{config.codebook} was trained on windows of {loaded.card.config.training.window_iods} inter-ocular distances, "
                f"the generator is to be on {spec.window_iods}; set window_iods to the codebook's"
            )
        sizes = loaded.codebook.settings
        torch.manual_seed(spec.seed)
        generator = ImageGenerator(generator_settings(config.network), loaded.codebook)
        self.statistics: dict[str, Tensor] | None = coefficient_statistics(source, spec)
        generator.mapping.set_statistics(self.statistics["mean"], self.statistics["stddev"])
        self.network: nn.Module = generator.to(fabric.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        self._motion = _motion(source, field_size_px(sizes.size_px)).to(fabric.device) if generator.settings.bootstrap else None
        self._adversary = _adversary(fabric, spec, sizes.discriminator_width)
        distance = load_perceptual(vgg19)
        self.perceptual, self.adversarial = distance.name, _adversarial(spec)
        self.loss: nn.Module = GeneratorLoss(generator, self._motion, spec, distance, self._adversary)
        self.parents: tuple[str, ...] = (run_folder(RunKind.CODEBOOK, config.codebook),)
        needs = FrameNeeds(sizes.size_px, generator.settings.mapping.window, generator.settings.surroundings_px)
        codes = TargetCodeCache(source.store, loaded, fabric.device, spec)
        # On a processor the threads that prepare batches draw the motion; a GPU does it faster itself.
        drawn = partial(with_motion, self._motion) if self._motion is not None and fabric.device.type == "cpu" else None
        self.frames = training_frames(source, spec, needs, codes, drawn)
        self._validation = validation_batches(source, spec, needs)

    def companions(self, optimiser: torch.optim.Optimizer) -> list[Companion]:  # noqa: ARG002 - the interface
        """Return the loss, which changes its level, and, where there is one, the discriminator."""
        assert isinstance(self.loss, GeneratorLoss)  # noqa: S101 - made above
        return [self.loss, *([self._adversary] if self._adversary is not None else [])]

    def attach(self, average: AveragedWeights) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module) -> Judgement:
        """Return figures of reenactment."""
        assert isinstance(network, ImageGenerator)  # noqa: S101 - the loop hands back what it was given
        if not self._validation:
            return 0.0, {}, []
        return generator_figures(network.eval(), self._motion, self._validation, self._fabric.device)

    def stored_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Leave the codebook out: it is a run of its own."""
        return {name: tensor for name, tensor in tensors.items() if not name.startswith(_FROZEN)}

    def whole_state(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Put the codebook in again."""
        return {**self.network.state_dict(), **tensors}


def _motion(source: VersionFrames, size_px: int) -> FaceMotion:
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-face-model-") as folder:
        try:
            return face_motion(read_face_model(fetch_face_model(source.store, source.face_model, Path(folder))), size_px)
        except FileNotFoundError as error:
            raise BadInputError(f"{source.store.uri} has no face model {source.face_model}, that of the dataset; copy it there") from error


def _adversary(fabric: Fabric, spec: ImageTrainingSpec, width: int) -> Adversary | None:
    if not spec.adversarial_share:
        return None
    return Adversary(fabric, PatchDiscriminator(width), spec.learning_rate / 10, spec.adversarial_share, AdversarialKind.HINGE)


def _adversarial(spec: ImageTrainingSpec) -> str:
    if not spec.adversarial_share:
        return "none"
    return f"hinge, adaptive weight x 0.8, in the last {spec.adversarial_share:.0%} of the steps"
