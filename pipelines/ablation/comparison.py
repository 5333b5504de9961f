"""Carrying a study out on a store: settings of its trainings, and the comparison once they are there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipelines.ablation.variant_sheet import variant_sheet
from pipelines.coefficient_evaluation.ablation import AblationSettings, ablate
from pipelines.coefficient_evaluation.ablation import train_variant as train_expflow_variant
from pipelines.coefficient_evaluation.ablation_report import AblationReport
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.coefficient_evaluation.latent_pictures import LatentCloud, draw_latent_spaces
from pipelines.coefficient_evaluation.run_evaluation import evaluate_runs
from pipelines.image_evaluation.ablation import ImageAblationSettings, ablate_images, require_codebook
from pipelines.image_evaluation.ablation import train_variant as train_vqig_variant
from pipelines.image_evaluation.ablation_report import ImageAblationReport
from pipelines.image_evaluation.held_out_clips import ClipChoice
from pipelines.rendering.frame_generator import Precision, RenderSettings
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.trainings import RunOptions
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation, VqigAblation
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import RunKind

OnProgress = Callable[[int, int, str], None]
GENERATED = ("mouth_opening_r", "emotion_accuracy_nearest_mean", "expression_spread", "blinks_per_minute")
"""Figures of drawn samples, see `figure_list.FIGURES`."""
_HELD_OUT = "validation"


@dataclass(frozen=True)
class Training:
    """One training of a study."""

    kind: RunKind
    variant: str
    repetition: int

    @property
    def name(self) -> str:
        """For people, e.g. ``expflow GMM, repetition 0``."""
        return f"{self.kind.value} {self.variant}, repetition {self.repetition}"


class StudyReport(BaseModel):
    """What came of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: AblationStudy
    dataset: str = Field(description="id of the dataset version")
    expflow: AblationReport | None = Field(description="null: left out")
    generated: dict[str, dict[str, float | None]] = Field(description="by ExpFlow run: figures of drawn samples of held-out clips")
    vqig: ImageAblationReport | None = Field(description="null: left out")


@dataclass(frozen=True)
class Comparison:
    """A report and its pictures.

    Attributes:
        report: of the study.
        latent_space: PNG of the latents of each ExpFlow variant; empty: none.
        frames: PNG of held-out frames as each variant of the image generator makes them; empty: none.
    """

    report: StudyReport
    latent_space: bytes
    frames: bytes


@dataclass(frozen=True)
class StudyWork:
    """A study on a store.

    Attributes:
        study: what is compared.
        dataset: version id, beginning of one, or tag.
        threads: of the trainings; 0: chosen by what is trained.
        device: auto, cpu or cuda.
        precision: of the frames that are compared.
    """

    study: AblationStudy
    dataset: str
    threads: int = 0
    device: str = "auto"
    precision: Precision = Precision.FLOAT32

    def trainings(self) -> Iterator[Training]:
        """Yield the trainings in their order."""
        for kind, part in ((RunKind.EXPFLOW, self.study.expflow), (RunKind.VQIG, self.study.vqig)):
            if part is not None:
                for repetition in range(part.repetitions):
                    yield from (Training(kind, str(variant), repetition) for variant in part.variants)

    def check(self, store: ObjectStore) -> None:
        """Find out whether there is what the study needs.

        Raises:
            BadInputError: no such version or codebook, or the codebook is of another preset.
        """
        if self.study.expflow is not None:
            VersionSequences(store, self.dataset)
        if self.study.vqig is not None:
            VersionFrames(store, self.dataset)
            require_codebook(store, self.study.vqig.codebook, self.study.vqig.preset)

    def train(self, store: ObjectStore, training: Training) -> str:
        """Train one variant, or find that it was trained; return the name of the run.

        Raises:
            BadInputError, BuildFailedError, StoreError: as the trainings do.
        """
        if training.kind is RunKind.EXPFLOW and self.study.expflow is not None:
            source = VersionSequences(store, self.dataset)
            settings = self.expflow_settings(self.study.expflow)
            return f"expflow/{train_expflow_variant(store, source, settings, training.variant, training.repetition).run_id}"
        assert self.study.vqig is not None  # noqa: S101 - `trainings` names no other kind
        codebook = require_codebook(store, self.study.vqig.codebook, self.study.vqig.preset).run_id
        frames, image_settings = VersionFrames(store, self.dataset), self.vqig_settings(self.study.vqig)
        return f"vqig/{train_vqig_variant(store, frames, codebook, image_settings, training.variant, training.repetition).run_id}"

    def compare(self, store: ObjectStore, on_progress: OnProgress | None = None) -> Comparison:
        """Compare the variants, training those that are missing.

        Raises:
            BadInputError, BuildFailedError, StoreError: as the trainings do.
        """
        tell = on_progress or _silent
        expflow, clouds = self._expflow(store, tell)
        vqig = self._vqig(store, tell)
        dataset = expflow.dataset if expflow is not None else vqig.dataset if vqig is not None else self.dataset
        report = StudyReport(study=self.study, dataset=dataset, expflow=expflow, generated=self._generated(store, expflow), vqig=vqig)
        sheet = variant_sheet(store, dataset, vqig, self._render_settings()) if vqig is not None else b""
        return Comparison(report, _latent_picture(clouds), sheet)

    def expflow_settings(self, part: ExpFlowAblation) -> AblationSettings:
        """Return the settings of the trainings of ExpFlow."""
        return AblationSettings(
            part.preset, part.steps, part.max_minutes, part.repetitions, self.threads, self.device, [str(name) for name in part.variants]
        )

    def vqig_settings(self, part: VqigAblation) -> ImageAblationSettings:
        """Return the settings of the trainings of the image generator."""
        return ImageAblationSettings(
            part.preset, part.steps, part.max_minutes, part.repetitions, part.variants,
            RunOptions(device=self.device, threads=self.threads), ClipChoice(part.split, part.clips, part.frames), self._render_settings(),
        )  # fmt: skip

    def _expflow(self, store: ObjectStore, tell: OnProgress) -> tuple[AblationReport | None, list[LatentCloud]]:
        if self.study.expflow is None:
            return None, []
        source = VersionSequences(store, self.dataset)
        return ablate(store, lambda _: source, self.expflow_settings(self.study.expflow), tell)

    def _vqig(self, store: ObjectStore, tell: OnProgress) -> ImageAblationReport | None:
        part = self.study.vqig
        return None if part is None else ablate_images(store, self.dataset, part.codebook, self.vqig_settings(part), tell)

    def _generated(self, store: ObjectStore, report: AblationReport | None) -> dict[str, dict[str, float | None]]:
        part = self.study.expflow
        if report is None or part is None:
            return {}
        settings = EvaluationSettings(seeds=part.samples, transfer_pairs=0, long_audio_s=0.0)
        found = {}
        for run in report.runs:
            figures = evaluate_runs(store, [run.run], report.dataset, _HELD_OUT, settings, most_clips=part.clips).figures
            found[run.run] = {name: figures.get(name) for name in GENERATED}
        return found

    def _render_settings(self) -> RenderSettings:
        return RenderSettings(device="cuda" if self.device == "cuda" else "cpu", precision=self.precision)


def _latent_picture(clouds: list[LatentCloud]) -> bytes:
    if not any(len(set(cloud.emotions)) > 1 for cloud in clouds):
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "latents.png"
        draw_latent_spaces(path, clouds)
        return path.read_bytes()


def _silent(done: int, total: int, note: str) -> None:
    """Tell nobody."""
