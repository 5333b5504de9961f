from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.face_model.reference import load_reference_face
from pipelines.judging.face_windows import MOUTH, cut_windows, track_face
from pipelines.video_evaluation.clip_material import ClipMaterial
from pipelines.video_evaluation.face_alignment import align
from pipelines.video_evaluation.network_inputs import NETWORK_PX, InputCutter, evenly, lip_squares
from storage_schemas.evaluation_requests import EvaluationSettings, WantedInputs

FRAMES = 12


def clip() -> ClipMaterial:
    face = load_reference_face().points * np.array([1.0, -1.0, -1.0]) * 50 + np.array([100.0, 90.0, 0.0])
    landmarks = np.repeat(face[None], FRAMES, axis=0).astype(np.float32)
    pictures = [np.full((200, 200, 3), 10 * number, np.uint8) for number in range(FRAMES)]
    return ClipMaterial(lambda: iter(pictures), landmarks, np.zeros(FRAMES * 640, np.float32), 200, 200, 25.0, 0)


def cut(tmp_path: Path, **wanted: bool | int) -> dict[str, np.ndarray]:
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


def test_judges_get_windows_of_mouths_and_of_evenly_chosen_faces(tmp_path: Path) -> None:
    found = cut(tmp_path, judged_mouths_px=48, judged_faces_px=64, judged_faces=4)

    assert set(found) == {"waveform", "judged_mouths", "judged_faces"}
    assert found["judged_mouths"].shape == (FRAMES, 48, 48)
    assert found["judged_mouths"][:, 24, 24].tolist() == [10 * number for number in range(FRAMES)]
    assert found["judged_faces"].shape == (4, 64, 64)
    assert found["judged_faces"][:, 0, 0].tolist() == [0, 40, 70, 110]
    assert set(cut(tmp_path, judged_mouths_px=48)) == {"waveform", "judged_mouths"}


def test_the_windows_of_judges_are_those_of_the_judges_themselves(tmp_path: Path) -> None:
    """They cut them out of pictures and landmarks in the same pixels; here they are cut out of the square around the head."""
    material = clip()
    pictures = [np.random.default_rng(number).integers(0, 256, (200, 200, 3)).astype(np.uint8) for number in range(FRAMES)]
    alignment = align(material.landmarks_px)
    track = track_face(material.landmarks_px)
    assert alignment is not None
    assert track is not None
    cutter = InputCutter(material, alignment, EvaluationSettings(), WantedInputs(judged_mouths_px=48))
    for number, picture in enumerate(cv2.GaussianBlur(picture, (0, 0), 3) for picture in pictures):
        cutter.add(number, picture, picture)
        pictures[number] = picture
    cutter.write(tmp_path / "clip.npz")
    with np.load(tmp_path / "clip.npz") as stored:
        found = stored["judged_mouths"].astype(int)

    # Sampled twice instead of once.
    assert np.abs(found - cut_windows(pictures, track, MOUTH, 48)).mean() < 1.5


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
