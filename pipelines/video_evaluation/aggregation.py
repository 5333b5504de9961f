"""From figures of videos to those of a set: what is averaged over frames, over clips, or counted over minutes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.media_time import CLIP_FPS
from pipelines.video_evaluation.network_scores import ClipScores
from pipelines.video_evaluation.picture_measures import MOST_DB
from storage_schemas.evaluation_requests import PairFigures, SideFigures

OVER_FRAMES = ("ssim", "psnr", "m_lmd", "f_lmd", "cpbd")
IDEAL = {"ssim": 1.0, "psnr": MOST_DB, "m_lmd": 0.0, "f_lmd": 0.0, "fid": 0.0, "identity_shape": 1.0}
"""What true clips have against themselves."""
DIGITS = 6
_MINUTE_FRAMES = 60 * CLIP_FPS


@dataclass
class _Mean:
    total: float = 0.0
    weight: float = 0.0

    @property
    def value(self) -> float | None:
        return self.total / self.weight if self.weight else None


@dataclass
class SetFigures:
    """Adds up what is measured of the videos of one side; the order in which they come decides nothing but the last digits."""

    _means: dict[str, _Mean] = field(default_factory=lambda: defaultdict(_Mean))

    def add(self, name: str, total: float | None, weight: float = 1.0) -> None:
        """Take in a sum and what it is divided by; None: there is nothing to take in."""
        if total is not None:
            self._means[name].total += total
            self._means[name].weight += weight

    def add_side(self, side: SideFigures) -> None:
        """Take in what was measured of one video alone."""
        self.add("cpbd", side.cpbd_sum, side.cpbd_frames)
        self.add("expression_diversity", side.expression_diversity)
        self.add("pose_diversity", side.pose_diversity)
        self.add("jitter", side.jitter)
        if side.blinks is not None:
            self.add("blink_rate", side.blinks * _MINUTE_FRAMES, side.frames)

    def add_pair(self, pair: PairFigures) -> None:
        """Take in what was measured of a made video, alone and against the true clip."""
        self.add_side(pair.made)
        self.add("ssim", pair.ssim_sum, pair.frames)
        self.add("psnr", pair.psnr_sum, pair.frames)
        self.add("m_lmd", pair.m_lmd_sum, pair.lmd_frames)
        self.add("f_lmd", pair.f_lmd_sum, pair.lmd_frames)
        self.add("identity_shape", pair.identity_shape)

    def add_scores(self, scores: ClipScores, emotion: str) -> None:
        """Take in what networks say of a clip that should show an emotion (empty: unknown, which counts neither way)."""
        for name, value in scores.values.items():
            self.add(name, value)
        for name, seen in scores.emotions.items():
            self.add(name, float(seen == emotion) if emotion else None)

    def values(self) -> dict[str, float]:
        """Return the figures by name; those of nothing are absent."""
        found = {name: mean.value for name, mean in self._means.items()}
        return {name: round(value, DIGITS) for name, value in found.items() if value is not None}


def video_metrics(pair: PairFigures, scores: ClipScores, emotion: str) -> dict[str, float | None]:
    """Return the figures of one video."""
    alone = SetFigures()
    alone.add_pair(pair)
    alone.add_scores(scores, emotion)
    return dict(sorted(alone.values().items()))
