from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.video_evaluation.made_videos import MadeVideo
from pipelines.video_evaluation.pairing import pair_by_name, pair_by_table
from pipelines.video_evaluation.true_clips import TrueClip, TrueClips
from storage_schemas.errors import BadInputError


def clip(name: str, split: str = "test", emotion: str = "happy") -> TrueClip:
    recording = name.rpartition("_")[0]
    return TrueClip(
        name, (name, f"key-of-{recording}".replace("/", "."), recording, f"{recording.replace('front/', 'audio/')}"), emotion, "", split
    )


CLIPS = TrueClips(
    "version",
    "test",
    (clip("A/front/sad/001_000"), clip("A/front/sad/002_000"), clip("B/front/sad/001_000"), clip("B/front/sad/009_000", "train")),
)


def video(name: str, *sounds: str) -> MadeVideo:
    return MadeVideo(name, Path(name), (*sounds, name))


@pytest.mark.parametrize(
    "name",
    [
        "A/front/sad/002.mp4",
        "A_front_sad_002_000.mp4",
        "a-front-sad-002.MP4",
        "wav2lip/deep/A/front/sad/002.mp4",
        "A front sad 002-003.mp4",
    ],
)
def test_names_in_many_spellings_belong_to_their_clip(name: str) -> None:
    pairing = pair_by_name([video(name)], CLIPS)

    assert [(pair.video.name, pair.clip.name) for pair in pairing.pairs] == [(name, "A/front/sad/002_000")]
    assert pairing.without_video == ["A/front/sad/001_000", "B/front/sad/001_000"]


def test_the_sound_of_a_row_says_more_than_the_name_of_its_video() -> None:
    pairing = pair_by_name([video("A/front/sad/002.mp4", "../corpus/B/audio/sad/001.m4a")], CLIPS)

    assert [pair.clip.name for pair in pairing.pairs] == ["B/front/sad/001_000"]


def test_nothing_is_left_out_without_a_place() -> None:
    clips = TrueClips("version", "test", (*CLIPS.clips, TrueClip("A/front/sad/001_001", ("A/front/sad/001",), "", "", "test")))
    videos = [video("hello.mp4"), video("A/front/sad/001.mp4"), video("B/front/sad/009.mp4"), video("B/front/sad/001.mp4")]
    pairing = pair_by_name(videos, clips)

    assert pairing.without_clip == ["hello.mp4"]
    assert pairing.ambiguous == ["A/front/sad/001.mp4"]
    assert pairing.other_split == ["B/front/sad/009.mp4"]
    assert [pair.video.name for pair in pairing.pairs] == ["B/front/sad/001.mp4"]


def test_several_takes_belong_to_one_clip() -> None:
    pairing = pair_by_name([video("A/front/sad/002-001.mp4"), video("A/front/sad/002-000.mp4")], CLIPS)

    assert [pair.video.name for pair in pairing.pairs] == ["A/front/sad/002-000.mp4", "A/front/sad/002-001.mp4"]
    assert len({pair.clip.name for pair in pairing.pairs}) == 1


def test_a_table_says_which_belongs_to_which_and_what_it_should_show(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("video,reference,emotion\none.mp4,A/front/sad/002,angry\ntwo,B/front/sad/009_000,\ngone.mp4,A/front/sad/001_000,\n")
    pairing = pair_by_table([video("one.mp4"), video("two.mp4"), video("more.mp4")], CLIPS, table)

    assert [(pair.video.name, pair.clip.name, pair.emotion) for pair in pairing.pairs] == [
        ("one.mp4", "A/front/sad/002_000", "angry"),
        ("two.mp4", "B/front/sad/009_000", "happy"),
    ]
    assert pairing.not_there == ["gone.mp4"]
    assert pairing.without_clip == ["more.mp4"]
    assert len(pairing.expected) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("video,clip\na,b\n", "lacks reference"),
        ("video,reference,colour\na,b,c\n", "unknown column colour"),
        ("video,reference\n", "no rows"),
        ("video,reference\none.mp4,nobody\n", "row 2: reference 'nobody'"),
        ("video,reference,emotion\none.mp4,A/front/sad/001,glad\n", "row 2: emotion 'glad'"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)

    with pytest.raises(BadInputError, match=words):
        pair_by_table([video("one.mp4")], CLIPS, tmp_path / "pairs.csv")
