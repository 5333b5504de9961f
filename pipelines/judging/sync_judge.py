"""How well lips and sound of a clip go together, by a trained expert: for every offset the mean distance of what is seen and what is heard.

**Sign**: an offset of +3 says that the sound comes three frames too late: the picture of frame i belongs to the sound of frame i + 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.audio.log_mel import log_mel
from pipelines.judging.face_windows import MOUTH, Windows, cut_windows, track_face
from pipelines.models.sync_expert.network import SyncExpert, normalised
from pipelines.models.sync_expert.settings import FRAMES, MEL_COLUMNS
from storage_schemas.build_spec import AudioSettings

LARGEST_OFFSET = 15
"""Frames either way among which the offset is looked for, as SyncNet's."""
_LEAST_COMPARED = 5
"""Windows that must be there at every offset."""
LEAST_FRAMES = LARGEST_OFFSET + FRAMES - 1 + _LEAST_COMPARED
_WINDOWS_AT_ONCE = 256
_COLUMNS_PER_FRAME = 3.2
_TRUNK_REACH = 8
"""Columns beyond a window that its embedding depends on, or more."""
_FULL_SCALE = 32768.0

Sequence1d = NDArray[np.float32]


@dataclass(frozen=True)
class SyncScore:
    """What the expert says of a clip.

    Attributes:
        offset_frames: by how many frames the sound is late; negative: early.
        confidence: median of the distances over all offsets, less the least one: large where one offset stands out.
        distance: the least one, between unit vectors: 0..2.
    """

    offset_frames: int
    confidence: float
    distance: float


class SyncJudge:
    """A trained expert.

    Args:
        expert: in evaluation mode.
        run_id: of its run, for those who record by whom they were judged.
        device: on which it computes.
    """

    def __init__(self, expert: SyncExpert, run_id: str, device: torch.device = torch.device("cpu")) -> None:  # noqa: B008 - a constant
        self.expert, self.run_id, self._device = expert.to(device), run_id, device

    def score(
        self, frames: NDArray[np.uint8], landmarks_px: NDArray[np.float32], waveform: NDArray[np.int16 | np.float32]
    ) -> SyncScore | None:
        """Return the score of a clip.

        Args:
            frames: uint8 (n, h, w, 3) RGB, 25 a second.
            landmarks_px: (n, 478, 2 or 3) in pixels of the frames; NaN where no face was found.
            waveform: (samples,) at 16 kHz from the time of frame 0, int16 or float -1..1; what is missing at its end is silence.

        Returns:
            None: no frame has a face, or there are fewer than LEAST_FRAMES.
        """
        track = track_face(landmarks_px)
        if track is None or len(frames) < LEAST_FRAMES:
            return None
        return self.score_windows(cut_windows(frames, track, MOUTH, self.expert.settings.size_px), waveform)

    def score_windows(self, windows: Windows, waveform: NDArray[np.int16 | np.float32]) -> SyncScore | None:
        """Return the score of mouth windows (n, size, size) from `face_windows`; None: there are fewer than LEAST_FRAMES."""
        if len(windows) < LEAST_FRAMES:
            return None
        return score_of(self.distances(windows, waveform))

    def distances(self, windows: Windows, waveform: NDArray[np.int16 | np.float32]) -> NDArray[np.float64]:
        """Return the mean distance at each offset, -LARGEST_OFFSET..LARGEST_OFFSET."""
        return offset_distances(self.embed_mouths(windows), self.embed_sounds(waveform, len(windows)))

    @torch.inference_mode()
    def embed_mouths(self, windows: Windows) -> Tensor:
        """Return embeddings (n - FRAMES + 1, width) of all runs of FRAMES frames."""
        pictures = normalised(torch.from_numpy(windows).to(self._device))
        runs = pictures.unfold(0, FRAMES, 1).permute(0, 3, 1, 2)
        return torch.cat([self.expert.embed_mouths(block) for block in torch.split(runs, _WINDOWS_AT_ONCE)])

    @torch.inference_mode()
    def embed_sounds(self, waveform: NDArray[np.int16 | np.float32], frames: int) -> Tensor:
        """Return embeddings of the sound at the same times."""
        mel = clip_log_mel(waveform, frames)
        first = first_columns(np.arange(frames - FRAMES + 1))
        blocks = []
        for some in np.array_split(first, max(1, len(first) // _WINDOWS_AT_ONCE)):
            start = max(0, int(some[0]) - _TRUNK_REACH)
            piece = torch.from_numpy(mel[start : some[-1] + MEL_COLUMNS + _TRUNK_REACH])
            blocks.append(self.expert.embed_sounds(piece[None].to(self._device), torch.from_numpy(some - start).to(self._device))[0])
        return torch.cat(blocks)


def clip_log_mel(waveform: NDArray[np.int16 | np.float32], frames: int) -> Sequence1d:
    """Return the log-mel (1 + 3.2 frames, 80) of a clip with so many frames: longer sound is cut, shorter is followed by silence."""
    values = waveform.astype(np.float32) / _FULL_SCALE if waveform.dtype.kind == "i" else np.asarray(waveform, np.float32)
    samples = frames * 640
    return log_mel(np.pad(values[:samples], (0, max(0, samples - len(values)))), AudioSettings())


def first_columns(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the log-mel columns with which windows begin that begin with some frames."""
    return np.asarray(np.rint(_COLUMNS_PER_FRAME * starts), np.int64)


def offset_distances(mouths: Tensor, sounds: Tensor, largest: int = LARGEST_OFFSET) -> NDArray[np.float64]:
    """Return the mean distance (2 largest + 1,) of mouths i and sounds i + k, over all i for which there are both.

    Args:
        mouths: unit vectors (m, width), m > largest.
        sounds: those of the same times.
        largest: offset k, either way.
    """
    count = len(mouths)
    means = []
    for offset in range(-largest, largest + 1):
        some = slice(max(0, -offset), count - max(0, offset))
        heard = slice(max(0, offset), count - max(0, -offset))
        means.append(float(torch.linalg.vector_norm(mouths[some] - sounds[heard], dim=1).double().mean()))
    return np.array(means)


def score_of(distances: NDArray[np.float64]) -> SyncScore:
    """Return the score of the mean distances (2 n + 1,) at the offsets -n..n."""
    best = int(distances.argmin())
    return SyncScore(best - len(distances) // 2, float(np.median(distances) - distances[best]), float(distances[best]))
