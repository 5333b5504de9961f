from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import av
import pytest

from pipelines.user_study import making
from pipelines.user_study.making import MadeStudy, make_study
from pipelines.user_study.planning import StudySettings, videos_of
from storage_schemas.errors import BadInputError
from storage_schemas.user_study import StudyDesign, StudyKey

EMOTIONS = {"a": "happy", "b": "sad", "c/d": "angry"}


def made(folders: dict[str, Path], out: Path, emotions: dict[str, str] | None = None, **settings: object) -> MadeStudy:
    videos = {name: videos_of(folder) for name, folder in folders.items()}
    return make_study(videos, out, StudySettings(size_px=64, **settings), truth="ground truth", emotions=emotions)  # type: ignore[arg-type]


def told(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    values: dict[str, Any] = json.loads(found[1])
    return values


def test_pairs_are_blinded_and_the_key_unblinds_them(method_folders: dict[str, Path], tmp_path: Path) -> None:
    study = made(method_folders, tmp_path / "out", title="Which <is> better?", embedded=False)

    page = study.page.read_text()
    values = told(study.page)
    key = StudyKey.model_validate_json(study.key_file.read_bytes())
    assert study.page.parent != study.key_file.parent
    assert key.methods == ["ours", "other", "ground truth"]
    assert len(key.trials) == 3 * 3
    assert {frozenset((video.method, video.clip) for video in key.videos if video.video in trial.videos) for trial in key.trials} >= {
        frozenset({("ours", "a"), ("ground truth", "a")})
    }
    assert "Which &lt;is&gt; better?" in page
    assert not re.search(r"ours|other|ground truth|c/d|alone", json.dumps(values))
    assert not re.search(r"https?://", page)
    assert set(values) == {"format", "study", "questions", "emotions", "per_person", "trials", "videos"}
    assert len(study.notes) == 1
    assert "alone" in study.notes[0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["key.json", "page"]


def test_videos_of_a_page_are_alike_and_say_nothing(method_folders: dict[str, Path], tmp_path: Path) -> None:
    study = made(method_folders, tmp_path / "out")

    for number, address in enumerate(told(study.page)["videos"].values()):
        data = base64.b64decode(address.removeprefix("data:video/mp4;base64,"))
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        assert b"made by" not in data
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert (video.width, video.height, video.frames, len(container.streams.audio)) == (64, 64, 12, 1)
            assert not {"comment", "title", "description"} & set(container.metadata)


def test_ratings_ask_for_the_emotion_if_every_clip_has_one(method_folders: dict[str, Path], tmp_path: Path) -> None:
    with_labels = made(method_folders, tmp_path / "a", EMOTIONS, design=StudyDesign.RATINGS)
    without = made(method_folders, tmp_path / "b", {"a": "happy"}, design=StudyDesign.RATINGS)

    assert with_labels.key.emotions == ["angry", "happy", "sad"]
    assert "emotion" in told(with_labels.page)["questions"]
    assert "emotion" not in told(without.page)["questions"]
    assert len(with_labels.key.trials) == 3 * 3


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(method_folders: dict[str, Path], tmp_path: Path) -> None:
    studies = [made(method_folders, tmp_path / str(number), seed=seed, embedded=False) for number, seed in enumerate((3, 3, 4))]

    pages = [study.page.read_bytes() for study in studies]
    assert pages[0] == pages[1] != pages[2]
    assert studies[0].key == studies[1].key
    names = [{(video.method, video.clip): video.video for video in study.key.videos} for study in studies]
    assert names[0] != names[2]
    assert (studies[0].page.parent / told(studies[0].page)["videos"]["v0000"]).is_file()


def test_what_is_too_much_for_a_page_lies_beside_it(
    method_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_MOST_EMBEDDED_BYTES", 1000)

    study = made(method_folders, tmp_path / "out")

    assert told(study.page)["videos"]["v0000"] == "videos/v0000.mp4"
    assert "beside the page" in study.notes[-1]


def test_clips_are_chosen(method_folders: dict[str, Path], tmp_path: Path) -> None:
    study = made(method_folders, tmp_path / "out", clips=2, embedded=False)

    assert len({video.clip for video in study.key.videos}) == 2


def test_a_key_is_never_overwritten(method_folders: dict[str, Path], tmp_path: Path) -> None:
    made(method_folders, tmp_path / "out", embedded=False)

    with pytest.raises(BadInputError, match="a study already"):
        made(method_folders, tmp_path / "out", seed=1)


def test_folders_without_common_clips_are_refused(method_folders: dict[str, Path], tmp_path: Path) -> None:
    videos = {"ours": {"x": method_folders["ours"] / "a.mp4"}, "other": {"y": method_folders["other"] / "a.mp4"}}

    with pytest.raises(BadInputError, match="none that all share"):
        make_study(videos, tmp_path / "out", StudySettings())
    with pytest.raises(BadInputError, match="two methods"):
        make_study({"ours": videos["ours"]}, tmp_path / "out", StudySettings())
    assert not (tmp_path / "out").exists()


def test_a_damaged_video_is_named_and_nothing_is_left(method_folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    videos = {"ours": {"a": method_folders["ours"] / "a.mp4"}, "other": {"a": tmp_path / "broken.mp4"}}

    with pytest.raises(BadInputError, match=r"broken\.mp4"):
        make_study(videos, tmp_path / "out", StudySettings())
    assert list((tmp_path / "out").iterdir()) == []
