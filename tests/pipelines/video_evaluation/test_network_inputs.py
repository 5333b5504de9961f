from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.face_model.reference import load_reference_face
from pipelines.video_evaluation.clip_material import ClipMaterial
from pipelines.video_evaluation.face_alignment import align
from pipelines.video_evaluation.network_inputs import JUDGED_PX, NETWORK_PX, InputCutter, evenly, lip_squares
from storage_schemas.evaluation_requests import EvaluationSettings, WantedInputs

FRAMES = 12


def clip() -> ClipMaterial:
    face = load_reference_face().points * np.array([1.0, -1.0, -1.0]) * 50 + np.array([100.0, 90.0, 0.0])
    landmarks = np.repeat(face[None], FRAMES, axis=0).astype(np.float32)
    pictures = [np.full((200, 200, 3), 10 * number, np.uint8) for number in range(FRAMES)]
    return ClipMaterial(lambda: iter(pictures), landmarks, np.zeros(FRAMES * 640, np.float32), 200, 200, 25.0, 0)


def cut(tmp_path: Path, **wanted: bool) -> dict[str, np.ndarray]:
    material = clip()
    alignment = align(material.landmarks_px)
    assert alignment is not None
    cutter = InputCutter(material, alignment, EvaluationSettings(fid_frames=3, emotion_frames=4), WantedInputs(**wanted))
    for number, picture in enumerate(material.pictures()):
        cutter.add(number, picture, alignment.picture(picture, number, 128))
    cutter.write(tmp_path / "clip.npz")
    with np.load(tmp_path / "clip.npz") as stored:
        return dict(stored)


def test_only_what_is_wanted_is_cut(tmp_path: Path) -> None:
    assert set(cut(tmp_path)) == {"waveform"}
    assert cut(tmp_path, fid=True)["fid"][:, 0, 0, 0].tolist() == [0, 60, 110]  # first, middle and last frame
    assert cut(tmp_path, faces=True)["faces"].shape == (4, NETWORK_PX, NETWORK_PX, 3)
    assert cut(tmp_path, lips=True)["lips"].shape == (FRAMES, NETWORK_PX, NETWORK_PX, 3)


def test_judges_get_a_still_square_with_the_landmarks_in_its_pixels(tmp_path: Path) -> None:
    found = cut(tmp_path, judges=True)

    assert found["windows"].shape == (FRAMES, JUDGED_PX, JUDGED_PX, 3)
    assert found["points"].shape == (FRAMES, 478, 2)
    assert found["points"].min() > 0
    assert found["points"].max() < JUDGED_PX


def test_squares_for_lips_are_those_of_the_published_pipeline() -> None:
    landmarks = clip().landmarks_px
    low, high = landmarks[0, :, :2].min(axis=0), landmarks[0, :, :2].max(axis=0)
    half = (high - low).max() / 2
    centre = (low + high) / 2
    left, top, side = lip_squares(landmarks)[0]

    # Wider than the face box by 40 % on both sides, from its upper edge down to 80 % of its half height below its lower edge.
    assert side == pytest.approx(2.8 * half)
    assert left == pytest.approx(centre[0] - 1.4 * half)
    assert top == pytest.approx(centre[1] - half)


def test_numbers_are_evenly_chosen() -> None:
    assert evenly(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert evenly(100, 5).tolist() == [0, 25, 50, 74, 99]
    assert evenly(1, 5).tolist() == [0]
