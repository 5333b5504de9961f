from pathlib import Path

import cv2
import numpy as np

from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from pipelines.video.still_videos import NOISE_LEVELS, write_noisy_still
from storage_schemas.build_spec import LimitSettings


def test_frames_differ_by_noise_alone(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), np.full((201, 321, 3), 120, np.uint8))
    for name in ("a.mp4", "b.mp4"):
        write_noisy_still(tmp_path / "still.png", tmp_path / name, LimitSettings(), frames=12)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    probe = probe_media(tmp_path / "a.mp4", LimitSettings(), audio_required=False)
    assert (probe.width_px, probe.height_px, len(probe.frame_pts), probe.fps) == (320, 200, 12, 25.0)
    frames = np.stack([rgb for _, rgb in read_frames(probe, np.arange(12))]).astype(float)
    assert abs(frames.mean() - 120) < 2
    assert 0.1 * NOISE_LEVELS < frames.std(axis=0).mean() < 1.2 * NOISE_LEVELS  # the encoder smooths it


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), np.full((1440, 960, 3), 120, np.uint8))
    write_noisy_still(tmp_path / "still.png", tmp_path / "a.mp4", LimitSettings(), frames=2)
    probe = probe_media(tmp_path / "a.mp4", LimitSettings(), audio_required=False)
    assert (probe.width_px, probe.height_px) == (480, 720)
