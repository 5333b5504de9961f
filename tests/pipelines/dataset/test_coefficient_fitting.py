from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.coefficient_fitting import fit_recording
from pipelines.dataset.landmark_files import LandmarkFiles
from pipelines.dataset.packing import pack_part
from pipelines.dataset.part_reading import read_rows
from pipelines.dataset.request_handling import handle_request
from pipelines.face_model.basis import write_face_model
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fitting import FitSettings
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartIndex, part_path
from storage_schemas.processing_request import FitRequest
from storage_schemas.rejections import RejectionReason, Stage
from tests.factories.dataset_versions import local_store
from tests.factories.face_models import small_face_model
from tests.factories.landmark_parts import pack_landmarks
from tests.factories.staged_recordings import folder_bytes


def _fitted(folder: Path) -> tuple[PartIndex, list[float]]:
    """Pack the coefficients of two recordings, the second with a clip that is too short."""
    folder.mkdir()
    index = pack_landmarks(folder / "landmarks", {"a": (30, 25), "b": (40, 5)})
    write_face_model(folder / "model.safetensors", small_face_model())
    progress: list[float] = []
    staged = []
    for recording in index.recordings:
        staged.append(folder / f"fit-{recording.recording_id}")
        request = FitRequest(
            landmarks_folder=str(folder / "landmarks"), recording=recording, model_file=str(folder / "model.safetensors"),
            settings=FaceModelSettings(), size_px=512, out_folder=str(staged[-1]),
        )  # fmt: skip
        fit_recording(request, progress.append)
    return pack_part(Family.COEFFICIENTS, "1" * 32, staged, folder / "part"), progress


def test_coefficients_are_those_of_the_fitter(tmp_path: Path) -> None:
    index, progress = _fitted(tmp_path / "work")
    assert progress == [1.2, 2.2, 1.6, 1.8]
    files = LandmarkFiles(tmp_path / "work" / "landmarks")
    expected = ClipFitter(small_face_model(), FitSettings()).fit(files.read(files.index.recordings[1].clips[0]), 512.0)
    item = index.recordings[1].clips[0]
    with local_store(tmp_path / "store") as store:
        found = _read(store, tmp_path / "work" / "part", index)
    rows = slice(item.ranges["beta"].start, item.ranges["beta"].start + 40)
    assert {name: values.shape[0] for name, values in found.items()} == dict.fromkeys(found, 95) | {"identity": 3}
    np.testing.assert_array_equal(found["beta"][rows], expected.expression)
    np.testing.assert_array_equal(found["rho"][rows], expected.pose)
    np.testing.assert_array_equal(found["beta_raw"][rows], expected.expression_raw)
    np.testing.assert_array_equal(found["rho_raw"][rows], expected.pose_raw)
    np.testing.assert_array_equal(found["residual"][rows], expected.residual_percent_iod / np.float32(100))
    np.testing.assert_array_equal(found["flags"][rows], expected.flags)
    np.testing.assert_array_equal(found["identity"][item.ranges["identity"].start], expected.identity)
    assert item.fit is not None
    assert item.fit.error_percent_iod == pytest.approx(expected.reprojection_error_percent_iod, abs=1e-6)
    assert (item.hashes.landmarks, len(item.hashes.coefficients)) == ("", 64)


def _read(store: ManagedStore, part: Path, index: PartIndex) -> dict[str, np.ndarray]:
    store.publish_folder(part, part_path(Family.COEFFICIENTS, index.key), PART_INDEX_FILE)
    clips = [clip for recording in index.recordings for clip in recording.clips]
    names = clips[0].ranges
    spans = {name: clips[-1].ranges[name].model_copy(update={"start": 0, "count": _end(clips[-1].ranges[name])}) for name in names}
    return {name: read_rows(store, index.key, name, span) for name, span in spans.items()}


def _end(span: object) -> int:
    return span.start + span.count  # type: ignore[attr-defined]


def test_a_clip_that_is_too_short_is_rejected_and_the_others_are_not(tmp_path: Path) -> None:
    index, _ = _fitted(tmp_path / "work")
    assert [clip.clip.clip_id for recording in index.recordings for clip in recording.clips] == ["a_000", "a_001", "b_000"]
    (rejection,) = index.recordings[1].rejections
    assert (rejection.item_id, rejection.stage, rejection.reason) == ("b_001", Stage.FACE_MODEL, RejectionReason.TOO_SHORT)
    assert rejection.end_s - rejection.start_s == pytest.approx(0.2)


def test_the_same_landmarks_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        _fitted(tmp_path / name)
    assert folder_bytes(tmp_path / "one" / "part") == folder_bytes(tmp_path / "two" / "part")


def test_the_child_knows_the_request_by_its_kind(tmp_path: Path) -> None:
    index = pack_landmarks(tmp_path / "landmarks", {"a": (30,)})
    write_face_model(tmp_path / "model.safetensors", small_face_model())
    request = FitRequest(
        landmarks_folder=str(tmp_path / "landmarks"), recording=index.recordings[0], model_file=str(tmp_path / "model.safetensors"),
        settings=FaceModelSettings(), size_px=512, out_folder=str(tmp_path / "out"),
    )  # fmt: skip
    answer = handle_request(request.model_dump(mode="json"), [].append)
    assert answer == {"clips": 1, "frames": 30, "rejections": 0}
