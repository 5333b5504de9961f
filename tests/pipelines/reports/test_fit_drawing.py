import cv2
import numpy as np
import pytest

from pipelines.face_model.geometry import mesh_in_crop
from pipelines.reports.fit_drawing import MODE_SIDE_PX, OVERLAY_SIDE_PX, mesh_overlay_jpeg, mode_jpeg
from tests.factories.face_models import small_face_model
from tests.factories.report_tables import plain_crop_jpeg


def _picture(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)


def _mesh(x: float, y: float, scale: float = 0.2) -> np.ndarray:
    return mesh_in_crop(small_face_model(), np.zeros(80), np.zeros(64), np.array([0.0, 0, 0, x, y, scale]), 1.0)


def test_the_mesh_fills_the_picture_wherever_the_face_is() -> None:
    for place in ((0.0, 0.0), (-0.2, 0.1)):
        picture = _picture(mesh_overlay_jpeg(plain_crop_jpeg(), _mesh(*place), small_face_model()))
        assert picture.shape == (OVERLAY_SIDE_PX, OVERLAY_SIDE_PX, 3)
        lined = np.abs(picture - 128).max(axis=2) > 24
        rows, columns = np.flatnonzero(lined.any(axis=1)), np.flatnonzero(lined.any(axis=0))
        assert np.ptp(rows) > 0.6 * OVERLAY_SIDE_PX
        assert abs(columns.mean() - OVERLAY_SIDE_PX / 2) < 8


def test_a_mesh_partly_or_wholly_outside_is_drawn_as_far_as_it_is_seen() -> None:
    for mesh in (_mesh(0.45, 0.0, 0.5), _mesh(30.0, 0.0), _mesh(0.0, 0.0, 1e-6)):
        assert _picture(mesh_overlay_jpeg(plain_crop_jpeg(), mesh, small_face_model())).shape[0] == OVERLAY_SIDE_PX


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a JPEG to draw a mesh on, found 4 bytes"):
        mesh_overlay_jpeg(b"text", _mesh(0, 0), small_face_model())


def test_a_mode_changes_the_face_both_ways() -> None:
    model = small_face_model()
    mean, minus, plus = (_picture(mode_jpeg(model, 0, stddevs)) for stddevs in (0.0, -2.5, 2.5))
    assert mean.shape == (MODE_SIDE_PX, MODE_SIDE_PX, 3)
    assert all(np.abs(other - mean).max() > 40 for other in (minus, plus))
    assert np.abs(minus - plus).max() > 40
    assert mode_jpeg(model, 0, 2.5) == mode_jpeg(model, 0, 2.5)
