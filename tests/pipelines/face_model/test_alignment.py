import numpy as np

from pipelines.face_model.alignment import STEPS_PER_UNIT, ShapeAligner, rigid_weights
from pipelines.face_model.camera import project
from pipelines.face_model.learning import reference_steps
from pipelines.face_model.reference import load_reference_face
from tests.factories.face_landmarks import invented_clip

ALIGNER = ShapeAligner(reference_steps(), 0.1, np.deg2rad(35))


def test_a_moved_reference_face_comes_back() -> None:
    rng = np.random.default_rng(0)
    pose = np.concatenate([rng.uniform(-0.4, 0.4, (30, 3)), rng.uniform(-0.1, 0.1, (30, 2)), rng.uniform(0.1, 0.4, (30, 1))], axis=1)
    landmarks = project(load_reference_face().points, pose, 512.0).astype(np.float32)
    aligned = ALIGNER.align(landmarks)
    assert aligned.kept.all()
    assert np.abs(aligned.steps).max() / STEPS_PER_UNIT < 1e-4


def test_frames_do_not_depend_on_each_other() -> None:
    landmarks = invented_clip(33, 0, noise=0.003).landmarks_px
    together = ALIGNER.align(landmarks).steps
    assert np.array_equal(together, np.concatenate([ALIGNER.align(landmarks[k : k + 1]).steps for k in range(33)]))
    assert np.array_equal(together[::-1], ALIGNER.align(landmarks[::-1]).steps)


def test_steps_are_whole() -> None:
    steps = ALIGNER.align(invented_clip(5, 0, noise=0.003).landmarks_px).steps
    assert np.array_equal(steps, np.rint(steps))


def test_no_frames() -> None:
    assert ALIGNER.align(np.zeros((0, 478, 3), np.float32)).steps.shape == (0, 1434)
    assert not ALIGNER.align(np.full((3, 478, 3), np.nan, np.float32)).kept.any()


def test_rigid_weights_leave_out_what_moves() -> None:
    weights = rigid_weights()
    assert abs(weights.sum() - 1) < 1e-12
    assert weights[[468, 473, 152, 17, 14]].max() == 0  # irises, chin, lips
    assert weights[[168, 10, 234, 33]].min() > 0.5 / 478
