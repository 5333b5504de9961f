"""Confidence and distance of SyncNet: how well lips and sound of a clip go together, by the published weights.

As syncnet_python does it: of every five frames the distance to the sound at 31 offsets, mean over the clip; the distance is the least of
these means (LSE-D), the confidence the median less the least (LSE-C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from pipelines.media_time import SAMPLES_PER_FRAME
from pipelines.models.published.syncnet import FRAMES, SOUND_STEPS, SyncNet
from pipelines.video_evaluation.cepstrum import cepstral_coefficients

LARGEST_OFFSET = 15
_STEPS_PER_FRAME = 4
_AT_ONCE = 20
_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class PublishedSync:
    """What SyncNet says of a clip; an offset of +3 says that the sound comes three frames before the lips."""

    offset_frames: int
    confidence: float
    distance: float


def score_sync(network: SyncNet, lips: NDArray[np.uint8], waveform: NDArray[Any], device: torch.device) -> PublishedSync | None:
    """Return what the network says.

    Args:
        network: with the published weights.
        lips: (frames, 224, 224, 3) red green blue.
        waveform: (samples,) at 16 kHz in -1..1, from the first frame on.
        device: where it runs.

    Returns:
        None: fewer than six frames with sound.
    """
    count = min(len(lips), len(waveform) // SAMPLES_PER_FRAME) - FRAMES
    if count < 1:
        return None
    heard = cepstral_coefficients(np.round(np.asarray(waveform, np.float64) * _FULL_SCALE)).T.astype(np.float32)
    seen, sounds = [], []
    with torch.inference_mode():
        for start in range(0, count, _AT_ONCE):
            numbers = range(start, min(count, start + _AT_ONCE))
            pictures = np.stack([lips[number : number + FRAMES, ..., ::-1].transpose(3, 0, 1, 2) for number in numbers])
            steps = [heard[None, :, number * _STEPS_PER_FRAME : number * _STEPS_PER_FRAME + SOUND_STEPS] for number in numbers]
            seen.append(network.sight(torch.from_numpy(pictures.astype(np.float32)).to(device)).cpu())
            sounds.append(network.sound(torch.from_numpy(np.stack(steps)).to(device)).cpu())
    return _best(torch.cat(seen), torch.cat(sounds))


def _best(seen: Tensor, heard: Tensor) -> PublishedSync:
    padded = F.pad(heard, (0, 0, LARGEST_OFFSET, LARGEST_OFFSET))
    shifts = [padded[shift : shift + len(seen)] for shift in range(2 * LARGEST_OFFSET + 1)]
    means = torch.stack([F.pairwise_distance(seen, shifted).mean() for shifted in shifts])
    least, where = means.min(0)
    return PublishedSync(LARGEST_OFFSET - int(where), float(means.median() - least), float(least))
