"""Evaluates a trained image generator on a dataset version: from names of run and version to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipelines.image_evaluation.figure_list import FIGURES
from pipelines.image_evaluation.held_out_clips import ClipChoice, HeldOutClip, PictureSizes, held_out_clips
from pipelines.image_evaluation.reenactment import PictureFigures, Reenactment, reconstructed, reenact, sharpness
from pipelines.rendering.frame_generator import FrameGenerator, RenderSettings
from pipelines.rendering.run_loading import load_rendering_model
from pipelines.training.images.run_loading import load_image_generator
from pipelines.training.images.version_frames import VersionFrames
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore

OnClip = Callable[[int, int], None]


class ClipImageReport(BaseModel):
    """Figures of one held-out clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    emotion: str = Field(description="its label; empty: unknown")
    frames: int = Field(description="that were compared")
    psnr_db: float | None
    ssim: float | None
    eyes_psnr_db: float | None
    mouth_psnr_db: float | None


class ImageEvaluationReport(BaseModel):
    """What `flowvqtalker images evaluate --json` prints, the figures being on the same level as the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="run that was evaluated")
    variant: str = Field(description="row of the ablation")
    dataset: str = Field(description="id of the dataset version")
    split: str
    device: str
    precision: str
    clips: list[ClipImageReport]
    figures: dict[str, float | None] = Field(description="see the documents; null: not measured")

    def as_json(self) -> dict[str, object]:
        """Return the report as one flat object."""
        values: dict[str, object] = self.model_dump(mode="json")
        del values["figures"]
        return values | dict(self.figures)


@dataclass
class ImageInputs:
    """A generator and the clips that it has not seen.

    Attributes:
        generator: of the run.
        source: of the clips.
        choice: which clips.
        window_iods: of the run's training.
    """

    generator: FrameGenerator
    source: VersionFrames
    choice: ClipChoice
    window_iods: float

    @property
    def count(self) -> int:
        """How many clips there will be."""
        return min(self.choice.most_clips, len(self.source.tables.get(self.choice.split, ())))

    def clips(self) -> Iterator[HeldOutClip]:
        """Yield the clips, one by one; raises as `held_out_clips`."""
        model = self.generator.model
        return held_out_clips(self.source, self.choice, self.window_iods, PictureSizes(model.size_px, model.surroundings_px))


def load_inputs(store: ObjectStore, run: str, version: str, choice: ClipChoice, render: RenderSettings) -> ImageInputs:
    """Read a run and open a version.

    Raises:
        BadInputError: no such run or version, or the run was trained with another face model.
        StoreError: something is damaged.
    """
    model, settings = load_rendering_model(store, run), load_image_generator(store, run).settings
    source = VersionFrames(store, version)
    trained_on = model.lineage["face_model"]
    if trained_on != source.face_model:
        raise BadInputError(
            f"{model.run_id} was trained on coefficients of face model {trained_on}, version {source.dataset} has "
            f"{source.face_model}: the numbers mean other things; evaluate on a version with the run's face model"
        )
    return ImageInputs(FrameGenerator(model, render), source, choice, settings.window_iods)


def evaluate_images(inputs: ImageInputs, on_clip: OnClip = lambda done, total: None) -> ImageEvaluationReport:  # noqa: ARG005
    """Reenact held-out clips and measure how near they come.

    Args:
        inputs: of `load_inputs`.
        on_clip: called with the number of clips done and in all.

    Raises:
        BadInputError, StoreError: the clips are not there, or damaged.
    """
    sums = _Sums()
    for number, clip in enumerate(inputs.clips()):
        sums.add(reenact(inputs.generator, clip), reconstructed(inputs.generator, clip.pictures))
        on_clip(number + 1, inputs.count)
    settings, model = inputs.generator.settings, inputs.generator.model
    return ImageEvaluationReport(
        model=model.run_id,
        variant=model.generator.settings.variant.value,
        dataset=inputs.source.dataset,
        split=inputs.choice.split,
        device=settings.device,
        precision=settings.precision.value,
        clips=sums.clips,
        figures=sums.figures(),
    )


@dataclass
class _Sums:
    made: PictureFigures = field(default_factory=PictureFigures)
    codebook: PictureFigures = field(default_factory=PictureFigures)
    portrait: PictureFigures = field(default_factory=PictureFigures)
    sharp: list[float] = field(default_factory=list)
    really_sharp: list[float] = field(default_factory=list)
    clips: list[ClipImageReport] = field(default_factory=list)
    ms_per_frame: list[float] = field(default_factory=list)

    def add(self, done: Reenactment, reconstruction: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
        clip = done.clip
        own = PictureFigures.of(done.made, clip)
        self.made.include(own)
        self.codebook.include(PictureFigures.of(reconstruction, clip, similarity=False))
        still = np.broadcast_to(clip.portrait, clip.pictures.shape)
        self.portrait.include(PictureFigures.of(still, clip, similarity=False))
        self.sharp += sharpness(done.made)
        self.really_sharp += sharpness(clip.pictures)
        self.ms_per_frame.append(1000 * done.seconds / len(done.made))
        found = own.figures()
        names = ("psnr_db", "ssim", "eyes_psnr_db", "mouth_psnr_db")
        self.clips.append(
            ClipImageReport(clip_id=clip.clip_id, emotion=clip.emotion, frames=len(done.made), **{name: found[name] for name in names})
        )

    def figures(self) -> dict[str, float | None]:
        values = {
            **self.made.figures(), **self.codebook.figures("codebook_"), **self.portrait.figures("portrait_"),
            "cpbd": _mean(self.sharp), "real_cpbd": _mean(self.really_sharp),
            "ms_per_frame": round(min(self.ms_per_frame), 3) if self.ms_per_frame else None,
        }  # fmt: skip
        return {name: values[name] for name in FIGURES}


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else None
