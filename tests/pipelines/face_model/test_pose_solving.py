import numpy as np
import pytest

from pipelines.face_model.pose_solving import solve_pose
from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import FloatArray, matrices_from_euler

RNG = np.random.default_rng(0)


def _case(frames: int, depth_noise: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    shape = load_reference_face().points - load_reference_face().points.mean(axis=0)
    rotations = matrices_from_euler(RNG.uniform(-0.6, 0.6, (frames, 3)))
    scales = RNG.uniform(50, 500, frames)
    seen = scales[:, None, None] * (shape @ rotations.transpose(0, 2, 1))
    seen[..., 2] += RNG.normal(size=seen.shape[:2]) * depth_noise * scales[:, None]
    return seen.transpose(0, 2, 1) @ shape, shape.T @ shape, rotations, scales


@pytest.mark.parametrize("depth_weight", [0.0, 0.1, 1.0])
def test_exact_landmarks_give_the_exact_pose(depth_weight: float) -> None:
    image, shape, rotations, scales = _case(40, 0.0)
    found, size = solve_pose(image, shape, depth_weight)
    assert np.allclose(found, rotations, atol=1e-9)
    assert np.allclose(size, scales)


def test_wrong_depth_does_not_matter_without_weight() -> None:
    image, shape, rotations, _ = _case(40, 0.3)
    assert np.allclose(solve_pose(image, shape, 0.0)[0], rotations, atol=1e-8)


def test_frames_do_not_depend_on_each_other() -> None:
    image, shape, _, _ = _case(9, 0.1)
    together = solve_pose(image, shape, 0.1)
    alone = [solve_pose(image[k : k + 1], shape, 0.1) for k in range(9)]
    assert all(np.array_equal(together[0][k], alone[k][0][0]) and together[1][k] == alone[k][1][0] for k in range(9))
