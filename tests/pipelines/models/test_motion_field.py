import numpy as np
import pytest
import torch

from pipelines.face_model.geometry import mesh_in_crop, surface_triangles
from pipelines.face_model.rotations import matrices_from_euler
from pipelines.models.motion_field import FaceCoefficients, FaceMotion, extend_motion, rotation_matrices, warp
from tests.factories.face_models import small_face_model

SIZE = 64
DTYPE = torch.float64


def _motion_model(dtype: torch.dtype = DTYPE, size: int = SIZE) -> FaceMotion:
    model = small_face_model()
    arrays = [torch.tensor(array, dtype=dtype) for array in (model.mean, model.identity_basis, model.expression_basis)]
    return FaceMotion(*arrays, torch.tensor(surface_triangles(model)), size)


def _face(seed: int, yaw: float = 0.0, batch: int = 1, dtype: torch.dtype = DTYPE) -> FaceCoefficients:
    model, rng = small_face_model(), np.random.default_rng(seed)
    identity = rng.normal(size=(batch, 80)) * model.identity_stddevs * 0.5
    expression = rng.normal(size=(batch, 64)) * model.expression_stddevs * 0.5
    pose = np.array([0.05, yaw, -0.03, 0.01, 0.02, 0.4]) + rng.normal(0, 0.01, (batch, 6))
    return FaceCoefficients(*(torch.tensor(part, dtype=dtype) for part in (identity, expression, pose)))


def test_projection_agrees_with_numpy() -> None:
    face = _face(1, 0.3, batch=3)
    expected = mesh_in_crop(small_face_model(), *(part.numpy() for part in face), float(SIZE))
    assert np.allclose(_motion_model().project(face).numpy(), expected, atol=1e-9)
    angles = torch.randn(5, 3, dtype=DTYPE)
    assert np.allclose(rotation_matrices(angles).numpy(), matrices_from_euler(angles.numpy()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_coefficients_give_no_motion(dtype: torch.dtype) -> None:
    face = _face(2, 0.2, batch=2, dtype=dtype)
    fields = _motion_model(dtype, 128)(face, face)
    assert float(fields.motion.abs().max()) == 0.0
    assert fields.covered.float().mean() > 0.1
    assert torch.equal(fields.covered & fields.visible, fields.visible)
    assert fields.visible.sum() > 0.95 * fields.covered.sum()


def test_motion_of_a_shift_is_the_shift() -> None:
    source = _face(3)
    target = FaceCoefficients(source.identity, source.expression, source.pose + torch.tensor([0, 0, 0, 5 / SIZE, -3 / SIZE, 0]))
    fields = _motion_model()(source, target)
    moved = fields.motion.permute(0, 2, 3, 1)[fields.covered]
    assert torch.allclose(moved, torch.tensor([-5.0, -3.0], dtype=DTYPE).expand_as(moved), atol=1e-9)
    assert (fields.motion.permute(0, 2, 3, 1)[~fields.known] == 0).all()


def test_warping_carries_a_painted_face_to_the_target() -> None:
    """The source is painted with the model coordinates of its own surface; warped, they lie where the target's are."""
    motion_model = _motion_model(size=128)
    source, target = _face(4, -0.15), _face(5, 0.15)
    source = FaceCoefficients(target.identity, source.expression, source.pose)
    mean = motion_model.mean
    paint = [_painted(motion_model, face, mean[:, :2]) for face in (source, target)]
    fields = motion_model(source, target)
    difference = (warp(paint[0], fields.motion) - paint[1]).abs().amax(dim=1)
    assert difference[fields.visible].quantile(0.9) < 0.02
    assert (paint[0] - paint[1]).abs().amax(dim=1)[fields.visible].median() > 0.05


def _painted(motion_model: FaceMotion, face: FaceCoefficients, values: torch.Tensor) -> torch.Tensor:
    """Return (1, 2, size, size) vertex values drawn on the face: where its pixels lie on a flat face seen from the front."""
    size = motion_model.size_px
    flat = FaceMotion(
        torch.cat([values, torch.zeros_like(values[:, :1])], dim=1),
        torch.zeros_like(motion_model.identity_basis),
        torch.zeros_like(motion_model.expression_basis),
        motion_model.triangles,
        size,
    )
    mixed = _MixedMotion(flat, motion_model)
    identity_pose = torch.tensor([[0, 0, 0, 0, 0, 1.0]], dtype=DTYPE)
    fields = mixed(FaceCoefficients(face.identity, face.expression, identity_pose), face)
    centres = torch.arange(size, dtype=DTYPE) + 0.5
    row, column = torch.meshgrid(centres, centres, indexing="ij")
    places = fields.motion[0] + torch.stack([column, row])
    return torch.stack([places[0] / size - 0.5, 0.5 - places[1] / size])[None] * fields.covered[:, None]


class _MixedMotion(FaceMotion):
    """Projects the source by one model and the target by another."""

    def __init__(self, first: FaceMotion, second: FaceMotion) -> None:
        super().__init__(second.mean, second.identity_basis, second.expression_basis, second.triangles, second.size_px)
        self.first = first
        self.calls = 0

    def project(self, face: FaceCoefficients) -> torch.Tensor:
        self.calls += 1
        return self.first.project(face) if self.calls == 1 else super().project(face)


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("side", range(2))
def test_gradients_agree_with_finite_differences(part: int, side: int) -> None:
    motion_model = _motion_model()
    faces = [list(_face(6, -0.2)), list(_face(7, 0.1))]
    weights = torch.randn(1, 2, SIZE, SIZE, dtype=DTYPE, generator=torch.Generator().manual_seed(0))

    def total(value: torch.Tensor) -> torch.Tensor:
        chosen = [list(face) for face in faces]
        chosen[side][part] = value
        source, target = (FaceCoefficients(*face) for face in chosen)
        return (motion_model(source, target).motion * weights).sum()

    value = faces[side][part].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(value), value)
    direction = torch.randn(value.shape, dtype=DTYPE, generator=torch.Generator().manual_seed(1))
    step = 1e-7 * direction
    with torch.no_grad():
        difference = (total(value + step) - total(value - step)) / 2e-7
    # the pixels that change triangle within such a step are none or one
    assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=1e-4, abs=1e-3)


