"""A demo corpus is complete, the same every time, resumed where it stopped, and mixed with nothing."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest

from pipelines.corpora.demo.clip_plan import plan_clips
from pipelines.corpora.demo.clip_writing import WrittenClip, find_demo_clip, write_demo_clip
from pipelines.corpora.demo.corpus import LIST_NAMES, write_demo_corpus
from pipelines.corpora.demo.truth import read_truth
from pipelines.dataset.splitting import assign_splits
from storage_schemas.build_spec import SplitSettings
from storage_schemas.errors import BadInputError

pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")

_SIZE_PX = 128


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, 2, seed=5, size_px=_SIZE_PX)
    return folder


def test_the_tree_is_meads_with_truth_beside_it(corpus: Path) -> None:
    plan = plan_clips(2, 5, _SIZE_PX)
    expected = {path.as_posix() for clip in plan for path in (clip.video, clip.audio, clip.truth)} | {"corpus.json"}
    expected |= {"splits/train.txt", "splits/validation.txt", "splits/test.txt"}
    assert set(_hashes(corpus)) == expected


def test_another_run_gives_the_same_bytes_in_any_order(corpus: Path, tmp_path: Path) -> None:
    for clip in reversed(plan_clips(2, 5, _SIZE_PX)):
        write_demo_clip(tmp_path, clip)
    write_demo_corpus(tmp_path, 2, seed=5, size_px=_SIZE_PX)
    assert _hashes(tmp_path) == _hashes(corpus)


def test_video_audio_and_truth_agree(corpus: Path) -> None:
    clip = plan_clips(2, 5, _SIZE_PX)[0]
    truth = read_truth(corpus / clip.truth)
    with av.open(str(corpus / clip.video)) as video:
        assert (video.streams.video[0].width, video.streams.video[0].height) == (_SIZE_PX, _SIZE_PX)
        assert video.streams.video[0].average_rate == 25
        frames = sum(1 for _ in video.decode(video=0))
    with av.open(str(corpus / clip.video)) as video:
        inside = np.concatenate([frame.to_ndarray()[0] for frame in video.decode(audio=0)])
    with av.open(str(corpus / clip.audio)) as audio:
        beside = np.concatenate([frame.to_ndarray()[0] for frame in audio.decode(audio=0)])
    assert frames == len(truth.landmarks) == len(truth.curves)
    assert truth.about["text"] == clip.text
    assert len(inside) == pytest.approx(frames * 882, abs=1100)
    assert np.corrcoef(inside[: frames * 800], beside[: frames * 800])[0, 1] > 0.98
    quiet, spoken = slice(0, int(0.35 * 22050)), slice(int(0.5 * 22050), int(1.5 * 22050))
    assert np.abs(beside[spoken]).mean() > 20 * np.abs(beside[quiet]).mean()


def test_what_is_there_is_kept_and_what_is_damaged_is_made_again(corpus: Path) -> None:
    before = _hashes(corpus)
    first, second = plan_clips(2, 5, _SIZE_PX)
    (corpus / first.video).write_bytes(b"half a vid")
    assert find_demo_clip(corpus, first) is None
    assert find_demo_clip(corpus, second) is not None
    seen: list[tuple[int, int]] = []
    summary = write_demo_corpus(corpus, 2, seed=5, size_px=_SIZE_PX, progress=lambda done, total: seen.append((done, total)))
    assert (summary.clips, summary.clips_made) == (2, 1)
    assert seen == [(1, 2), (2, 2)]
    assert _hashes(corpus) == before


def test_the_manifest_names_every_clip_and_the_licence(corpus: Path) -> None:
    manifest = json.loads((corpus / "corpus.json").read_text())
    assert len(manifest["clips"]) == 2
    assert "public domain" in manifest["licence"]
    assert all((corpus / row["video"]).is_file() for row in manifest["clips"])


def test_the_lists_name_each_clip_once_and_only_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.corpora.demo.corpus.write_demo_clip", lambda _, clip: WrittenClip(clip, 1, 1, 1, made=True))
    lists = []
    for clips in (3, 24, 112):
        write_demo_corpus(tmp_path, clips, seed=5, size_px=_SIZE_PX)
        lists.append({side: set((tmp_path / name).read_text().split()) for side, name in LIST_NAMES.items()})
        assert sum(map(len, lists[-1].values())) == clips
        assert set.union(*lists[-1].values()) == {clip.clip_id for clip in plan_clips(clips, 5)}
    assert all(small[side] <= large[side] for small, large in pairwise(lists) for side in LIST_NAMES)
    assert [len(some["validation"]) for some in lists] == [0, 8, 16]


def test_a_build_goes_by_the_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.corpora.demo.corpus.write_demo_clip", lambda _, clip: WrittenClip(clip, 1, 1, 1, made=True))
    write_demo_corpus(tmp_path, 32, seed=5, size_px=_SIZE_PX)
    plan = plan_clips(32, 5)
    table = pa.table({"recording_id": [clip.clip_id for clip in plan], "speaker": [clip.speaker for clip in plan]})
    assert assign_splits(table, SplitSettings(), source=tmp_path).splits.to_pylist() == [clip.split for clip in plan]


def test_clips_of_another_corpus_are_refused(corpus: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds 1 videos that are not of this demo corpus of 1 clips"):
        write_demo_corpus(corpus, 1, seed=5, size_px=_SIZE_PX)


@pytest.mark.parametrize(
    ("clips", "seed", "size_px", "speakers", "message"),
    [
        (0, 1, 128, 4, "1 to 9,999"), (3, -1, 128, 4, "seed"), (3, 1, 129, 4, "even number"), (3, 1, 64, 4, "from 128"),
        (3, 1, 128, 5, "1 to 4 speakers"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(tmp_path: Path, clips: int, seed: int, size_px: int, speakers: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        write_demo_corpus(tmp_path, clips, seed, size_px=size_px, speakers=speakers)
