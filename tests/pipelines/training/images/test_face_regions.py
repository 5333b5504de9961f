from __future__ import annotations

import numpy as np
import torch

from pipelines.face_model.landmark_points import OUTER_LIPS, RIGHT_LIDS
from pipelines.training.images.face_regions import emphasis, face_openings, region_boxes, region_masks
from tests.factories.face_landmarks import invented_clip


def test_boxes_hold_their_landmarks_with_a_margin() -> None:
    landmarks = invented_clip(12, 3).landmarks_px
    boxes = region_boxes(landmarks)
    assert boxes.shape == (12, 3, 4)
    for region, points in ((0, RIGHT_LIDS), (2, OUTER_LIPS)):
        chosen = landmarks[:, list(points), :2]
        assert (chosen.min(axis=1) > boxes[:, region, :2]).all()
        assert (chosen.max(axis=1) < boxes[:, region, 2:]).all()


def test_undetected_faces_have_no_regions() -> None:
    boxes = torch.from_numpy(region_boxes(np.full((2, 478, 3), np.nan, np.float32)))
    assert region_masks(boxes, 16).sum() == 0
    assert torch.equal(emphasis(boxes, 16, 5.0), torch.ones(2, 1, 16, 16))


def test_masks_are_the_pixels_whose_centres_are_inside() -> None:
    boxes = torch.tensor([[[0.0, 0.0, 0.25, 0.5], [0.5, 0.5, 0.5, 0.5], [0.9, 0.9, 2.0, 2.0]]])
    masks = region_masks(boxes, 4)
    assert masks[0, 0].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert masks[0, 1].sum() == 0
    assert masks[0, 2].sum() == 0
    assert emphasis(boxes, 4, 5.0)[0, 0, 0].tolist() == [5, 1, 1, 1]


def test_openings_are_in_shares_of_the_face() -> None:
    landmarks = invented_clip(12, 3).landmarks_px
    eyes, mouth = face_openings(landmarks)
    twice = face_openings(2 * landmarks)
    assert np.allclose(eyes, twice[0], atol=1e-5)
    assert np.allclose(mouth, twice[1], atol=1e-5)
    assert ((eyes > 0) & (eyes < 1)).all()
