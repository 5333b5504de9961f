import itertools

import pytest
import torch

from pipelines.models.rasterising import barycentric_weights, signed_areas, visible_triangles

SQUARE = torch.tensor([[[2.0, 2, 0], [2, 10, 0], [10, 10, 0], [10, 2, 0]]])
TWO = torch.tensor([[0, 1, 2], [0, 2, 3]])  # counter-clockwise seen with y up


def test_a_square_is_covered_without_gaps() -> None:
    numbers, depths = visible_triangles(SQUARE, TWO, 16)
    expected = torch.zeros(16, 16, dtype=torch.bool)
    expected[2:10, 2:10] = True
    assert torch.equal(numbers[0] >= 0, expected)
    assert set(numbers[0][expected].tolist()) == {0, 1}
    assert torch.isinf(depths[0][~expected]).all()


def test_triangles_that_face_away_are_not_seen() -> None:
    assert (visible_triangles(SQUARE, TWO.flip(1), 16)[0] == -1).all()


def test_the_nearest_is_seen_whatever_the_order() -> None:
    near = SQUARE.clone()
    near[..., 2] = -5
    points = torch.cat([SQUARE, near], dim=1)
    for triangles in (torch.cat([TWO, TWO + 4]), torch.cat([TWO + 4, TWO])):
        numbers, depths = visible_triangles(points, triangles, 16)
        assert (triangles[numbers[0, 3:9, 3:9].flatten()].min(dim=1).values >= 4).all()
        assert torch.allclose(depths[0, 3:9, 3:9], torch.tensor(-5.0), atol=1e-4)


def test_parts_outside_the_picture_and_outside_altogether() -> None:
    numbers, _ = visible_triangles(SQUARE + torch.tensor([-6.0, 9.0, 0.0]), TWO, 16)
    assert (numbers >= 0).sum() == 4 * 5
    assert (visible_triangles(SQUARE + 100, TWO, 16)[0] == -1).all()


def test_large_and_tiny_triangles() -> None:
    large = torch.tensor([[[-50.0, -50, 0], [-50, 200, 0], [200, -50, 0]]])
    assert (visible_triangles(large, torch.tensor([[0, 1, 2]]), 32)[0] == 0).all()
    tiny = torch.tensor([[[5.3, 5.3, 0], [5.4, 5.7, 0], [5.7, 5.4, 0]]])
    found = visible_triangles(tiny, torch.tensor([[0, 1, 2]]), 32)[0]
    assert (found >= 0).sum() == 1
    assert found[0, 5, 5] == 0


def test_weights() -> None:
    corners = torch.tensor([[0.0, 0], [0, 4], [4, 0]])
    area = signed_areas(torch.nn.functional.pad(corners, (0, 1))[None], torch.tensor([[0, 1, 2]]))[0, 0]
    assert area == -16
    place = torch.tensor([1.0, 2.0])
    weights = barycentric_weights(corners, area, place)
    assert torch.allclose(weights @ corners, place)
    assert weights.sum() == 1


def test_every_pixel_has_the_nearest_triangle_that_holds_its_centre() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, 24, 3, generator=generator, dtype=torch.float64) * 24 - 4
    points[1] = points[1].round()  # level and upright sides, corners that triangles share
    triangles = torch.randint(0, 24, (40, 3), generator=generator)

    numbers, depths = visible_triangles(points, triangles, 16)

    for batch, row, column in itertools.product(range(2), range(16), range(16)):
        corners = points[batch][triangles]
        place = torch.tensor([column + 0.5, row + 0.5], dtype=torch.float64).expand(len(triangles), 2)
        area = signed_areas(points[batch : batch + 1], triangles)[0]
        weights = barycentric_weights(corners[..., :2], torch.where(area < 0, area, -1.0), place)
        holds = (weights >= -1e-5).all(dim=-1) & (area < 0)
        depth = torch.where(holds, (weights * corners[..., 2]).sum(dim=-1), torch.inf)
        assert (int(numbers[batch, row, column]) >= 0) == bool(holds.any())
        if holds.any():
            assert depth[numbers[batch, row, column]] == pytest.approx(float(depth.min()), abs=1e-6)
            assert float(depths[batch, row, column]) == pytest.approx(float(depth.min()), abs=1e-6)
