from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.comparisons.side_by_side import NamedVideo, write_side_by_side
from storage_schemas.errors import BadInputError
from tests.factories.talking_videos import BLUE, GREEN, RED, write_coloured


def read(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) if container.streams.audio else np.zeros(0)
    return pictures, sound.astype(np.float32)


def loudest_hz(sound: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.fft.rfftfreq(len(sound), 1 / 16000)[spectrum.argmax()])


def is_near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(picture.reshape(-1, 3).mean(axis=0) - colour).max() < 12)


def test_the_first_video_sets_length_and_sound(tmp_path: Path) -> None:
    videos = [
        NamedVideo("ground truth", write_coloured(tmp_path / "t.mp4", RED, frames=25, hz=440)),
        NamedVideo("short", write_coloured(tmp_path / "s.mp4", GREEN, frames=10, hz=880)),
        NamedVideo("long, 50 Hz", write_coloured(tmp_path / "l.mp4", BLUE, frames=100, fps=50, size=(128, 96), hz=880)),
    ]

    made = write_side_by_side(videos, tmp_path / "new" / "out.mp4", height_px=64)

    pictures, sound = read(tmp_path / "new" / "out.mp4")
    assert (made.frames, made.columns, made.rows, len(pictures)) == (25, 3, 1, 25)
    assert len(made.notes) == 3
    assert loudest_hz(sound) == pytest.approx(440, abs=5)
    height = pictures[0].shape[0]
    assert [is_near(pictures[0][40:60, left : left + 20], colour) for left, colour in ((20, RED), (90, GREEN), (160, BLUE))] == [True] * 3
    assert pictures[0][:22].max() > 200  # names
    assert is_near(pictures[20][70:80, 75:85], (10, 70, 10))  # over: its last picture, darkened
    assert pictures[0][height - 8 : height - 4, 150:190].max() < 60  # letterbox of the wide one
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(("count", "columns", "rows"), [(4, 4, 1), (5, 3, 2), (6, 3, 2), (7, 4, 2), (9, 3, 3)])
def test_rows_are_even(tmp_path: Path, count: int, columns: int, rows: int) -> None:
    path = write_coloured(tmp_path / "a.mp4", RED, frames=2)

    made = write_side_by_side([NamedVideo(str(number), path) for number in range(count)], tmp_path / "out.mp4", height_px=32)

    assert (made.columns, made.rows) == (columns, rows)


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    videos = [NamedVideo(name, write_coloured(tmp_path / f"{name}.mp4", RED)) for name in ("a", "b")]

    for name in ("1.mp4", "2.mp4"):
        write_side_by_side(videos, tmp_path / name)

    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()


def test_sound_of_the_next_that_has_one(tmp_path: Path) -> None:
    videos = [
        NamedVideo("silent", write_coloured(tmp_path / "a.mp4", RED, hz=None)),
        NamedVideo("heard", write_coloured(tmp_path / "b.mp4", RED, hz=880)),
    ]

    made = write_side_by_side(videos, tmp_path / "out.mp4", columns=1)

    assert (made.columns, made.rows) == (1, 2)
    assert made.notes == ["silent has no sound, that of heard is heard"]
    assert loudest_hz(read(tmp_path / "out.mp4")[1]) == pytest.approx(880, abs=5)


@pytest.mark.parametrize(
    ("names", "out", "message"), [(["a"], "o.mp4", "2 to 24"), (["a", "b"], "o.avi", r"\.mp4"), (["a", "c"], "o.mp4", "no file")]
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, names: list[str], out: str, message: str) -> None:
    for name in ("a", "b"):
        write_coloured(tmp_path / f"{name}.mp4", RED)

    with pytest.raises(BadInputError, match=message):
        write_side_by_side([NamedVideo(name, tmp_path / f"{name}.mp4") for name in names], tmp_path / out)
    assert not (tmp_path / out).exists()


def test_a_video_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_coloured(tmp_path / "a.mp4", RED)
    (tmp_path / "b.mp4").write_bytes(b"no video")

    with pytest.raises(BadInputError, match=r"b\.mp4"):
        write_side_by_side([NamedVideo(name, tmp_path / f"{name}.mp4") for name in "ab"], tmp_path / "out.mp4")
    assert not list(tmp_path.glob("*out*"))
