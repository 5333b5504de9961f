import dataclasses
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.face_model.basis import FaceModel, face_model_bytes, read_face_model, write_face_model
from storage_schemas.errors import BadInputError
from tests.factories.face_models import small_face_model


@pytest.fixture
def model() -> FaceModel:
    return small_face_model()


def test_stored_and_read_again(model: FaceModel, tmp_path: Path) -> None:
    write_face_model(tmp_path / "model.safetensors", model)
    again = read_face_model(tmp_path / "model.safetensors")
    assert again.model_id == model.model_id
    assert again.meta == model.meta
    assert np.array_equal(again.expression_basis, model.expression_basis)
    assert face_model_bytes(again) == face_model_bytes(model) == (tmp_path / "model.safetensors").read_bytes()


def test_id_depends_on_content(model: FaceModel) -> None:
    changed = np.array(model.mean)
    changed[0, 0] = np.nextafter(changed[0, 0], np.float32(10))
    assert dataclasses.replace(model, mean=changed).model_id != model.model_id
    assert dataclasses.replace(model, meta={"speakers": 2}).model_id != model.model_id
    assert dataclasses.replace(model).model_id == model.model_id
    assert model.model_id.startswith("learned-")


def test_shape_is_linear(model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    identity, expression = rng.normal(size=80), rng.normal(size=(5, 64))
    faces = model.shape(identity, expression)
    assert faces.shape == (5, 478, 3)
    expected = model.mean + model.identity_basis @ identity + model.expression_basis @ expression[3]
    assert np.allclose(faces[3], expected, atol=1e-5)


def test_arrays_are_read_only(model: FaceModel) -> None:
    with pytest.raises(ValueError, match="read-only"):
        model.mean[0, 0] = 1


def test_wrong_arrays_are_all_named(model: FaceModel) -> None:
    with pytest.raises(ValueError, match=r"identity_basis must be .* expression_stddevs must be") as caught:
        dataclasses.replace(model, identity_basis=np.zeros((5, 3, 80), np.float32), expression_stddevs=np.ones(63, np.float32))
    assert "(478, 3, 80), got (5, 3, 80)" in str(caught.value)
    with pytest.raises(ValueError, match="mean must be float32"):
        dataclasses.replace(model, mean=np.zeros((478, 3)))
    with pytest.raises(ValueError, match="pose_weights must be finite"):
        dataclasses.replace(model, pose_weights=np.full(478, np.nan, np.float32))


def test_reading_something_else(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not a readable face model"):
        read_face_model(tmp_path / "missing.safetensors")
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(BadInputError, match="not a readable face model"):
        read_face_model(tmp_path / "text")
    save_file({"mean": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(BadInputError, match=r"not of a face model: missing \['expression_basis'"):
        read_face_model(tmp_path / "other")
