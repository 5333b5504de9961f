"""Every metric: what tables call it, which way is better, and what it means; docs/evaluation.md lists the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricMeaning:
    """One metric.

    Attributes:
        title: in tables.
        better: "up", "down", or "true": near the ground truth.
        digits: behind the point, in tables.
        meaning: in a few words.
    """

    title: str
    better: str
    digits: int
    meaning: str

    @property
    def arrow(self) -> str:
        """Which way is better, as one character; empty: near the ground truth."""
        return {"up": "↑", "down": "↓"}.get(self.better, "")


METRIC_LIST: dict[str, MetricMeaning] = {
    "ssim": MetricMeaning("SSIM", "up", 3, "structural similarity of aligned frames"),
    "psnr": MetricMeaning("PSNR", "up", 2, "peak signal-to-noise ratio of aligned frames in dB, equal frames count as 100"),
    "fid": MetricMeaning("FID", "down", 2, "Frechet distance of Inception features of five aligned frames a clip"),
    "m_lmd": MetricMeaning(
        "M-LMD", "down", 3, "distance of the 20 points of the mouth in pixels of the aligned frame, their centroid taken out"
    ),
    "f_lmd": MetricMeaning("F-LMD", "down", 3, "the same of all 68 points"),
    "sync_conf": MetricMeaning("Sync_conf", "up", 3, "confidence of the published SyncNet (LSE-C)"),
    "sync_dist": MetricMeaning("Sync_dist", "down", 3, "its distance (LSE-D)"),
    "sync_offset": MetricMeaning("Sync_offset", "down", 2, "frames by which it finds the sound early or late, absolute, mean over clips"),
    "cpbd": MetricMeaning("CPBD", "up", 3, "sharpness of aligned frames, see docs/image_evaluation.md"),
    "acc_emo": MetricMeaning(
        "Acc_emo", "up", 3, "share of clips in which the published emotion classifier sees the emotion that should be there"
    ),
    "sync_conf_own": MetricMeaning("Sync_conf (ours)", "up", 3, "confidence of our own sync expert; not comparable with SyncNet's"),
    "sync_dist_own": MetricMeaning("Sync_dist (ours)", "down", 3, "its distance"),
    "sync_offset_own": MetricMeaning("Sync_offset (ours)", "down", 2, "frames by which it finds the sound early or late, absolute"),
    "acc_emo_own": MetricMeaning(
        "Acc_emo (ours)", "up", 3, "share of clips in which our own emotion judge sees the emotion that should be there"
    ),
    "expression_diversity": MetricMeaning(
        "Div. expression", "true", 2, "standard deviation over time of the 68 points in the head's own axes, % of the inter-ocular distance"
    ),
    "pose_diversity": MetricMeaning(
        "Div. pose", "true", 2, "standard deviation over time of pitch, yaw and roll in degrees, mean of the three"
    ),
    "take_diversity": MetricMeaning(
        "Div. takes", "up", 2, "distance of the 68 points between takes of one clip, % of the inter-ocular distance; null with one take"
    ),
    "blink_rate": MetricMeaning("Blinks/min", "true", 1, "closures of the eyes a minute"),
    "jitter": MetricMeaning("Jitter", "true", 3, "second differences of points on bone, % of the inter-ocular distance"),
    "identity_shape": MetricMeaning(
        "Identity (shape)", "up", 3, "cosine between the clips' mean face shapes, less the mean of all faces; not the CSIM of papers"
    ),
}
"""In the order of tables."""
