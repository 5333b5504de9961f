import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_model.accumulation import ExpressionSums, ShapeSums
from pipelines.face_model.alignment import rigid_weights
from pipelines.face_model.identity_prior import similarity_motions
from pipelines.face_model.learning import ExpressionPass, ShapePass, speaker_bases
from pipelines.face_model.learning_settings import LearningSettings
from storage_schemas.errors import BadInputError
from tests.factories.face_landmarks import invented_clip
from tests.factories.face_models import learned_from, small_face_model

SETTINGS = LearningSettings()
CLIPS = [(invented_clip(40 + 7 * seed, seed, speaker=seed % 3, noise=0.0003).landmarks_px, f"S{seed % 3}") for seed in range(7)]
Groups = list[list[tuple[NDArray[np.float32], str]]]


def _summed_in_parts(groups: Groups, folder: Path) -> bytes:
    """Return the sums of groups of clips, each group summed and stored on its own, merged in the order given."""
    shapes = ShapeSums()
    for number, group in enumerate(groups):
        first = ShapePass(SETTINGS)
        for landmarks, speaker in group:
            first.add(landmarks, speaker)
        (folder / f"shape{number}").write_bytes(first.sums.to_bytes())
        shapes.merge(ShapeSums.read(folder / f"shape{number}"))
    bases, total = speaker_bases(shapes), ExpressionSums()
    for number, group in enumerate(groups):
        second = ExpressionPass(bases, SETTINGS)
        for landmarks, speaker in group:
            second.add(landmarks, speaker)
        (folder / f"expression{number}").write_bytes(second.sums.to_bytes())
        total.merge(ExpressionSums.read(folder / f"expression{number}"))
    return shapes.to_bytes() + total.to_bytes()


def test_same_sums_however_clips_are_split_and_ordered(tmp_path: Path) -> None:
    whole = _summed_in_parts([CLIPS], tmp_path)
    assert _summed_in_parts([[clip] for clip in reversed(CLIPS)], tmp_path) == whole
    assert _summed_in_parts([CLIPS[4:], [], CLIPS[1:4], CLIPS[:1]], tmp_path) == whole


_CHILD = """
import sys
from tests.pipelines.face_model.test_learning import CLIPS
from tests.factories.face_models import learned_from
sys.stdout.write(learned_from(CLIPS).model_id)
"""


def test_same_id_with_one_thread_and_with_two() -> None:
    ids = {
        subprocess.run(
            [sys.executable, "-c", _CHILD], env={"OPENBLAS_NUM_THREADS": threads, "PATH": ""}, capture_output=True, check=True, text=True
        ).stdout
        for threads in ("1", "2")
    }
    assert len(ids) == 1
    assert next(iter(ids)).startswith("learned-")


def test_identities_and_expressions_are_found() -> None:
    model = learned_from(CLIPS)
    assert model.meta["speakers"] == 3
    assert model.meta["frames"] == sum(len(landmarks) for landmarks, _ in CLIPS)
    assert model.meta["expression_variance_64"] > 0.99
    assert np.linalg.norm(model.mean[33] - model.mean[263]) == pytest.approx(1, abs=1e-6)
    assert np.abs(model.mean[33] + model.mean[263]).max() < 1e-6
    # the mean face lies between the speakers, and identity directions carry no rotation, shift or growth of the head
    motions = similarity_motions(model.mean.astype(np.float64)) * np.repeat(rigid_weights(), 3)[:, None]
    assert np.abs(motions.T @ model.identity_basis.reshape(-1, 80)).max() < 1e-4


def test_expression_directions_are_orthonormal_in_the_metric() -> None:
    model = small_face_model()
    weighted = model.expression_basis * np.sqrt([1, 1, SETTINGS.depth_weight]).astype(np.float32)[:, None]
    gram = weighted.reshape(-1, 64).T @ weighted.reshape(-1, 64)
    assert np.abs(gram - np.eye(64)).max() < 1e-4
    assert (np.diff(model.expression_stddevs) <= 0).all()


def test_missing_and_turned_frames_are_left_out() -> None:
    landmarks = invented_clip(60, 1).landmarks_px.copy()
    landmarks[10:15] = np.nan
    first = ShapePass(SETTINGS)
    first.add(landmarks, "S")
    first.add(invented_clip(60, 2, turn_rad=1.2).landmarks_px, "S")
    first.add(np.full((5, 478, 3), 7.0, np.float32), "S")  # all points in one place
    assert 60 < first.sums.frames["S"] < 100
    assert first.sums.frames["S"] + first.sums.frames_left_out == 125


def test_long_clips_are_sampled() -> None:
    first = ShapePass(LearningSettings(frames_per_clip=20))
    first.add(invented_clip(90, 1).landmarks_px, "S")
    assert first.sums.frames == {"S": 20}


def test_too_few_frames() -> None:
    with pytest.raises(BadInputError, match=r"needs at least 128 frames .* found 40"):
        learned_from([(invented_clip(40, 1).landmarks_px, "S")])


def test_wrong_shape() -> None:
    with pytest.raises(ValueError, match=r"landmarks must be \(frames, 478, 3\), got \(40, 468, 3\)"):
        ShapePass(SETTINGS).add(np.zeros((40, 468, 3), np.float32), "S")


def test_reading_sums_of_the_other_pass(tmp_path: Path) -> None:
    (tmp_path / "sums").write_bytes(ShapePass(SETTINGS).sums.to_bytes())
    with pytest.raises(BadInputError, match="expected face model sums of kind 'expression', found 'shape'"):
        ExpressionSums.read(tmp_path / "sums")
    (tmp_path / "text").write_text("text")
    with pytest.raises(BadInputError, match="not a readable file"):
        ShapeSums.read(tmp_path / "text")
