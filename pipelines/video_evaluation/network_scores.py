"""What networks say of clips: FID features, published SyncNet and emotion classifier where their weights are given, and our own judges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.judging.emotion_judge import MOST_FRAMES
from pipelines.judging.loading import Judges, load_judges
from pipelines.models.published.emotion_fan import EMOTIONS, EmotionFan
from pipelines.models.published.inception import FEATURES, FidInception
from pipelines.models.published.syncnet import SyncNet
from pipelines.video_evaluation.frechet import FeatureMoments
from pipelines.video_evaluation.published_weights import load_emotion_fan, load_inception, load_syncnet, weights_sha256
from pipelines.video_evaluation.sync_scoring import score_sync
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import EvaluationRequest
from storage_schemas.evaluation_requests import WantedInputs
from storage_schemas.judge_runs import JUDGED_EMOTIONS
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import RunKind

NOT_GIVEN = "weights not given"
_OF_NETWORK = {
    "fid": ("fid",), "lips": ("sync_conf", "sync_dist", "sync_offset"), "faces": ("acc_emo",),
    "sync_judge": ("sync_conf_own", "sync_dist_own", "sync_offset_own"), "emotion_judge": ("acc_emo_own",),
}  # fmt: skip
_WHITE = 255.0


@dataclass(eq=False)
class EvaluationNetworks:
    """The networks that are there, and why the others are not.

    Attributes:
        fid, lips, faces: published ones; None: weights not given.
        judges: our own.
        weights: of each metric that one of them makes, by what.
        missing: of each metric that none makes, why.
    """

    device: torch.device
    fid: FidInception | None = None
    lips: SyncNet | None = None
    faces: EmotionFan | None = None
    judges: Judges = field(default_factory=Judges)
    weights: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> WantedInputs:
        """Pictures that they are to see."""
        sync, emotion = self.judges.sync, self.judges.emotion
        return WantedInputs(
            fid=self.fid is not None,
            lips=self.lips is not None,
            faces=self.faces is not None,
            judged_mouths_px=0 if sync is None else sync.expert.settings.size_px,
            judged_faces_px=0 if emotion is None else emotion.classifier.settings.size_px,
            judged_faces=MOST_FRAMES,
        )


@dataclass(frozen=True, eq=False)
class ClipScores:
    """What networks say of one clip; metrics that cannot be told of it are absent.

    Attributes:
        values: sync metrics by name.
        emotions: what the classifiers see, by metric.
        features: (n, 2048) of FID.
    """

    values: dict[str, float] = field(default_factory=dict)
    emotions: dict[str, str] = field(default_factory=dict)
    features: NDArray[np.float32] | None = None


def load_networks(request: EvaluationRequest, store: ObjectStore | None) -> EvaluationNetworks:
    """Load what a request names; our own judges are the latest of the store where it names none.

    Raises:
        BadInputError: a file of weights does not fit, or a judge that is named is not there.
        StoreError: a run is damaged.
    """
    found = EvaluationNetworks(torch.device(request.device))
    for name, path, load in (
        ("fid", request.fid_weights, load_inception),
        ("lips", request.syncnet_weights, load_syncnet),
        ("faces", request.emotion_weights, load_emotion_fan),
    ):
        if path:
            setattr(found, name, load(Path(path)).to(found.device))
        _note(found, name, weights_sha256(Path(path)) if path else "", NOT_GIVEN)
    sync = _judge(found, store, RunKind.SYNC, request.sync_judge)
    emotion = _judge(found, store, RunKind.EMOTION, request.emotion_judge)
    found.judges = Judges(sync.sync, emotion.emotion)
    return found


def _judge(found: EvaluationNetworks, store: ObjectStore | None, kind: RunKind, name: str) -> Judges:
    """Load one of our own judges; without one its columns say why."""
    judges, reason = Judges(), "no judge: give a store with one, or train it"
    if store is not None:
        try:
            wanted = name or f"{kind.value}/latest"
            judges = load_judges(
                store, wanted if kind is RunKind.SYNC else None, wanted if kind is RunKind.EMOTION else None, device=str(found.device)
            )
        except BadInputError:
            if name:
                raise
            reason = f"no judge was trained; `flowvqtalker train {kind.value}` trains one"
    elif name:
        raise BadInputError(f"--{kind.value}-judge {name}: name the store that it is in with --store")
    judge = judges.sync or judges.emotion
    _note(found, f"{kind.value}_judge", f"{kind.value}/{judge.run_id}" if judge is not None else "", reason)
    return judges


def _note(found: EvaluationNetworks, network: str, identity: str, reason: str) -> None:
    for metric in _OF_NETWORK[network]:
        if identity:
            found.weights[metric] = identity
        else:
            found.missing[metric] = reason


@contextmanager
def one_thread_for_judges(networks: EvaluationNetworks) -> Iterator[None]:
    """Have our own judges compute on one processor while all others measure: waiting for each other, threads use up two thirds more.

    The published networks are far larger, and worth every processor.
    """
    threads = torch.get_num_threads()
    published = (networks.fid, networks.lips, networks.faces)
    if networks.device.type == "cpu" and all(network is None for network in published):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class ClipScorer:
    """Shows clips to networks, and keeps FID's moments of both sides.

    Args:
        networks: that are there.
    """

    def __init__(self, networks: EvaluationNetworks) -> None:
        self._networks = networks
        self.made, self.true = (FeatureMoments(FEATURES if networks.fid is not None else 1) for _ in range(2))

    @property
    def sync_metrics(self) -> set[str]:
        """Confidences that every clip should have."""
        own = {"sync_conf_own"} if self._networks.judges.sync is not None else set()
        return own | ({"sync_conf"} if self._networks.lips is not None else set())

    def score(self, path: Path, *, is_true: bool, waveform: NDArray[Any] | None = None) -> ClipScores:
        """Return what networks say of a clip.

        Args:
            path: npz file of `network_inputs`.
            is_true: the true clip, rather than a made video.
            waveform: sound instead of the clip's own; None: its own.
        """
        with np.load(path, allow_pickle=False) as inputs:
            sound = inputs["waveform"] if waveform is None else waveform
            scores = ClipScores()
            if self._networks.fid is not None:
                (self.true if is_true else self.made).add(self._features(inputs["fid"]))
            if self._networks.lips is not None:
                self._published_sync(inputs["lips"], sound, scores)
            if self._networks.faces is not None:
                scores.emotions["acc_emo"] = self._published_emotion(inputs["faces"])
            if "judged_mouths" in inputs and len(sound):
                self._own_sync(inputs["judged_mouths"], sound, scores)
            if "judged_faces" in inputs:
                self._own_emotion(inputs["judged_faces"], scores)
        return scores

    @torch.inference_mode()
    def _features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert self._networks.fid is not None  # noqa: S101 - the caller has looked
        return np.asarray(self._networks.fid(self._tensor(pictures)).cpu().numpy(), np.float32)

    @torch.inference_mode()
    def _published_emotion(self, pictures: NDArray[np.uint8]) -> str:
        network = self._networks.faces
        assert network is not None  # noqa: S101 - the caller has looked
        return EMOTIONS[int(network(network.features(self._tensor(pictures))).argmax())]

    def _published_sync(self, lips: NDArray[np.uint8], sound: NDArray[Any], scores: ClipScores) -> None:
        assert self._networks.lips is not None  # noqa: S101 - the caller has looked
        found = score_sync(self._networks.lips, lips, sound, self._networks.device) if len(sound) else None
        if found is not None:
            offset = float(abs(found.offset_frames))
            scores.values.update(sync_conf=found.confidence, sync_dist=found.distance, sync_offset=offset)

    def _own_sync(self, mouths: NDArray[np.uint8], sound: NDArray[Any], scores: ClipScores) -> None:
        assert self._networks.judges.sync is not None  # noqa: S101 - only then there are mouths
        found = self._networks.judges.sync.score_windows(mouths, sound)
        if found is not None:
            offset = float(abs(found.offset_frames))
            scores.values.update(sync_conf_own=found.confidence, sync_dist_own=found.distance, sync_offset_own=offset)

    def _own_emotion(self, faces: NDArray[np.uint8], scores: ClipScores) -> None:
        assert self._networks.judges.emotion is not None  # noqa: S101 - only then there are faces
        chances = self._networks.judges.emotion.score_windows(faces)
        scores.emotions["acc_emo_own"] = str(JUDGED_EMOTIONS[int(np.argmax(chances))])

    def _tensor(self, pictures: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32) / _WHITE).to(self._networks.device)
