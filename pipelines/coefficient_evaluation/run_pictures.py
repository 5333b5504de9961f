"""Pictures of trained runs: latent spaces, head poses, and several samples of one audio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.coefficient_evaluation.ablation import latent_cloud
from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, HeldOutClips, resting_faces, sample_clips
from pipelines.coefficient_evaluation.latent_pictures import Projection, draw_latent_spaces
from pipelines.coefficient_evaluation.pose_pictures import NamedPose, draw_poses, loudness
from pipelines.coefficient_evaluation.run_evaluation import EvaluationInputs
from pipelines.coefficient_evaluation.sample_figures import SampledClip
from pipelines.coefficient_evaluation.sample_pictures import draw_samples
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.errors import BadInputError

_POSES_DRAWN = 3
_CLIPS_OF_A_CLOUD = 64


def draw_run_pictures(
    folder: Path,
    inputs: EvaluationInputs,
    others: Sequence[CoefficientModel] = (),
    settings: EvaluationSettings | None = None,
    clip_id: str = "",
) -> list[Path]:
    """Draw latent-space-pca.png, latent-space-tsne.png, samples.png and, with a PoseFlow, poses.png.

    Args:
        folder: where they are written.
        inputs: runs and clips.
        others: ExpFlows whose latent spaces are drawn beside the first one's.
        settings: seeds of the samples.
        clip_id: held-out clip whose audio is sampled; empty: the longest.

    Returns:
        The files.

    Raises:
        BadInputError: there is no such held-out clip, or its samples could not be generated.
        StoreError: a file cannot be written.
    """
    settings = settings or EvaluationSettings(seeds=6)
    clip = _chosen(inputs.held_out, clip_id)
    (sampled,) = sample_clips(inputs.generator, HeldOutClips([clip], resting_faces(inputs.train)), settings)
    files = [_draw_latents(folder, inputs, others, projection) for projection in ("pca", "tsne")]
    title = f"{clip.sequence_id} ({clip.emotion or 'no label'}): {settings.seeds} seeds, recorded in black"
    sound = clip.log_mel if clip.log_mel is not None else np.zeros((1, 80), np.float32)
    draw_samples(folder / "samples.png", title, sound, _curves(inputs, sampled))
    files.append(folder / "samples.png")
    if sampled.rho is not None:
        poses = [NamedPose("recorded", clip.rho), *(NamedPose(f"seed {row}", rho) for row, rho in enumerate(sampled.rho[:_POSES_DRAWN]))]
        draw_poses(folder / "poses.png", poses, loudness(sound, clip.frames))
        files.append(folder / "poses.png")
    return files


def _chosen(clips: Sequence[CoefficientSequence], clip_id: str) -> CoefficientSequence:
    found = [clip for clip in clips if clip_id in ("", clip.sequence_id)]
    if not found:
        names = ", ".join(clip.sequence_id for clip in clips[:5])
        raise BadInputError(f"no held-out clip {clip_id!r} was read; there are {names} and so on")
    return max(found, key=lambda clip: clip.frames)


def _draw_latents(folder: Path, inputs: EvaluationInputs, others: Sequence[CoefficientModel], projection: Projection) -> Path:
    models = [inputs.generator.expflow, *others]
    known = [
        clip for clip in (*inputs.train, *inputs.held_out) if all((clip.emotion or "unlabelled") in model.emotions for model in models)
    ]
    chosen = np.unique(np.linspace(0, len(known) - 1, min(len(known), _CLIPS_OF_A_CLOUD)).round().astype(int))
    clips = [known[int(row)] for row in chosen]
    path = folder / f"latent-space-{projection}.png"
    draw_latent_spaces(path, [latent_cloud(_title(model), model, clips) for model in models], projection)
    return path


def _title(model: CoefficientModel) -> str:
    latent = "Student-t mixture" if model.flow.config.latent == "student_t" else "Gaussian mixture"
    return f"{model.run_id}\n{latent}"


def _curves(inputs: EvaluationInputs, sampled: SampledClip) -> dict[str, tuple[Floats, Floats]]:
    mouth, eyes, real = inputs.yardstick.mouth, inputs.yardstick.eyes, sampled.real
    curves: dict[str, tuple[Floats, Floats]] = {}
    if mouth is not None:
        curves["mouth"] = (mouth.of(sampled.beta), mouth.of(real.beta))
    if eyes is not None:
        curves["eyes"] = (eyes.curve(sampled.beta), eyes.curve(real.beta))
    if not curves:
        curves = {f"beta {row}": (sampled.beta[..., row], real.beta[:, row]) for row in range(2)}
    if sampled.rho is not None:
        curves |= {name: (sampled.rho[..., row], real.rho[:, row]) for row, name in enumerate(("pitch", "yaw"))}
    return curves
