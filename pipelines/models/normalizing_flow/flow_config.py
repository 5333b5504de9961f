"""Sizes of a coefficient flow, and the named presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EXPRESSION_FEATURES = 64
POSE_FEATURES = 6
EMOTION_CLASSES = 9

PresetName = Literal["tiny", "small", "paper"]
FlowKind = Literal["expflow", "poseflow"]
LatentKind = Literal["student_t", "gaussian"]


@dataclass(frozen=True)
class CoefficientFlowConfig:
    """Everything that fixes the architecture of a `CoefficientFlow`; plain numbers, strings and booleans, so it fits in JSON.

    Attributes:
        features: coefficients a frame: 64 (expression) or 6 (pose).
        emotions: emotion classes; 1 where emotion plays no part.
        steps: K, flow steps.
        width: of tokens and audio features.
        heads: attention heads; divide `width`.
        feed_forward: hidden units of each feed-forward network.
        past_frames: tau, frames of history in the context.
        audio_radius_frames: r; the context holds the audio features of frames t-r to t+r.
        audio_channels: channels of the convolutions over mel columns.
        audio_reach_frames: frames to either side that the audio encoder itself sees (by convolutions over frames); even.
        has_audio: whether the context holds audio.
        has_source: whether the context holds the source face's coefficients.
        latent: family of the base distribution.
        degrees_of_freedom: nu of the Student-t base.
        latent_mean_scale: the fixed mean of each emotion is drawn from N(0, latent_mean_scale^2 I); 0 gives N(0, I) as base.
        context_shift: whether a last affine layer on the data side moves and scales each frame by functions of its context.
        linear_past: whether frames are coded as differences from a linear function of the history, fixed before training. The
            history is then known or hidden as a whole; where it begins, its first frame stands for those before.
        dropout: share of units dropped in audio features and context while training; the flow steps have none.
        seed: of the latent means and the first rotations of the linear layers.
    """

    features: int = EXPRESSION_FEATURES
    emotions: int = EMOTION_CLASSES
    steps: int = 6
    width: int = 64
    heads: int = 4
    feed_forward: int = 128
    past_frames: int = 6
    audio_radius_frames: int = 2
    audio_channels: int = 48
    audio_reach_frames: int = 4
    has_audio: bool = True
    has_source: bool = True
    latent: LatentKind = "student_t"
    degrees_of_freedom: float = 50.0
    latent_mean_scale: float = 1.0
    context_shift: bool = True
    linear_past: bool = False
    dropout: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that fit no network."""
        sizes = ("emotions", "steps", "width", "heads", "feed_forward", "past_frames", "audio_channels")
        small = [f"{name}={getattr(self, name)}" for name in sizes if getattr(self, name) < 1]
        if small or self.features < 2:
            raise ValueError(
                f"sizes of a flow must be at least 1, and features at least 2; found features={self.features} {' '.join(small)}"
            )
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, found width={self.width} and heads={self.heads}")
        if self.audio_radius_frames < 0 or self.audio_reach_frames < 0 or self.audio_reach_frames % 2:
            found = f"{self.audio_radius_frames} and {self.audio_reach_frames}"
            raise ValueError(f"audio_radius_frames must be at least 0 and audio_reach_frames even and at least 0, found {found}")
        if self.latent not in ("student_t", "gaussian") or self.degrees_of_freedom <= 0:
            raise ValueError(
                f"latent must be student_t or gaussian with degrees_of_freedom above 0, found {self.latent!r} and {self.degrees_of_freedom}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), found {self.dropout}")


_SIZES: dict[str, dict[str, int | float]] = {
    "tiny": {"steps": 6, "width": 96, "heads": 4, "feed_forward": 192, "past_frames": 6, "audio_radius_frames": 2, "audio_channels": 48},
    "small": {"steps": 8, "width": 128, "heads": 4, "feed_forward": 256, "past_frames": 8, "audio_radius_frames": 2, "audio_channels": 64},
    "paper": {
        "steps": 16,
        "width": 256,
        "heads": 8,
        "feed_forward": 512,
        "past_frames": 10,
        "audio_radius_frames": 3,
        "audio_channels": 96,
    },
}


def presets(name: PresetName, kind: FlowKind, *, emotions: int = EMOTION_CLASSES) -> CoefficientFlowConfig:
    """Return the configuration of a preset.

    Args:
        name: "tiny" (minutes on two CPU cores), "small" or "paper" (K = 16, width 256, ten past frames).
        kind: "expflow": 64 expression coefficients, per-emotion Student-t base, source face in the context;
            "poseflow": 6 pose coefficients, N(0, I) base, neither emotion nor source.
        emotions: classes of an ExpFlow; a PoseFlow has one.

    Raises:
        ValueError: the name or the kind is unknown.
    """
    if name not in _SIZES or kind not in ("expflow", "poseflow"):
        raise ValueError(f"no preset {name!r} of {kind!r}; presets are {', '.join(_SIZES)} of expflow and poseflow")
    sizes = _SIZES[name]
    if kind == "expflow":
        return CoefficientFlowConfig(features=EXPRESSION_FEATURES, emotions=emotions, **sizes)  # type: ignore[arg-type]
    return CoefficientFlowConfig(
        features=POSE_FEATURES,
        emotions=1,
        has_source=False,
        latent="gaussian",
        latent_mean_scale=0.0,
        linear_past=True,
        **sizes,  # type: ignore[arg-type]
    )
