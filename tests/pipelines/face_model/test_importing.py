from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from pipelines.face_model.camera import PerspectiveCamera
from pipelines.face_model.importing import read_coefficients
from pipelines.face_model.rotations import matrices_from_euler
from storage_schemas.errors import BadInputError

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(7, 257)).astype(np.float32)
CROP = np.tile([256.0, 256.0, 0.96, 128.0, 120.0], (7, 1))


def test_mat_file(tmp_path: Path) -> None:
    savemat(tmp_path / "clip.mat", {"coeff": ROWS, "transform_params": CROP})
    found = read_coefficients(tmp_path / "clip.mat")
    parts = (found.identity, found.expression, found.texture, found.angles_rad, found.lighting, found.translation)
    assert np.array_equal(np.concatenate(parts, axis=1), ROWS)
    assert [part.shape[1] for part in parts] == [80, 64, 80, 3, 27, 3]
    assert found.crop is not None
    assert np.array_equal(found.crop, CROP)


def test_npy_dictionary_and_plain_array(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", {"coeff": ROWS, "trans_param": CROP, "lm68": np.zeros((7, 68, 2))}, allow_pickle=True)
    assert np.array_equal(read_coefficients(tmp_path / "clip.npy").expression, ROWS[:, 80:144])
    np.save(tmp_path / "plain.npy", ROWS)
    plain = read_coefficients(tmp_path / "plain.npy")
    assert plain.crop is None
    with pytest.raises(BadInputError, match="have no crop values"):
        plain.pose_in_frame(PerspectiveCamera())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((5, 7)), r"expected coeff as floats \(frames, 257\), found coeff float64 \(5, 7\)"),
        (np.zeros((0, 257)), "found coeff float64"),
        (np.full((2, 257), np.nan), "values that are not finite"),
        (np.zeros((2, 257), dtype=int), "found coeff int64"),
    ],
)
def test_wrong_arrays(tmp_path: Path, content: np.ndarray, message: str) -> None:
    np.save(tmp_path / "clip.npy", content)
    with pytest.raises(BadInputError, match=message):
        read_coefficients(tmp_path / "clip.npy")


def test_wrong_dictionaries(tmp_path: Path) -> None:
    savemat(tmp_path / "other.mat", {"expression_center": np.zeros((1, 64))})
    with pytest.raises(BadInputError, match=r"expected one of coeff, full_3dmm, found expression_center float64 \(1, 64\)"):
        read_coefficients(tmp_path / "other.mat")
    savemat(tmp_path / "crop.mat", {"coeff": ROWS, "transform_params": CROP[:3]})
    with pytest.raises(BadInputError, match=r"expected transform_params as numbers \(7, 5\), found .* \(3, 5\)"):
        read_coefficients(tmp_path / "crop.mat")
    (tmp_path / "text.mat").write_text("text" * 100)
    with pytest.raises(BadInputError, match="not a readable MATLAB file"):
        read_coefficients(tmp_path / "text.mat")
    for name in ("missing.mat", "missing.npy"):
        with pytest.raises(BadInputError, match=r"[Nn]o such file"):
            read_coefficients(tmp_path / name)


def test_pose_in_the_source_frame(tmp_path: Path) -> None:
    """Project a point by Deep3DFaceRecon's own formulas and crop, and by rho."""
    rows = ROWS * np.float32(0.05)
    np.save(tmp_path / "clip.npy", {"coeff": rows, "trans_param": CROP}, allow_pickle=True)
    found = read_coefficients(tmp_path / "clip.npy")
    camera = PerspectiveCamera(unit_per_iod=0.9, origin=(0.0, 0.2, 0.5))
    world = matrices_from_euler(rows[:, 224:227]) @ np.array(camera.origin) + rows[:, 254:257]
    in_crop = world[:, :2] * 1015 / (10 - world[:, 2:])  # from the centre, y up
    in_frame = in_crop / 0.96 + np.array([128 - 128, 120 - 128])
    assert np.allclose(found.pose_in_frame(camera)[:, 3:5] * 256, in_frame, atol=1e-3)


def test_all_shared_files(shared_data: Path) -> None:
    read = {}
    for path in sorted((shared_data / "coefficients").iterdir()):
        if path.name.startswith(("styletalk", "saas")):
            read[path.name] = read_coefficients(path)
        else:
            with pytest.raises(BadInputError, match="found"):
                read_coefficients(path)
    assert len(read) == 21
    assert all(found.crop is not None and np.abs(found.angles_rad).max() < 1.5 for found in read.values())
    first, second = read["styletalk_KristiNoem.mat"], read["saas_KristiNoem.npy"]
    assert first.expression.shape == (540, 64)
    assert np.corrcoef(first.angles_rad[:, 2], second.angles_rad[2:, 2])[0, 1] > 0.99
