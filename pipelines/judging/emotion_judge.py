"""Which emotion a clip shows, by a trained judge."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.judging.face_windows import FACE, Windows, cut_windows, track_face
from pipelines.models.emotion_classifier.network import EmotionClassifier, normalised
from storage_schemas.judge_runs import JUDGED_EMOTIONS

MOST_FRAMES = 64
"""Frames of a clip that are looked at, evenly chosen; neighbours look alike."""


class EmotionJudge:
    """A trained judge.

    Args:
        classifier: in evaluation mode.
        run_id: of its run.
        device: on which it computes.

    Attributes:
        emotions: what the probabilities are of, in order.
    """

    emotions = JUDGED_EMOTIONS

    def __init__(self, classifier: EmotionClassifier, run_id: str, device: torch.device = torch.device("cpu")) -> None:  # noqa: B008 - a constant
        self.classifier, self.run_id, self._device = classifier.to(device), run_id, device

    def score(self, frames: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Return the probabilities (8,) of JUDGED_EMOTIONS.

        Args:
            frames: uint8 (n, h, w, 3) RGB.
            landmarks_px: (n, 478, 2 or 3) in pixels of the frames; NaN where no face was found.

        Returns:
            None: no frame has a face.
        """
        track = track_face(landmarks_px)
        if track is None:
            return None
        chosen = looked_at(len(frames))
        pictures = (frames[number] for number in chosen)
        return self.score_windows(cut_windows(pictures, track.part(chosen), FACE, self.classifier.settings.size_px))

    @torch.inference_mode()
    def score_windows(self, windows: Windows) -> NDArray[np.float64]:
        """Return the probabilities (8,) of face windows (n, size, size) from `face_windows`."""
        pictures = normalised(torch.from_numpy(windows).to(self._device))
        logits = self.classifier(pictures[None])[0]
        return np.asarray(torch.softmax(logits.double(), dim=0).cpu().numpy(), np.float64)


def looked_at(frames: int, most: int = MOST_FRAMES) -> NDArray[np.int64]:
    """Return the numbers of the frames of a clip that are looked at."""
    return np.unique(np.linspace(0, frames - 1, min(most, frames)).round().astype(np.int64))
