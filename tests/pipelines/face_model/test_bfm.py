from pathlib import Path

import numpy as np
import pytest

from pipelines.face_model.basis import read_face_model, write_face_model
from pipelines.face_model.bfm import bfm_camera, read_bfm
from pipelines.face_model.camera import perspective_from_pose, pose_from_perspective, project
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fitting import FitSettings
from pipelines.face_model.reference import load_reference_face
from storage_schemas.errors import BadInputError
from tests.factories.bfm_files import UNIT, bfm_arrays, write_bfm
from tests.factories.face_landmarks import SIZE_PX, invented_clip


def test_units_axes_and_triangles(tmp_path: Path) -> None:
    model = read_bfm(write_bfm(tmp_path / "BFM_model_front.mat"))
    assert model.source == "bfm"
    assert np.allclose(model.mean, load_reference_face().points[:468], atol=1e-4)
    assert np.allclose(model.expression_basis.reshape(-1, 64) * UNIT, bfm_arrays()["exBase"], atol=1e-6)
    corners = model.mean[model.triangles]
    assert (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0).all()
    assert len(model.landmarks) == 68
    assert (model.identity_stddevs == 1).all()


def test_stored_and_read_again(tmp_path: Path) -> None:
    model = read_bfm(write_bfm(tmp_path / "BFM_model_front.mat"))
    write_face_model(tmp_path / "model", model)
    assert read_face_model(tmp_path / "model").model_id == model.model_id
    assert model.model_id.startswith("bfm-")


def test_camera_places_the_mean_face_as_deep3dfacerecon_does(tmp_path: Path) -> None:
    model = read_bfm(write_bfm(tmp_path / "BFM_model_front.mat"))
    camera = bfm_camera(model)
    mean = bfm_arrays()["meanshape"].reshape(-1, 3)
    mean -= mean.mean(axis=0)
    translation = np.array([0.05, -0.1, 0.2])
    world = mean + translation
    seen = world[:, :2] * 1015 / (10 - world[:, 2:])
    pose = pose_from_perspective(np.zeros(3), translation, camera)
    placed = project(model.mean, pose, 224.0)[:, :2]
    near_plane = np.abs(mean[:, 2] - camera.origin[2]) < 0.05
    assert np.abs(placed - np.stack([seen[:, 0] + 112, 112 - seen[:, 1]], -1))[near_plane].max() < 1.0
    assert np.allclose(perspective_from_pose(pose, camera)[1], translation)


def test_fits_a_clip_by_its_68_points(tmp_path: Path) -> None:
    clip = invented_clip(40, 3, noise=0.0005)
    fit = ClipFitter(read_bfm(write_bfm(tmp_path / "BFM_model_front.mat")), FitSettings()).fit(clip.landmarks_px, SIZE_PX)
    for angle in range(3):
        assert np.corrcoef(fit.pose[:, angle], clip.pose[:, angle])[0, 1] > 0.95
    assert fit.expression.shape == (40, 64)


def test_missing_keys_are_all_listed(tmp_path: Path) -> None:
    path = write_bfm(tmp_path / "bfm.mat", without=("exBase", "keypoints"))
    with pytest.raises(
        BadInputError, match=r"lacks exBase, keypoints of the keys .* apply for the Basel Face Model .*faces\.dmi\.unibas\.ch"
    ):
        read_bfm(path)


def test_missing_file_and_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"there is no such file; apply for"):
        read_bfm(tmp_path / "bfm.mat")
    (tmp_path / "bfm.mat").write_bytes(b"not a mat file" * 20)
    with pytest.raises(BadInputError, match="not a readable MATLAB file"):
        read_bfm(tmp_path / "bfm.mat")


def test_wrong_arrays_are_all_named(tmp_path: Path) -> None:
    path = write_bfm(tmp_path / "bfm.mat", exBase=np.zeros((1404, 29)), keypoints=np.zeros((1, 68)))
    with pytest.raises(
        BadInputError, match=r"exBase must be \(1404, 64\), found \(1404, 29\); keypoints must count vertices from 1 to 468"
    ):
        read_bfm(path)
