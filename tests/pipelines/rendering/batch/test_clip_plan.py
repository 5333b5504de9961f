from __future__ import annotations

from typing import Any

from pipelines.rendering.batch.clip_plan import PlannedClip, cut, plan_clips
from storage_schemas.script_rows import NumberedRow, ScriptRow


def row(number: int, portrait: str = "a.png", **fields: Any) -> NumberedRow:  # noqa: ANN401
    return NumberedRow(number, ScriptRow(portrait=portrait, **{"audio": "x.wav", **fields}))


def clip_id(**fields: Any) -> str:  # noqa: ANN401
    hashes = fields.pop("hashes", {"portrait": "p", "audio": "a"})
    return PlannedClip(2, row(2, **fields).row, fields.get("take", 0)).clip_id(hashes, {"models": {"vqig/1": "w"}})


def test_clips_of_a_portrait_are_side_by_side() -> None:
    clips = plan_clips([row(2, "b.png"), row(3, "a.png", takes=2), row(4, "b.png")])

    assert [(clip.number, clip.take) for clip in clips] == [(2, 0), (4, 0), (3, 0), (3, 1)]
    assert [len(part) for part in cut(clips, 3)] == [3, 1]


def test_a_clip_is_named_by_everything_that_is_to_be_seen_in_it() -> None:
    plain = clip_id()

    assert clip_id(output="x/y.mp4") == clip_id(takes=3) == clip_id(portrait="other name.png") == plain
    others = [
        clip_id(seed=1), clip_id(emotion="sad"), clip_id(intensity=0.5), clip_id(pose="fixed"),
        clip_id(hashes={"portrait": "q", "audio": "a"}), clip_id(audio="", text="Hello"),
        PlannedClip(2, row(2).row, 1).clip_id({"portrait": "p", "audio": "a"}, {"models": {"vqig/1": "w"}}),
        PlannedClip(2, row(2).row, 0).clip_id({"portrait": "p", "audio": "a"}, {"models": {"vqig/2": "w"}}),
    ]  # fmt: skip
    assert len({plain, *others}) == 1 + len(others)


def test_a_clip_goes_where_its_row_says_or_where_its_hash_says() -> None:
    assert PlannedClip(2, row(2).row, 0).output("0123") == "clips/0123.mp4"
    assert PlannedClip(2, row(2, output="hello").row, 0).output("0123") == "hello.mp4"
    assert PlannedClip(2, row(2, output="a/hello.mp4", takes=2).row, 1).output("0123") == "a/hello-001.mp4"


def test_the_files_of_a_row() -> None:
    clip = PlannedClip(2, row(2, emotion_reference="r.mp4", pose="p.mp4").row, 0)

    assert clip.files() == {"portrait": "a.png", "audio": "x.wav", "emotion_reference": "r.mp4", "pose": "p.mp4"}
    assert PlannedClip(2, row(2, pose="fixed").row, 0).files() == {"portrait": "a.png", "audio": "x.wav"}
