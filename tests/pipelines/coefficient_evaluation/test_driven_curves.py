from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.coefficient_evaluation.driven_curves import driven_mouth_openings
from pipelines.corpora.demo.truth import CURVES, DemoTruth, encode_truth
from storage_schemas.errors import BadInputError

FRAMES = 20
ROW = {"clip_id": "a_000", "source_video": "D001/video/a.mp4", "source_start_s": 0.2, "frames": 10}


def corpus(folder: Path) -> Path:
    curves = np.zeros((FRAMES, len(CURVES)), dtype=np.float32)
    curves[:, CURVES.index("jaw")] = np.arange(FRAMES)
    curves[:, CURVES.index("lips_gap_closed")] = 1
    points = np.zeros((FRAMES, 478, 3), dtype=np.float32)
    truth = DemoTruth({"format": 1}, curves, np.zeros((FRAMES, 1), np.float32), ("jaw",), points, points[0], (), np.zeros((0, 2)))
    (folder / "a.npz").write_bytes(encode_truth(truth))
    (folder / "corpus.json").write_text(json.dumps({"clips": [{"video": "D001/video/a.mp4", "truth": "a.npz"}]}))
    return folder


def test_the_drive_of_a_clip_begins_where_the_clip_does(tmp_path: Path) -> None:
    found = driven_mouth_openings(corpus(tmp_path), [ROW])

    np.testing.assert_array_equal(found["a_000"], np.arange(5, 15) - 1)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no demo corpus: it has no corpus\.json"):
        driven_mouth_openings(tmp_path, [ROW])


def test_a_clip_of_another_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no truth for b_000"):
        driven_mouth_openings(corpus(tmp_path), [ROW | {"clip_id": "b_000", "source_video": "b.mp4"}])


def test_a_damaged_truth_is_named(tmp_path: Path) -> None:
    (corpus(tmp_path) / "a.npz").write_bytes(b"PK")

    with pytest.raises(BadInputError, match=r"a\.npz: no readable truth"):
        driven_mouth_openings(tmp_path, [ROW])
