"""The demonstration's list: a row for each emotion, one face at rest, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.corpora.demo.corpus import MANIFEST_NAME
from pipelines.corpora.demo.emotions import EMOTIONS
from pipelines.demo.demo_script import TRANSFER, write_demo_script

pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")

CLIPS = [
    {"emotion": "happy", "video": "D001/video/front/happy/level_3/001.mp4", "split": "train"},
    {"emotion": "sad", "video": "D002/video/front/sad/level_3/001.mp4", "split": "validation"},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / MANIFEST_NAME).write_text(json.dumps({"clips": CLIPS}), encoding="utf-8")
    return folder


def test_a_row_for_each_emotion_and_one_that_takes_it_from_a_clip_not_trained_on(corpus: Path, tmp_path: Path) -> None:
    script = write_demo_script(tmp_path / "script", corpus, seed=3, takes=2, intensity=1.5)
    assert [row.output for row in script.rows] == [*(emotion.value for emotion in EMOTIONS), TRANSFER]
    assert {(row.takes, row.seed, row.intensity) for row in script.rows[:-1]} == {(2, 3, 1.5)}
    assert script.rows[-1].intensity == 1.0
    assert script.reference == corpus / CLIPS[1]["video"]
    assert script.reference_emotion == "sad"


def test_the_face_is_the_same_each_time(corpus: Path, tmp_path: Path) -> None:
    first, second = (write_demo_script(tmp_path / name, corpus, seed=3, takes=1).portrait for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert np.asarray(Image.open(first)).shape == (512, 512, 3)


def test_an_own_picture_is_taken_as_it_is(corpus: Path, tmp_path: Path) -> None:
    own = tmp_path / "Me.JPG"
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(own)
    script = write_demo_script(tmp_path / "script", corpus, seed=3, takes=1, portrait=own)
    assert script.portrait.name == "own-portrait.jpg"
    assert script.portrait.read_bytes() == own.read_bytes()
