from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.dataset.landmark_sums import (
    HELD_OUT_FILE,
    LEARNED_FILE,
    SHAPE_FILE,
    bases_bytes,
    is_held_out,
    read_bases,
    sum_landmarks,
)
from pipelines.face_model.accumulation import ExpressionSums, ShapeSums
from pipelines.face_model.learning import speaker_bases
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.identifiers import clip_key
from storage_schemas.processing_request import SumRequest
from tests.factories.landmark_parts import pack_landmarks

RECORDINGS = {f"r{number}": (20, 15) for number in range(4)}
SPEAKERS = {"r0": "S0", "r1": "S1", "r2": "S0"}  # r3 is left out


def _sums(folder: Path, parts: list[dict[str, tuple[int, ...]]]) -> tuple[bytes, bytes, bytes]:
    """Return the merged sums of parts: shapes, learned and held-out expressions."""
    for number, recordings in enumerate(parts):
        pack_landmarks(folder / f"part-{number}", recordings)
    shapes = ShapeSums()
    for number in range(len(parts)):
        _run(folder, number, "")
        shapes.merge(ShapeSums.read(folder / f"shape-{number}" / SHAPE_FILE))
    (folder / "bases").write_bytes(bases_bytes(speaker_bases(shapes)))
    totals = ExpressionSums(), ExpressionSums()
    for number in range(len(parts)):
        _run(folder, number, str(folder / "bases"))
        for total, name in zip(totals, (LEARNED_FILE, HELD_OUT_FILE), strict=True):
            total.merge(ExpressionSums.read(folder / f"expression-{number}" / name))
    return shapes.to_bytes(), totals[0].to_bytes(), totals[1].to_bytes()


def _run(folder: Path, number: int, bases: str) -> None:
    request = SumRequest(
        landmarks_folders=[str(folder / f"part-{number}")], speakers=SPEAKERS, bases_file=bases, settings=FaceModelSettings(),
        out_folder=str(folder / f"{'expression' if bases else 'shape'}-{number}"),
    )  # fmt: skip
    sum_landmarks(request, [].append)


def test_however_recordings_are_divided_into_parts_the_sums_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "divided").mkdir()
    divided = [{"r2": RECORDINGS["r2"]}, {name: RECORDINGS[name] for name in ("r0", "r1", "r3")}]
    assert _sums(tmp_path / "whole", [RECORDINGS]) == _sums(tmp_path / "divided", divided)


def test_recordings_without_a_speaker_are_left_out_and_a_fifth_of_the_clips_is_held_out(tmp_path: Path) -> None:
    shapes, learned, held_out = _sums(tmp_path, [RECORDINGS])
    files = {"shapes": shapes, "learned": learned, "held_out": held_out}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert ShapeSums.read(tmp_path / "shapes").frames == {"S0": 70, "S1": 35}
    clips = [(f"{recording}_{number:03d}", frames) for recording in SPEAKERS for number, frames in enumerate(RECORDINGS[recording])]
    expected = sum(frames for clip_id, frames in clips if is_held_out(clip_key(clip_id)))
    assert sum(ExpressionSums.read(tmp_path / "held_out").shape.frames.values()) == expected
    assert sum(ExpressionSums.read(tmp_path / "learned").shape.frames.values()) == 105 - expected


def test_bases_come_back(tmp_path: Path) -> None:
    bases = {"B": np.arange(1434, dtype=np.int64).reshape(478, 3), "A": np.ones((478, 3), np.int64)}
    (tmp_path / "bases").write_bytes(bases_bytes(bases))
    found = read_bases(tmp_path / "bases")
    assert sorted(found) == ["A", "B"]
    np.testing.assert_array_equal(found["B"], bases["B"])


@pytest.mark.parametrize("count", [5000])
def test_about_a_fifth_of_all_keys_is_held_out(count: int) -> None:
    share = sum(is_held_out(clip_key(f"clip {number}")) for number in range(count)) / count
    assert 0.17 < share < 0.23


def test_several_parts_are_summed_up_in_one_request(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    for number, names in enumerate((("r0", "r3"), ("r1", "r2"))):
        pack_landmarks(tmp_path / f"part-{number}", {name: RECORDINGS[name] for name in names})
    request = SumRequest(
        landmarks_folders=[str(tmp_path / "part-0"), str(tmp_path / "part-1")], speakers=SPEAKERS, settings=FaceModelSettings(),
        out_folder=str(tmp_path / "sums"),
    )  # fmt: skip
    answer = sum_landmarks(request, [].append)
    assert (answer.clips, answer.frames) == (6, 105)
    assert (tmp_path / "sums" / SHAPE_FILE).read_bytes() == _sums(tmp_path / "whole", [RECORDINGS])[0]
