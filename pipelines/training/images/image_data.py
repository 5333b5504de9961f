"""What a training of codebook or generator takes from a dataset version: batches, validation frames, statistics of the coefficients."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pipelines.training.images.frame_batches import Finish, FrameBatch, FrameNeeds, TargetCodes, TrainingFrames, batch_of
from pipelines.training.images.loaded_frames import FramePlace, LoadedFrames
from pipelines.training.images.version_frames import VersionFrames
from storage_schemas.image_runs import ImageTrainingSpec

STATISTICS_CLIPS = 400
VALIDATION_CLIPS = 16
_BETA = 64
_FLOOR_SHARE = 0.1


def training_frames(
    source: VersionFrames, spec: ImageTrainingSpec, needs: FrameNeeds, target_codes: TargetCodes | None, finish: Finish | None = None
) -> TrainingFrames:
    """Return the batches of the training split."""
    return TrainingFrames(source, source.tables["train"], spec, needs, target_codes, finish)


def validation_batches(source: VersionFrames, spec: ImageTrainingSpec, needs: FrameNeeds) -> list[FrameBatch]:
    """Return frames spread evenly over clips of the validation split, a batch a clip; each clip's best portrait is what they start from."""
    table = source.tables["validation"]
    if not len(table):
        return []
    rows = np.unique(np.linspace(0, len(table) - 1, min(VALIDATION_CLIPS, len(table))).round().astype(np.int64))
    loaded = LoadedFrames(source.read(table, rows), spec.window_iods, needs.size_px, source.crop_px)
    each = math.ceil(spec.validation_frames / len(rows))
    batches = []
    for clip, frames in enumerate(loaded.clips):
        numbers = np.unique(np.linspace(0, len(frames.jpegs) - 1, min(each, len(frames.jpegs))).round().astype(np.int64))
        places = [FramePlace(clip, int(number)) for number in numbers]
        batches.append(batch_of(loaded, places, [loaded.portrait(clip)] * len(places), needs))
    return batches


def coefficient_statistics(source: VersionFrames, spec: ImageTrainingSpec) -> dict[str, Tensor]:
    """Return mean and stddev (70,) of the usable frames of training clips, spread evenly over the split; rho in units of windows.

    Trailing components of an expression are mostly noise of the fit, and dividing by their deviation would make it as loud as speech; so
    deviations of expressions have a floor, a share of the largest.
    """
    table = source.tables["train"]
    rows = np.unique(np.linspace(0, len(table) - 1, min(STATISTICS_CLIPS, len(table))).round().astype(np.int64))
    values = np.concatenate(source.window_coefficients(table, rows, spec.window_iods)).astype(np.float64)
    stddev = values.std(axis=0)
    stddev[:_BETA] = np.hypot(stddev[:_BETA], _FLOOR_SHARE * stddev[:_BETA].max())
    return {"mean": torch.from_numpy(values.mean(axis=0)).float(), "stddev": torch.from_numpy(stddev).float()}
