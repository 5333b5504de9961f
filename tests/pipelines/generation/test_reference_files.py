from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.face_model.basis import write_face_model
from pipelines.generation.coefficient_files import CoefficientsCard, write_coefficients
from pipelines.generation.reference_files import read_reference_file
from storage_schemas.errors import BadInputError
from tests.factories.face_models import small_face_model


@pytest.fixture
def face_model(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "face.safetensors"
    path.parent.mkdir()
    write_face_model(path, small_face_model())
    return path


def test_our_own_coefficients_are_read_with_their_face_model(tmp_path: Path) -> None:
    beta, rho = np.ones((5, 64), np.float32), np.ones((5, 6), np.float32)
    card = CoefficientsCard(item_id="a", frames=5, seed=0, take=0, models={"expflow": {"face_model": "learned-1"}})
    write_coefficients(tmp_path / "a.npz", beta, rho, card)
    reference = read_reference_file(tmp_path / "a.npz", None)

    np.testing.assert_array_equal(reference.beta, beta)
    assert reference.face_model == "learned-1"
    assert reference.audio is None


def test_extracted_coefficients_are_read(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(4, 257)).astype(np.float32)
    np.save(tmp_path / "a.npy", rows)
    reference = read_reference_file(tmp_path / "a.npy", None)

    np.testing.assert_array_equal(reference.beta, rows[:, 80:144])
    assert reference.rho is not None
    np.testing.assert_array_equal(reference.rho[:, :3], rows[:, 224:227])


@pytest.mark.parametrize(
    ("name", "message"), [("missing.png", "no such file"), ("a.txt", "expected a file that ends"), ("a.png", "face model")]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, message: str) -> None:
    for made in ("a.txt", "a.png"):
        (tmp_path / made).write_bytes(b"")

    with pytest.raises(BadInputError, match=rf"{name}.*{message}"):
        read_reference_file(tmp_path / name, None)


def test_a_picture_without_a_face_is_named(tmp_path: Path, face_model: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 60, (200, 300, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)

    with pytest.raises(BadInputError, match=r"noise\.png shows no usable face"):
        read_reference_file(tmp_path / "noise.png", face_model)


def test_pictures_and_videos_are_fitted_like_clips(shared_data: Path, face_model: Path) -> None:
    picture = read_reference_file(shared_data / "portraits" / "macron_512.png", face_model)
    video = read_reference_file(shared_data / "clips" / "may_5s_512.mp4", face_model)

    assert picture.beta.shape == (1, 64)
    assert picture.audio is None
    assert video.beta.shape == (125, 64)
    assert video.rho is not None
    assert video.rho.shape == (125, 6)
    assert video.audio is not None
    assert video.audio.frames == 125
    assert picture.face_model == video.face_model == small_face_model().model_id
