from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.image_evaluation.reenactment_sheet import ROWS, draw_sheet, sheet_clip, telling_frames
from pipelines.rendering.frame_generator import FrameGenerator
from tests.factories.held_out_clips import held_out_clip
from tests.factories.image_models import SIZE_PX
from tests.factories.rendering_models import small_rendering_model

GENERATOR = FrameGenerator(small_rendering_model())


def test_the_frames_that_show_most() -> None:
    clip = held_out_clip()

    chosen = telling_frames(clip)

    assert chosen["eyes closed"] == 1
    assert chosen["mouth open"] == 2
    assert chosen["turned"] == 5  # the portrait is the first, the head turns all the time
    assert len(set(chosen.values())) == len(chosen)


def test_frames_without_a_face_are_not_taken_for_closed_eyes() -> None:
    clip = held_out_clip()
    boxes = clip.boxes.copy()
    boxes[3] = np.nan

    assert telling_frames(replace(clip, boxes=boxes))["eyes closed"] == 1


def test_a_clip_on_the_sheet() -> None:
    clip = held_out_clip()

    shown = sheet_clip(GENERATOR, clip)

    assert shown.title == "clip 0, S0, happy"
    assert tuple(shown.rows) == ROWS
    assert {len(pictures) for pictures in shown.rows.values()} == {len(shown.columns)}
    assert shown.columns[0] == "eyes closed (1)"
    np.testing.assert_array_equal(shown.rows["asked for"][0], clip.pictures[1])
    difference = np.abs(shown.rows["made"].astype(int) - shown.rows["asked for"]) * 3
    np.testing.assert_array_equal(shown.rows["difference x3"], difference.clip(0, 255))


def test_the_sheet_holds_every_picture() -> None:
    clips = [sheet_clip(GENERATOR, held_out_clip(seed=seed)) for seed in (0, 1)]

    sheet = draw_sheet(clips)

    assert sheet.shape[0] > 2 * len(ROWS) * SIZE_PX
    assert sheet.shape[1] > (1 + len(clips[0].columns)) * SIZE_PX
    found = [
        (sheet[y : y + SIZE_PX, x : x + SIZE_PX] == clips[1].portrait).all()
        for y in range(sheet.shape[0] // 2, sheet.shape[0] // 2 + 60)
        for x in range(92, 93)
    ]
    assert any(found)


def test_large_pictures_are_shrunk() -> None:
    clip = sheet_clip(GENERATOR, held_out_clip())
    larger = replace(clip, portrait=clip.portrait.repeat(16, axis=0).repeat(16, axis=1))
    rows = {name: pictures.repeat(16, axis=1).repeat(16, axis=2) for name, pictures in clip.rows.items()}

    sheet = draw_sheet([replace(larger, rows=rows)])

    assert sheet.shape[0] < 4 * 200 + 60
