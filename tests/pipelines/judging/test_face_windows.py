from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.face_model.reference import load_reference_face
from pipelines.judging.face_windows import FACE, MOUTH, cut_windows, decode_windows, track_face

SIDE_PX = 240


def turned_face(angle: float, size: float, shift: complex, frames: int = 7) -> np.ndarray:
    """Return landmarks (frames, 478, 3) of the reference face, turned in the image."""
    points = load_reference_face().points
    upright = points[:, 0] - 1j * points[:, 1]
    placed = upright * size * np.exp(1j * angle) + shift
    return np.repeat(np.stack([placed.real, placed.imag, points[:, 2] * size], axis=1)[None], frames, axis=0).astype(np.float32)


def with_dots(landmarks: np.ndarray, points: tuple[int, ...]) -> np.ndarray:
    frames = np.full((len(landmarks), SIDE_PX, SIDE_PX, 3), 30, np.uint8)
    for frame, places in zip(frames, landmarks, strict=True):
        for point in points:
            cv2.circle(frame, tuple(np.rint(places[point, :2]).astype(int).tolist()), 4, (255, 255, 255), -1)
    return frames


@pytest.mark.parametrize(("angle", "size", "shift"), [(0.0, 80, 120 + 90j), (0.4, 60, 110 + 80j), (-0.7, 90, 130 + 110j)])
def test_windows_are_upright_wherever_the_face_is(angle: float, size: float, shift: complex) -> None:
    landmarks = turned_face(angle, size, shift)
    track = track_face(landmarks)
    assert track is not None
    window = cut_windows(with_dots(landmarks, (61, 291)), track, MOUTH, 64)[3]
    ys, xs = np.nonzero(window > 128)
    left, right = xs < 32, xs >= 32
    points = load_reference_face().points
    scale = 64 / MOUTH.side
    assert xs[left].mean() == pytest.approx(31.5 + points[61, 0] * scale, abs=1.5)
    assert xs[right].mean() == pytest.approx(31.5 + points[291, 0] * scale, abs=1.5)
    assert ys.mean() == pytest.approx(31.5 + (-points[61, 1] - MOUTH.below_eyes) * scale, abs=1.5)


def test_frames_without_a_face_take_the_place_of_their_neighbours() -> None:
    landmarks = turned_face(0.1, 70, 100 + 90j)
    whole = track_face(landmarks)
    landmarks[[0, 3]] = np.nan
    found = track_face(landmarks)
    assert whole is not None
    assert found is not None
    np.testing.assert_allclose(found.origin, whole.origin, atol=1e-3)
    np.testing.assert_allclose(found.scale, whole.scale, atol=1e-3)
    assert track_face(np.full_like(landmarks, np.nan)) is None


@pytest.mark.parametrize("size_px", [16, 32, 64])
def test_coarse_decoding_shows_the_same(size_px: int) -> None:
    landmarks = turned_face(0.2, 80, 120 + 90j)
    track = track_face(landmarks)
    assert track is not None
    frames = cv2.GaussianBlur(with_dots(landmarks, (33, 263, 13, 61, 291))[0], (0, 0), 6)[None].repeat(7, axis=0)
    jpegs = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes() for frame in frames]
    decoded = decode_windows(jpegs, track, FACE, size_px)
    cut = cut_windows(frames, track, FACE, size_px)
    assert np.abs(decoded.astype(int) - cut).max() < 14
    assert track.coarseness(FACE, 16) > track.coarseness(FACE, 64) > 1


def test_damaged_frames_are_said_to_be_so() -> None:
    track = track_face(turned_face(0.0, 80, 120 + 90j, frames=1))
    assert track is not None
    with pytest.raises(ValueError, match="7 bytes is no JPEG"):
        decode_windows([b"nothing"], track, MOUTH, 16)
