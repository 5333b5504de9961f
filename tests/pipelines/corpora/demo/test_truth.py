"""Ground truth survives its file, which holds no pickle and is the same every time."""
# ruff: noqa: RUF001 - the symbols of the International Phonetic Alphabet are meant

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.corpora.demo.truth import CURVES, DemoTruth, encode_truth, read_truth


def _truth(frames: int = 5) -> DemoTruth:
    rng = np.random.default_rng(0)
    return DemoTruth(
        about={"text": "Größe 'x'", "seed": 3},
        curves=rng.random((frames, len(CURVES)), dtype=np.float32),
        units=rng.random((frames, 2), dtype=np.float32),
        unit_names=("jaw", "seal"),
        landmarks=rng.random((frames, 478, 3), dtype=np.float32),
        rest_landmarks=rng.random((478, 3), dtype=np.float32),
        phonemes=("", "ˈɑː"),
        phoneme_times_s=np.array([[0, 0.1], [0.1, 0.3]]),
    )


def test_round_trip(tmp_path: Path) -> None:
    truth = _truth()
    path = tmp_path / "001.npz"
    path.write_bytes(encode_truth(truth))
    read = read_truth(path)
    assert read.about == truth.about
    assert read.phonemes == truth.phonemes
    assert np.array_equal(read.landmarks, truth.landmarks)
    assert np.array_equal(read.curve("pitch_rad"), truth.curves[:, CURVES.index("pitch_rad")])


def test_the_bytes_are_the_same_every_time() -> None:
    assert encode_truth(_truth()) == encode_truth(_truth())


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "001.npz"
    truth = _truth()
    path.write_bytes(encode_truth(DemoTruth(**{**truth.__dict__, "landmarks": truth.landmarks[:, :468]})))
    with pytest.raises(ValueError, match="expected 478 landmarks"):
        read_truth(path)
