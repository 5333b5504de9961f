from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.rendering.portrait_frame import FacePlace
from pipelines.rendering.portrait_preparation import Portrait, prepare_portrait, require_face
from storage_schemas.errors import BadInputError
from tests.factories.face_frames import background, frame_with_faces
from tests.factories.face_models import small_face_model

FACE = frame_with_faces(320, 300, [(160, 150, 120)])


def prepared(path: Path, size_px: int = 128, place: FacePlace | None = None) -> Portrait:
    return prepare_portrait(path, small_face_model(), size_px, place)


def write(path: Path, rgb: np.ndarray, **options: object) -> Path:
    Image.fromarray(rgb).save(path, **options)
    return path


def difference(one: Portrait, other: Portrait) -> float:
    return float(np.abs(one.rgb.astype(float) - other.rgb.astype(float)).mean())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Portrait:
    return prepared(write(tmp_path_factory.mktemp("plain") / "face.png", FACE))


def test_a_portrait_has_everything_that_a_generator_wants(plain: Portrait) -> None:
    model = small_face_model()

    assert plain.rgb.shape == (128, 128, 3)
    assert plain.rgb.dtype == np.uint8
    assert (plain.beta.shape, plain.rho.shape, plain.landmarks.shape) == ((64,), (6,), (478, 3))
    assert plain.identity.shape == (len(model.identity_stddevs),)
    assert plain.face_model == model.model_id
    assert plain.landmarks[:, :2].min() > 0
    assert plain.landmarks[:, :2].max() < 128
    assert plain.summary()["name"] == "face.png"


def test_without_a_place_it_is_what_a_dataset_build_cuts_out(plain: Portrait) -> None:
    assert plain.window == plain.dataset_window
    np.testing.assert_allclose(plain.dataset_rho, plain.rho)


def test_the_face_lies_where_it_is_wanted(tmp_path: Path) -> None:
    place = FacePlace(0.0, 0.15, 0.385)

    portrait = prepared(write(tmp_path / "face.png", FACE), place=place)

    np.testing.assert_allclose(portrait.rho[3:], [place.x, place.y, place.scale], atol=0.01)
    np.testing.assert_allclose(portrait.placed(portrait.dataset_rho), portrait.rho, atol=1e-6)
    # The outer eye corners, seen nearly from the front, are where rho says.
    corners = portrait.landmarks[[33, 263], :2]
    np.testing.assert_allclose(corners.mean(axis=0) / 128, [0.5, 0.5 - 0.15], atol=0.03)
    assert np.linalg.norm(corners[1] - corners[0]) / 128 == pytest.approx(0.385, abs=0.03)


def test_grey_alpha_and_sixteen_bits_give_the_same_portrait(tmp_path: Path, plain: Portrait) -> None:
    grey = cv2.cvtColor(FACE, cv2.COLOR_RGB2GRAY)
    rgba = np.dstack([FACE, np.full(FACE.shape[:2], 255, np.uint8)])
    sixteen = write(tmp_path / "grey16.png", grey.astype(np.uint16) * 257)
    colour = tmp_path / "colour16.png"
    cv2.imwrite(str(colour), FACE[..., ::-1].astype(np.uint16) * 257)

    assert difference(prepared(write(tmp_path / "rgba.png", rgba)), plain) == 0
    assert difference(prepared(colour), plain) < 1
    for path in (write(tmp_path / "grey.png", grey), sixteen):
        portrait = prepared(path)
        assert np.ptp(portrait.rgb, axis=2).max() == 0
        np.testing.assert_allclose(portrait.rho, plain.rho, atol=0.03)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_rotation_of_the_camera_is_undone(tmp_path: Path, plain: Portrait, orientation: int) -> None:
    turned = np.ascontiguousarray(np.rot90(FACE, {3: 2, 6: 1, 8: 3}[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation

    portrait = prepared(write(tmp_path / "turned.png", turned, exif=exif))

    assert difference(portrait, plain) < 1


def test_a_picture_that_lies_on_its_side_is_put_upright(tmp_path: Path, plain: Portrait) -> None:
    portrait = prepared(write(tmp_path / "side.png", np.ascontiguousarray(np.rot90(FACE))))

    assert difference(portrait, plain) < 1
    assert abs(portrait.rho[2]) < 0.3


def test_a_very_wide_picture(tmp_path: Path, plain: Portrait) -> None:
    large = cv2.resize(FACE, (8000, 7500), interpolation=cv2.INTER_LINEAR)

    portrait = prepared(write(tmp_path / "large.jpg", large, quality=85))

    np.testing.assert_allclose(portrait.rho[:3], plain.rho[:3], atol=0.08)
    assert portrait.window.size_px > 25 * plain.window.size_px * 0.9


def test_a_face_that_fills_the_picture(tmp_path: Path) -> None:
    portrait = prepared(write(tmp_path / "close.png", frame_with_faces(300, 300, [(150, 160, 270)])))

    assert portrait.edge_share > 0.2


@pytest.mark.parametrize(
    ("rgb", "message"),
    [
        (background(300, 300), "expected a face, found none in 300 x 300 px"),
        (frame_with_faces(600, 320, [(150, 160, 120), (450, 160, 110)]), "expected one face, found another"),
        (frame_with_faces(320, 300, [(160, 150, 38)]), "expected a face"),
        (np.zeros((9, 9, 3), np.uint8), "expected sides of 16 to 8192 px, found 9 x 9"),
    ],
    ids=["none", "two", "small", "tiny picture"],
)
def test_what_cannot_be_used_is_named_with_a_remedy(tmp_path: Path, rgb: np.ndarray, message: str) -> None:
    path = write(tmp_path / "picture.png", rgb)

    with pytest.raises(BadInputError, match=message) as caught:
        prepared(path)

    assert str(path) in str(caught.value)
    assert ";" in str(caught.value)


def test_a_face_of_forty_pixels_is_too_small(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"at least 48 px high, found 4\d px; give a larger picture"):
        prepared(write(tmp_path / "small.png", frame_with_faces(240, 240, [(120, 120, 42)])))


@pytest.mark.parametrize(("data", "message"), [(b"not a picture", "JPEG, PNG"), (b"", "another picture")])
def test_what_is_no_picture(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(data)

    with pytest.raises(BadInputError, match=message):
        prepared(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nothing\.png"):
        prepared(tmp_path / "nothing.png")


def test_surroundings_go_with_a_portrait(tmp_path: Path) -> None:
    path = write(tmp_path / "face.png", FACE)
    alone = prepared(path, place=FacePlace(0.0, 0.15, 0.385))
    surrounded = prepared(path, place=FacePlace(0.0, 0.15, 0.385, 1 / 8))

    assert surrounded.surrounded.shape == (160, 160, 3)
    assert surrounded.window == alone.window
    assert difference(surrounded, alone) < 1


def test_a_face_is_looked_for_before_there_is_a_face_model(tmp_path: Path) -> None:
    require_face(write(tmp_path / "face.png", FACE))
    with pytest.raises(BadInputError, match="expected a face"):
        require_face(write(tmp_path / "wall.png", background(200, 200)))
