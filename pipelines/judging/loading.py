"""Loading trained judges from a store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter

from pipelines.judging.emotion_judge import EmotionJudge
from pipelines.judging.sync_judge import SyncJudge, SyncScore
from pipelines.models.emotion_classifier.network import EmotionClassifier
from pipelines.models.emotion_classifier.settings import EmotionClassifierSettings
from pipelines.models.sync_expert.network import SyncExpert
from pipelines.models.sync_expert.settings import SyncExpertSettings
from pipelines.training.run_folder import RunFolder, resolve_card
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.judge_runs import JUDGED_EMOTIONS, JudgeRunCard
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import WEIGHTS_FILE, RunKind

_SYNC: TypeAdapter[SyncExpertSettings] = TypeAdapter(SyncExpertSettings)
_EMOTION: TypeAdapter[EmotionClassifierSettings] = TypeAdapter(EmotionClassifierSettings)

NetworkT = TypeVar("NetworkT", SyncExpert, EmotionClassifier)


@dataclass(frozen=True, eq=False)
class Judges:
    """The judges that are there.

    Attributes:
        sync: of lips and sound; None: was not asked for.
        emotion: of emotions; None: likewise.
    """

    sync: SyncJudge | None = None
    emotion: EmotionJudge | None = None

    def sync_scores(
        self, frames: NDArray[np.uint8], landmarks_px: NDArray[np.float32], waveform: NDArray[np.int16 | np.float32]
    ) -> SyncScore | None:
        """Return offset, confidence and distance of a clip; see `SyncJudge.score`."""
        if self.sync is None:
            raise BadInputError("no sync expert was loaded; name a run of it")
        return self.sync.score(frames, landmarks_px, waveform)

    def emotion_scores(self, frames: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Return the probabilities (8,) of JUDGED_EMOTIONS; see `EmotionJudge.score`."""
        if self.emotion is None:
            raise BadInputError("no emotion judge was loaded; name a run of it")
        return self.emotion.score(frames, landmarks_px)


def load_judges(store: ObjectStore, sync: str | None, emotion: str | None, device: str = "cpu") -> Judges:
    """Return trained judges.

    Args:
        store: where their runs are.
        sync: "sync/<run id>", with a beginning of the id, or "sync/latest"; the kind may be left out. None: not wanted.
        emotion: likewise "emotion/<run id>".
        device: cpu or cuda.

    Raises:
        BadInputError: there is no such run.
        StoreError: it is damaged.
    """
    place = torch.device(device)
    return Judges(
        None if sync is None else load_sync_judge(store, sync, place),
        None if emotion is None else load_emotion_judge(store, emotion, place),
    )


def load_sync_judge(store: ObjectStore, name: str, device: torch.device) -> SyncJudge:
    """Return a trained sync expert; raises as `load_judges`."""
    card = resolve_card(store, name, (RunKind.SYNC,), JudgeRunCard)
    return SyncJudge(_loaded(store, card, new_sync_expert(card.config.network)), card.run_id, device)


def load_emotion_judge(store: ObjectStore, name: str, device: torch.device) -> EmotionJudge:
    """Return a trained emotion judge; raises as `load_judges`."""
    card = resolve_card(store, name, (RunKind.EMOTION,), JudgeRunCard)
    return EmotionJudge(_loaded(store, card, new_emotion_classifier(card.config.network)), card.run_id, device)


def new_sync_expert(network: dict[str, Any]) -> SyncExpert:
    """Return an untrained expert of the sizes that a run's configuration has."""
    return SyncExpert(_SYNC.validate_python(network))


def new_emotion_classifier(network: dict[str, Any], dropout: float = 0.0) -> EmotionClassifier:
    """Return an untrained judge of the sizes that a run's configuration has."""
    return EmotionClassifier(_EMOTION.validate_python(network), len(JUDGED_EMOTIONS), dropout)


def network_fields(settings: SyncExpertSettings | EmotionClassifierSettings) -> dict[str, Any]:
    """Return sizes as a run's configuration has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def _loaded(store: ObjectStore, card: JudgeRunCard, network: NetworkT) -> NetworkT:
    folder = RunFolder(store, card.kind, card.run_id)
    try:
        network.load_state_dict(folder.read_tensors(WEIGHTS_FILE, card.weights_sha256))
    except RuntimeError as error:
        raise StoreError(f"the weights of {folder.name} do not fit this version's network: {error}; train it again") from error
    return network.eval().requires_grad_(requires_grad=False)
