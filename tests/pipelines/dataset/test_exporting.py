from __future__ import annotations

import csv
import tarfile
import wave
from pathlib import Path

import av
import numpy as np
import orjson
import pytest

from pipelines.dataset import exporting
from pipelines.dataset.export_files import exported_name
from pipelines.dataset.exporting import ExportKind, ExportResult, export_version
from storage_schemas.errors import BadInputError, StoreError
from tests.factories.dataset_parts import SyntheticRecording
from tests.factories.dataset_versions import RECORDINGS, local_store, publish


def export(tmp_path: Path, kind: ExportKind, recordings: object = RECORDINGS, **options: object) -> ExportResult:
    with local_store(tmp_path / "store") as store:
        version = publish(store, recordings).dataset_version  # type: ignore[arg-type]
        return export_version(store, version, tmp_path / "out", kind, **options)  # type: ignore[arg-type]


def members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_csv_has_the_tables(tmp_path: Path) -> None:
    result = export(tmp_path, ExportKind.CSV)
    with (tmp_path / "out" / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip_id"] for row in rows][:2] == ["M003/angry/001_000", "M003/angry/001_001"]
    assert (result.clips, result.files_written, result.files_kept) == (7, 2, 0)
    assert (tmp_path / "out" / "rejections.csv").exists()


def test_csv_of_one_split(tmp_path: Path) -> None:
    export(tmp_path, ExportKind.CSV, splits=["test"])
    with (tmp_path / "out" / "clips.csv").open(newline="") as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"test"}


def test_webdataset_shards_hold_the_clips_of_their_split_only(tmp_path: Path) -> None:
    """Speakers meet inside a part: its shard is divided between the splits."""
    recordings = [SyntheticRecording("a", (3,)), SyntheticRecording("b", (2,), split="test")]
    result = export(tmp_path, ExportKind.WEBDATASET, recordings)
    found = {}
    for split in ("train", "test"):
        index = orjson.loads((tmp_path / "out" / split / "index.json").read_bytes())
        assert index["dataset_version"] == result.dataset_version
        [shard] = index["shards"]
        path = tmp_path / "out" / split / shard["name"]
        assert (path.stat().st_size, shard["clips"]) == (shard["size_bytes"], 1)
        found[split] = members(path)
        assert len(found[split]) == 2 * shard["samples"]
    assert len(found["train"]) == 6
    assert not set(found["train"]) & set(found["test"])


def test_a_shard_of_one_split_is_byte_for_byte_that_of_the_part(tmp_path: Path) -> None:
    export(tmp_path, ExportKind.WEBDATASET, [SyntheticRecording("a", (3, 2)), SyntheticRecording("b", (2,))])
    [original] = (tmp_path / "store" / "parts").rglob("frames.tar")
    [copy] = (tmp_path / "out" / "train").glob("*.tar")
    assert copy.read_bytes() == original.read_bytes()


def test_videos_have_the_frames_and_the_sound(tmp_path: Path) -> None:
    export(tmp_path, ExportKind.VIDEOS)
    with av.open(str(tmp_path / "out" / "M003/angry/001_000.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert (len(frames), frames[0].shape) == (3, (64, 64, 3))
    with wave.open(str(tmp_path / "out" / "M003/angry/001_000.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 1920)
        assert np.frombuffer(file.readframes(1920), np.int16).any()
    assert (tmp_path / "out" / "W009/portrait_000.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert not list((tmp_path / "out").rglob(".partial-*"))


@pytest.mark.parametrize("kind", list(ExportKind))
def test_a_second_run_writes_nothing(tmp_path: Path, kind: ExportKind) -> None:
    first = export(tmp_path, kind)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.suffix in {".tar", ".mp4", ".csv", ".wav"}}
    second = export(tmp_path, kind)
    assert (second.files_written, second.files_kept, second.clips) == (0, first.files_written, first.clips)
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_an_interrupted_export_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = exporting.copy_clips
    calls: list[int] = []

    def failing(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            arguments[1].write_bytes(b"half")  # type: ignore[attr-defined]
            raise OSError(28, "No space left on device")
        copy(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "copy_clips", failing)
    with pytest.raises(StoreError, match="No space left on device"):
        export(tmp_path, ExportKind.WEBDATASET)
    assert not list((tmp_path / "out").rglob("index.json"))
    assert not list((tmp_path / "out").rglob(".partial-*"))
    result = export(tmp_path, ExportKind.WEBDATASET)
    assert result.files_kept == 2  # clips.csv and the first shard
    assert len(list((tmp_path / "out").rglob("index.json"))) == 2


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.docx").write_bytes(b"precious")
    with pytest.raises(BadInputError, match="not an empty folder"):
        export(tmp_path, ExportKind.CSV)
    (out / "thesis.docx").unlink()
    export(tmp_path, ExportKind.CSV)
    with pytest.raises(BadInputError, match="holds another export"):
        export(tmp_path, ExportKind.WEBDATASET)
    with pytest.raises(BadInputError, match="holds another export"):
        export(tmp_path, ExportKind.CSV, splits=["train"])


def test_unknown_splits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="unknown splits holdout"):
        export(tmp_path, ExportKind.CSV, splits=["holdout"])


def test_damaged_parts_are_an_error_and_not_a_short_shard(tmp_path: Path) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish(store).dataset_version
        tar = next((tmp_path / "store" / "parts" / "frames").rglob("frames.tar"))
        tar.chmod(0o644)
        tar.write_bytes(tar.read_bytes()[:5000])
        with pytest.raises(StoreError, match="dataset verify"):
            export_version(store, version, tmp_path / "out", ExportKind.WEBDATASET)


def test_progress_counts_clips(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    export(tmp_path, ExportKind.VIDEOS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7)


@pytest.mark.parametrize(
    ("clip_id", "name"),
    [
        ("M003/front/001_000", "M003/front/001_000"),
        ("../../etc/passwd_000", "%2E%2E/%2E%2E/etc/passwd_000"),
        ("/absolute_000", "absolute_000"),
        ("what?/a:b_000", "what%3F/a%3Ab_000"),
        ("dots./ space_000", "dots%2E/%20space_000"),
        ("é $(rm) `x`; #_000", "é $(rm) `x`; #_000"),
        ("x" * 300 + "_000", "0123456789abcdef"),
    ],
)
def test_names_are_safe_and_stay_inside(clip_id: str, name: str) -> None:
    assert exported_name(clip_id, "0123456789abcdef") == name
