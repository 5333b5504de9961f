from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_tracking.scene_cuts import FLASH_FRAMES, CutDetector
from pipelines.face_tracking.tracking_region import Region
from tests.factories.face_frames import frame_with_faces

SCENE = frame_with_faces(320, 180, [(160, 90, 60)], 0)
OTHER_SCENE = frame_with_faces(320, 180, [(160, 90, 60)], 1)
WHITE = np.full_like(SCENE, 255)
REGION = Region(60, 0, 200, 180)


def shots(frames: list[NDArray[np.uint8]], region: Region | None = REGION) -> list[int]:
    """Return the slots at which shots begin; checks that every frame comes out once, in order."""
    detector = CutDetector()
    detector.watch(region)
    decided = [frame for slot, rgb in enumerate(frames) for frame in detector.feed(slot, rgb)] + detector.flush()
    assert [frame.slot for frame in decided] == list(range(len(frames)))
    assert all(frame.rgb is frames[frame.slot] for frame in decided)
    return [frame.slot for frame in decided if frame.begins_shot]


def bright_patch(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgb = rgb.copy()
    rgb[:100, 150:] = 255
    return rgb


@pytest.mark.parametrize("region", [REGION, None])
def test_cut_is_found_at_its_frame(region: Region | None) -> None:
    assert shots([SCENE] * 6 + [OTHER_SCENE] * 8, region) == [0, 6]


def test_two_cuts_shorter_apart_than_a_flash_are_both_found() -> None:
    third = frame_with_faces(320, 180, [(100, 100, 50)], 2)
    assert shots([SCENE] * 6 + [OTHER_SCENE] * 2 + [third] * 8) == [0, 6, 8]


@pytest.mark.parametrize("frames", range(1, FLASH_FRAMES + 1))
@pytest.mark.parametrize("flash", [WHITE, np.zeros_like(SCENE), bright_patch(SCENE), (SCENE // 2 + 127)])
def test_flash_is_no_cut(frames: int, flash: NDArray[np.uint8]) -> None:
    assert shots([SCENE] * 6 + [flash] * frames + [SCENE] * 6) == [0]


def test_change_that_lasts_is_a_cut() -> None:
    assert shots([SCENE] * 6 + [WHITE] * (FLASH_FRAMES + 1) + [SCENE] * 6) == [0, 6, 6 + FLASH_FRAMES + 1]


def test_change_at_the_very_end_is_a_cut() -> None:
    assert shots([SCENE] * 6 + [OTHER_SCENE]) == [0, 6]


def test_moving_head_is_no_cut() -> None:
    assert shots([frame_with_faces(320, 180, [(160 + 40 * np.sin(0.3 * k), 90, 60)]) for k in range(20)]) == [0]


def test_dimming_light_is_no_cut() -> None:
    assert shots([(SCENE * (1 - 0.04 * k)).astype(np.uint8) for k in range(20)]) == [0]


def test_change_beside_the_face_is_no_cut_and_change_around_it_is() -> None:
    beside, around = SCENE.copy(), SCENE.copy()
    beside[:, :100] = OTHER_SCENE[:, ::-1][:, :100]
    around[:, 100:220] = OTHER_SCENE[:, 100:220]
    around[:, 100:220] = around[:, 100:220][:, ::-1]
    face = Region(110, 40, 100, 100)
    assert shots([SCENE] * 6 + [beside] * 8, face) == [0]
    assert shots([SCENE] * 6 + [around] * 8, face) == [0, 6]


def test_noise_on_a_flat_picture_is_no_cut() -> None:
    generator = np.random.default_rng(0)
    flat = [generator.integers(100, 106, SCENE.shape, dtype=np.uint8) for _ in range(10)]
    assert shots(flat) == [0]


def test_moving_the_watched_region_is_no_cut() -> None:
    detector = CutDetector()
    for slot in range(12):
        detector.watch(Region(10 * slot, 0, 150, 150))
        assert [frame.begins_shot for frame in detector.feed(slot, SCENE)] == [slot == 0]