def test_gradient_at_equal_coefficients_is_finite() -> None:
    face = _face(8)
    pose = face.pose.clone().requires_grad_()
    motion = _motion_model()(face, FaceCoefficients(face.identity, face.expression, pose)).motion
    (gradient,) = torch.autograd.grad((motion**2).sum() + motion.sum(), pose)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 1


def test_a_batch_is_its_faces_one_by_one() -> None:
    motion_model = _motion_model()
    source, target = _face(9, -0.1, batch=3), _face(10, 0.2, batch=3)
    together = motion_model(source, target)
    for k in range(3):
        alone = motion_model(*(FaceCoefficients(*(part[k : k + 1] for part in face)) for face in (source, target)))
        assert torch.allclose(alone.motion[0], together.motion[k], atol=1e-9)
        assert torch.equal(alone.covered[0], together.covered[k])


def test_hidden_and_stretched_parts_are_not_visible() -> None:
    motion_model = _motion_model(size=128)
    front, turned = _face(11, 0.0), _face(11, 0.9)
    far = motion_model(turned, front)  # half of the face cannot be seen in the source
    near = motion_model(front, front)
    assert far.visible.sum() < 0.85 * near.visible.sum()
    right_half = torch.zeros_like(far.covered)
    right_half[..., 64:] = True  # the nose points there: that side is turned away
    assert far.visible[right_half].sum() < 0.7 * far.visible[~right_half].sum()


def test_motion_beyond_the_face() -> None:
    source, target = _face(12, -0.1), _face(12, 0.15)
    fields = _motion_model()(source, target)
    extended = extend_motion(fields.motion, fields.known)
    assert torch.equal(extended.permute(0, 2, 3, 1)[fields.known], fields.motion.permute(0, 2, 3, 1)[fields.known])
    edge = torch.zeros_like(fields.covered)
    edge[:, -8:, 0], edge[:, -8:, -1] = True, True
    edge[:, -1, :6], edge[:, -1, -6:] = True, True
    assert extended.permute(0, 2, 3, 1)[edge & ~fields.known].abs().max() == 0  # shoulders stay
    assert extended[..., 0, :].abs().max() > 0  # hair moves with the head
    jump = (extended[..., 1:] - extended[..., :-1]).abs().amax()
    assert jump < (fields.motion[..., 1:] - fields.motion[..., :-1]).abs().amax()
    loose = extend_motion(fields.motion, fields.known, still_border=False)
    assert loose[..., 0, 0].abs().max() > 0
    nothing = torch.zeros_like(fields.covered)
    assert torch.isfinite(extend_motion(fields.motion, nothing, still_border=False)).all()


def test_the_outline_of_a_head_lies_behind_the_face_and_moves_with_it() -> None:
    source, size = _face(14, 0.0), 64
    fields = _motion_model(size=size)(source, source._replace(pose=source.pose + source.pose.new_tensor([0, 0.2, 0, 0, 0, 0])))
    across, beyond = fields.motion[:, 0], fields.known & ~fields.covered
    assert beyond.sum() > 20
    nearest = across[fields.covered].abs().max()
    nose = across[fields.covered][across[fields.covered].abs().argmax()]
    assert across[beyond].mean() * nose < 0  # turned about the eyes, what lies behind them goes the other way
    assert across[beyond].abs().mean() < 1.5 * nearest
    shifted = source._replace(pose=source.pose + source.pose.new_tensor([0, 0, 0, 0.05, 0, 0]))
    moved = _motion_model(size=size)(source, shifted)
    assert torch.allclose(moved.motion[:, 0][moved.known], moved.motion.new_tensor(-0.05 * size), atol=1e-3)
