"""What a training of a flow reads: values without blinks, statistics, batches, windows to validate with, frames for the latents."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.blinks.eye_openness import eye_openness
from pipelines.blinks.fitting import fit_blinks
from pipelines.blinks.model import BlinkModel
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.face_model.basis import read_face_model
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from pipelines.training.coefficient_loss import encode, frame_nll, target_values, window_shape
from pipelines.training.coefficient_sequences import CoefficientSequence, Float32Array, SequenceSource, SequenceTable
from pipelines.training.linear_prediction import fitted_prediction
from pipelines.training.loaded_sequences import LoadedSequences
from pipelines.training.source_faces import SourceFaces
from pipelines.training.training_statistics import TrainingStatistics, measured
from pipelines.training.window_batches import COVERING_FRAMES, TrainingWindows, WindowBatch, covering_windows, cut_batch, load
from pipelines.training.window_plan import BUFFER_FRAMES, IntArray, WindowPlan, generator
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import RunKind, TrainingSpec

LATENTS_KEPT = 20_000
_GROUPS = {RunKind.EXPFLOW: (64,), RunKind.POSEFLOW: (3, 2, 1)}
_WINDOWS_AT_ONCE = 64
_SAMPLE, _VALIDATION, _FACES = 4, 5, 6


class CoefficientData:
    """The data of one training.

    Args:
        store: where the face model is.
        source: of the sequences.
        kind: whose values are wanted.
        spec: of the training.

    Attributes:
        tables: of the splits train and validation.
        blinks: that are taken out of the values; None: nothing is.
        statistics: of the training clips.

    Raises:
        BadInputError: there is nothing to train on.
        StoreError: the store cannot be read.
    """

    def __init__(self, store: ObjectStore, source: SequenceSource, kind: RunKind, spec: TrainingSpec) -> None:
        self._source, self._kind, self._spec = source, kind, spec
        self.tables = {split: source.table(split) for split in ("train", "validation")}
        if not len(self.tables["train"]):
            raise BadInputError(f"{source.dataset} has no clips with coefficients in the split train; build it with other split settings")
        rows = sampled_rows(self.tables["train"], BUFFER_FRAMES)
        sequences = source.read(self.tables["train"], rows)
        self.blinks = _learned_blinks(store, source, sequences) if kind is RunKind.EXPFLOW and spec.remove_blinks else None
        self.sample = LoadedSequences(sequences, [self.values(sequence) for sequence in sequences])
        self.statistics: TrainingStatistics = measured(self.sample, _GROUPS[kind], spec.scale_floor)

    def values(self, sequence: CoefficientSequence) -> Float32Array:
        """Return what is modelled of a sequence: rho, or beta without blinks."""
        if self._kind is RunKind.POSEFLOW:
            return sequence.rho
        return sequence.beta if self.blinks is None else self.blinks.remove(sequence.beta)

    def linear_past(self, past_frames: int) -> Float32Array:
        """Return the linear prediction (tau F, F) of a frame from its history, in normalised units."""
        units = self.statistics
        return fitted_prediction(self.sample, units.center, units.scale, past_frames, self._spec.input_noise)

    def training_windows(self, flow: CoefficientFlow) -> TrainingWindows:
        """Return the batches of the training split."""
        table, spec = self.tables["train"], self._spec
        plan = WindowPlan(table, spec.window_frames, spec.batch_windows, spec.seed)
        return TrainingWindows(self._source, table, plan, window_shape(flow, spec.window_frames), self.values, spec.seed)

    def validation_batches(self, flow: CoefficientFlow) -> list[WindowBatch]:
        """Return windows that cover clips of the validation split, always the same ones; none if it is empty."""
        table = self.tables["validation"]
        if not len(table):
            return []
        frames = self._spec.validation_windows * COVERING_FRAMES
        loaded = load(self._source, table, sampled_rows(table, frames), self.values)
        batches = self._covering(flow, loaded, [self.tables["train"], table])
        return _first_windows(batches, self._spec.validation_windows)

    def latents(self, flow: CoefficientFlow, device: torch.device) -> dict[str, Tensor]:
        """Return z (n, F) and the emotion's index (n,) of training frames, given what came before them; n is at most LATENTS_KEPT."""
        codes, labels = [], []
        for batch in self._covering(flow, self.sample, [self.tables["train"]]):
            with torch.inference_mode():
                moved = batch.to(device)
                z = flow.to_latent(target_values(flow, moved).flatten(0, 1), encode(flow, moved))[0].cpu()
            usable = batch.usable.flatten()
            codes.append(z[usable])
            labels.append(batch.emotion.repeat_interleave(batch.usable.shape[1])[usable])
        found = {"z": torch.cat(codes), "emotion": torch.cat(labels)}
        count = len(found["z"])
        kept = torch.from_numpy(np.unique(np.linspace(0, count - 1, min(count, LATENTS_KEPT)).round().astype(np.int64)))
        return {name: tensor[kept].clone() for name, tensor in found.items()}

    def _covering(self, flow: CoefficientFlow, loaded: LoadedSequences, tables: list[SequenceTable]) -> Iterator[WindowBatch]:
        shape = window_shape(flow, COVERING_FRAMES)
        faces = SourceFaces(self._source, tables, self.values) if shape.with_source else None
        sequence, start = covering_windows(loaded.frames)
        random = generator(self._spec.seed, _FACES)
        for first in range(0, len(start), _WINDOWS_AT_ONCE):
            some = slice(first, first + _WINDOWS_AT_ONCE)
            yield cut_batch(loaded, sequence[some], start[some], shape, faces, random)


def sampled_rows(table: SequenceTable, frames: int) -> IntArray:
    """Return rows of a table with about so many frames, spread over its parts by chance but always the same; all if it has no more."""
    if table.frames.sum() <= frames:
        return np.arange(len(table))
    order = generator(len(table), _SAMPLE).permutation(len(table))
    enough = int(np.searchsorted(np.cumsum(table.frames[order]), frames)) + 1
    return np.sort(order[:enough])


@torch.inference_mode()
def mean_nll(flow: CoefficientFlow, batches: list[WindowBatch], device: torch.device, *, with_past: bool = True) -> float:
    """Return the mean negative log-likelihood of the frames of some batches, nats per dimension in normalised units.

    Args:
        flow: in evaluation mode.
        batches: on the CPU.
        device: where the flow is.
        with_past: False hides all frames before.
    """
    total, frames = 0.0, 0
    for batch in batches:
        moved = (batch if with_past else batch.without_past()).to(device)
        nll = frame_nll(flow, moved, encode(flow, moved))
        total += float(nll[moved.usable].double().sum())
        frames += int(moved.usable.sum())
    return total / max(1, frames)


def _first_windows(batches: Iterator[WindowBatch], count: int) -> list[WindowBatch]:
    chosen: list[WindowBatch] = []
    for batch in batches:
        if count <= 0:
            break
        chosen.append(batch.select(slice(0, count)))
        count -= len(batch.emotion)
    return chosen


def _learned_blinks(store: ObjectStore, source: SequenceSource, sequences: list[CoefficientSequence]) -> BlinkModel | None:
    if not source.face_model:
        return None
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-") as folder:
        face_model = read_face_model(fetch_face_model(store, source.face_model, Path(folder)))
    return fit_blinks(sequences, eye_openness(face_model))
