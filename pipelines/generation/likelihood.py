"""Likelihood as a tool: which clips of a dataset version a trained ExpFlow finds strange, and which seem to have a wrong label.

A bad fit or a tracking error gives coefficients that no face shows: their negative log-likelihood stands out. A wrong label gives a
clip that another label explains better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.generation.audio_features import MelAudio
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.emotion_weights import emotion_weights
from pipelines.generation.references import FRAMES_PER_OBSERVATION, label_log_likelihoods
from pipelines.generation.teacher_forcing import RecordedSequence, frame_log_likelihoods
from pipelines.training.coefficient_sequences import CoefficientSequence, SequenceSource
from pipelines.training.source_faces import SourceFaces
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion
from storage_schemas.training_runs import EMOTIONS

OUTLIER_DEVIATIONS = 5.0
"""A clip whose likelihood is so many robust standard deviations below the usual one is reported as an outlier."""
LABEL_EVIDENCE_NATS = 4.6
"""Another label is reported if it is a hundred times as likely as the clip's own."""

_CLIPS_AT_ONCE = 16
_FROM_MAD = 1.4826


@dataclass(frozen=True)
class ClipLikelihood:
    """How likely a clip is.

    Attributes:
        clip_id: of the clip.
        emotion: its label.
        split: its split.
        frames: its length.
        nll: mean negative log-likelihood of its frames, nats per dimension in normalised units; lower is better.
        worst_nll: of its worst frame.
        worst_frame: number of that frame.
        deviations: of `nll` from the version's median, in robust standard deviations.
        outlier: whether those are more than 5.
        better_label: label that explains the clip better than its own by 4.6 nats; empty: none.
        evidence_nats: by how much the best label is better than its own.
    """

    clip_id: str
    emotion: str
    split: str
    frames: int
    nll: float
    worst_nll: float
    worst_frame: int
    deviations: float
    outlier: bool
    better_label: str
    evidence_nats: float

    def as_row(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class ScoredClip:
    """A clip with the negative log-likelihood of every frame (frames,), and each label's evidence (9,) in nats."""

    sequence: CoefficientSequence
    nll: NDArray[np.float64]
    evidence: NDArray[np.float64]


def score_clips(model: CoefficientModel, source: SequenceSource, splits: Sequence[str]) -> Iterator[ScoredClip]:
    """Yield the clips of some splits with their likelihoods; memory holds some clips at a time.

    Args:
        model: an ExpFlow whose network is in evaluation mode.
        source: the version.
        splits: names of splits, in the order wanted.

    Raises:
        BadInputError: the version's coefficients are of another face model than the run's.
    """
    trained_on = str(model.lineage.get("face_model", ""))
    if source.face_model and trained_on and source.face_model != trained_on:
        raise BadInputError(
            f"version {source.dataset} has coefficients of face model {source.face_model}, {model.run_id} was trained on {trained_on}"
        )
    for split in splits:
        table = source.table(split)
        faces = SourceFaces(source, [source.table("train"), table], lambda sequence: _without_blinks(model, sequence))
        for first in range(0, len(table), _CLIPS_AT_ONCE):
            for sequence in source.read(table, range(first, min(first + _CLIPS_AT_ONCE, len(table)))):
                yield score_clip(model, sequence, faces)


def score_clip(model: CoefficientModel, sequence: CoefficientSequence, faces: SourceFaces | None) -> ScoredClip:
    """Return a clip with its likelihoods.

    Args:
        model: an ExpFlow.
        sequence: the clip; without a label, or with one that the model does not know, it counts as unlabelled, neutral or whatever
            comes first of what the model knows.
        faces: resting faces by speaker; None: that of the training clips.
    """
    source = model.resting if faces is None else faces.faces(sequence.speaker).mean(axis=0)
    audio = None if sequence.log_mel is None or not len(sequence.log_mel) else MelAudio(sequence.log_mel)
    recorded = RecordedSequence(_without_blinks(model, sequence), audio, source if model.flow.config.has_source else None)
    weights = emotion_weights(_label(model, sequence), 1.0, model.emotions)
    likelihoods = frame_log_likelihoods(model.flow, recorded, weights)
    log_scale = float(model.flow.scale.double().log().sum())
    evidence = label_log_likelihoods(model, recorded)[:, sequence.usable].sum(axis=1) / FRAMES_PER_OBSERVATION
    return ScoredClip(sequence, -(likelihoods + log_scale) / model.flow.config.features, evidence)


def likelihood_report(clips: Iterable[ScoredClip], known: Sequence[str]) -> list[ClipLikelihood]:
    """Return the clips, the strangest first.

    Args:
        clips: of one model and one version.
        known: labels that the model knows.
    """
    figures = [_figures(clip, known) for clip in clips]
    if not figures:
        return []
    levels = np.array([figure["nll"] for figure in figures])
    middle = float(np.median(levels))
    spread = max(_FROM_MAD * float(np.median(np.abs(levels - middle))), 1e-6)
    rows = [_judged(figure, (figure["nll"] - middle) / spread) for figure in figures]
    return sorted(rows, key=lambda row: (-row.deviations, row.clip_id))


def _judged(figure: dict[str, Any], deviations: float) -> ClipLikelihood:
    return ClipLikelihood(**figure, deviations=round(deviations, 3), outlier=deviations > OUTLIER_DEVIATIONS)


def _figures(clip: ScoredClip, known: Sequence[str]) -> dict[str, Any]:
    sequence = clip.sequence
    usable = np.flatnonzero(sequence.usable) if sequence.usable.any() else np.arange(sequence.frames)
    worst = int(usable[np.argmax(clip.nll[usable])])
    label = sequence.emotion or Emotion.UNLABELLED.value
    best = int(np.argmax(clip.evidence))
    own = clip.evidence[EMOTIONS.index(label)] if label in known else clip.evidence[best]
    gain = float(clip.evidence[best] - own)
    return {
        "clip_id": sequence.sequence_id, "emotion": label, "split": sequence.split, "frames": sequence.frames,
        "nll": round(float(clip.nll[usable].mean()), 4), "worst_nll": round(float(clip.nll[worst]), 4), "worst_frame": worst,
        "better_label": EMOTIONS[best] if gain > LABEL_EVIDENCE_NATS else "", "evidence_nats": round(gain, 2),
    }  # fmt: skip


def _label(model: CoefficientModel, sequence: CoefficientSequence) -> str:
    wanted = (sequence.emotion, Emotion.UNLABELLED.value, Emotion.NEUTRAL.value)
    return next((label for label in wanted if label in model.emotions), model.emotions[0])


def _without_blinks(model: CoefficientModel, sequence: CoefficientSequence) -> NDArray[np.float32]:
    return model.blinks.remove(sequence.beta) if model.blinks is not None else sequence.beta
