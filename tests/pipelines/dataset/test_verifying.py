from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr

from infra.managed_store import ManagedStore
from pipelines.dataset.problems import LISTED_PER_CHECK, Check, Problem, ProblemList
from pipelines.dataset.table_checks import check_tables
from pipelines.dataset.verifying import verify_version
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BadInputError
from tests.factories.dataset_parts import SyntheticRecording, store_part
from tests.factories.dataset_versions import RECORDINGS, local_store, publish


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def version(store: ManagedStore) -> str:
    return publish(store).dataset_version


def one(folder: Path, pattern: str) -> Path:
    path = sorted(folder.glob(pattern))[0]
    path.chmod(0o644)
    return path


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def checks(problems: list[Problem]) -> set[Check]:
    return {problem.check for problem in problems}


def items(problems: list[Problem], check: Check) -> list[str]:
    return [problem.item for problem in problems if problem.check is check]


def test_a_whole_version_has_no_problems(store: ManagedStore, version: str) -> None:
    seen: list[tuple[int, int]] = []
    assert verify_version(store, version, progress=lambda done, total: seen.append((done, total))) == []
    assert verify_version(store, version[:8], manifest_only=True) == []
    assert seen[-1][0] == seen[-1][1] > 0


def test_unknown_versions_are_bad_input(store: ManagedStore) -> None:
    with pytest.raises(BadInputError, match="no version or tag"):
        verify_version(store, "latest")


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.98])
@pytest.mark.parametrize("pattern", ["parts/frames/*/*/frames.tar", "parts/landmarks/*/*/landmarks.zarr/landmarks/c/*/*/*",
                                     "parts/audio/*/*/audio.zarr/waveform/c/0", "parts/audio/*/*/part.json"])  # fmt: skip
def test_a_flipped_bit_is_found_and_named(store: ManagedStore, version: str, tmp_path: Path, pattern: str, where: float) -> None:
    path = one(tmp_path, pattern)
    flip(path, int(path.stat().st_size * where))
    problems = verify_version(store, version)
    assert str(path.relative_to(tmp_path)) in items(problems, Check.OBJECT)
    assert any("expected SHA-256" in problem.message for problem in problems)


@pytest.mark.parametrize("pattern", ["parts/frames/*/*/frames.tar", "parts/landmarks/*/*/landmarks.zarr/landmarks/zarr.json",
                                     "parts/audio/*/*/audio.zarr/log_mel/c/0/0", "parts/audio/*/*/part.json"])  # fmt: skip
def test_a_missing_object_is_found_and_named(store: ManagedStore, version: str, tmp_path: Path, pattern: str) -> None:
    path = one(tmp_path, pattern)
    path.unlink()
    problems = verify_version(store, version)
    assert items(problems, Check.OBJECT) == [str(path.relative_to(tmp_path))]
    assert "missing" in next(problem.message for problem in problems if problem.check is Check.OBJECT)
    assert verify_version(store, version, manifest_only=True) == []


@pytest.mark.parametrize("pattern", ["parts/frames/*/*/frames.tar", "parts/landmarks/*/*/landmarks.zarr/landmarks/c/*/*/*"])
def test_a_truncated_object_is_found_and_named(store: ManagedStore, version: str, tmp_path: Path, pattern: str) -> None:
    path = one(tmp_path, pattern)
    size = path.stat().st_size
    os.truncate(path, size // 2)
    problems = verify_version(store, version)
    found = next(problem for problem in problems if problem.check is Check.OBJECT)
    assert (found.item, found.message) == (str(path.relative_to(tmp_path)), f"expected {size} bytes, found {size // 2}")


@pytest.mark.parametrize("family", ["frames", "landmarks", "audio"])
def test_two_swapped_parts_are_found_and_named(store: ManagedStore, version: str, tmp_path: Path, family: str) -> None:
    first, second, *_ = sorted(path for path in (tmp_path / "parts" / family).glob("*/*") if len(list(path.iterdir())) > 1)
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    problems = verify_version(store, version)
    named = {item for problem in problems if problem.check in (Check.OBJECT, Check.PART_INDEX) for item in [problem.item]}
    assert {str((path / "part.json").relative_to(tmp_path)) for path in (first, second)} <= named
    assert Check.PART_INDEX in checks(problems)


def test_several_problems_are_found_at_once(store: ManagedStore, version: str, tmp_path: Path) -> None:
    one(tmp_path, "parts/frames/*/*/frames.tar").unlink()
    flip(one(tmp_path, "parts/audio/*/*/audio.zarr/waveform/c/0"), 100)
    shutil.rmtree(next(tmp_path.glob("parts/landmarks/*/*")))
    flip(one(tmp_path, f"versions/{version}/rejections.parquet"), -20)
    assert {Check.OBJECT, Check.TABLE_FILE} <= checks(verify_version(store, version))
    assert len(items(verify_version(store, version), Check.OBJECT)) >= 4


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    path.chmod(0o644)
    table = change(pq.read_table(path))
    pq.write_table(table, path, row_group_size=32_768, compression="zstd", compression_level=3)


def with_value(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table.column(column).to_pylist()
    values[row] = value
    number = table.schema.get_field_index(column)
    return table.set_column(number, table.schema.field(number), pa.array(values, table.schema.field(number).type))


@pytest.mark.parametrize(
    ("table", "column", "value", "named"),
    [
        ("clips", "emotion", "sad", "clips.parquet"),
        ("clips", "split", "holdout", "expected a split of train"),
        ("clips", "landmarks_start", 1, "its rows in landmarks overlap"),
        ("clips", "waveform_samples", 5, "640 samples a frame"),
        ("clips", "frames", 0, "at least 1 frame"),
        ("clips", "frames_part", "ff" * 16, "its part is not among the objects"),
        ("clips", "clip_key", "0" * 16, "expected clip key"),
        ("clips", "clip_id", "M003/angry/001_009", "sorted and unique"),
        ("clips", "clip_id", "elsewhere", "an underscore and digits"),
        ("objects", "size_bytes", 10, "objects.parquet"),
        ("objects", "uri", "../../etc/passwd", "expected a path under"),
        ("objects", "sha256", "x", "a SHA-256"),
    ],
)
def test_an_edited_table_is_found_without_reading_objects(
    store: ManagedStore, version: str, tmp_path: Path, table: str, column: str, value: object, named: str
) -> None:
    path = tmp_path / "versions" / version / f"{table}.parquet"
    rewritten(path, lambda rows: with_value(rows, column, 1 if value == 1 else 0, value))
    problems = verify_version(store, version, manifest_only=True)
    assert {Check.TABLE_FILE, Check.TABLE_ROWS} <= checks(problems)
    assert any(named in f"{problem.item} {problem.message}" for problem in problems)


def test_missing_rows_are_found(store: ManagedStore, version: str, tmp_path: Path) -> None:
    rewritten(tmp_path / "versions" / version / "clips.parquet", lambda rows: rows.slice(1))
    problems = verify_version(store, version, manifest_only=True)
    assert {"clips", "frames", "clips_train"} <= set(items(problems, Check.COUNTS))


def test_a_table_in_another_encoding_is_another_file_with_the_same_rows(store: ManagedStore, version: str, tmp_path: Path) -> None:
    path = tmp_path / "versions" / version / "clips.parquet"
    path.chmod(0o644)
    pq.write_table(pq.read_table(path), path, compression="snappy", row_group_size=2)
    problems = verify_version(store, version)
    assert [(problem.check, problem.item) for problem in problems] == [(Check.TABLE_FILE, f"versions/{version}/clips.parquet")]


@pytest.mark.parametrize("damage", ["truncate", "missing", "text"])
@pytest.mark.parametrize("table", ["clips", "objects", "rejections"])
def test_a_damaged_table_is_a_problem_and_not_an_exception(
    store: ManagedStore, version: str, tmp_path: Path, table: str, damage: str
) -> None:
    path = one(tmp_path, f"versions/{version}/{table}.parquet")
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("not parquet")
    else:
        os.truncate(path, path.stat().st_size // 2)
    problems = verify_version(store, version)
    assert f"versions/{version}/{table}.parquet" in items(problems, Check.TABLE_FILE)


def test_an_edited_manifest_is_found(store: ManagedStore, version: str, tmp_path: Path) -> None:
    path = one(tmp_path, f"versions/{version}/manifest.json")
    values = orjson.loads(path.read_bytes())
    values["software"]["av"] = "0.1"
    path.write_bytes(orjson.dumps(values))
    problems = verify_version(store, version, manifest_only=True)
    assert [problem.check for problem in problems] == [Check.MANIFEST]
    assert f"found {version}" in problems[0].message


def test_a_manifest_that_is_none_is_a_problem(store: ManagedStore, version: str, tmp_path: Path) -> None:
    one(tmp_path, f"versions/{version}/manifest.json").write_bytes(b"{")
    assert [problem.check for problem in verify_version(store, version)] == [Check.MANIFEST]


def test_a_manifest_in_the_folder_of_another_is_found(store: ManagedStore, version: str, tmp_path: Path) -> None:
    other = publish(store, RECORDINGS[:1]).dataset_version
    shutil.copyfile(tmp_path / "versions" / other / "manifest.json", one(tmp_path, f"versions/{version}/manifest.json"))
    assert f"that of version {other}" in verify_version(store, version, manifest_only=True)[0].message


def test_a_part_built_of_other_content_is_found(store: ManagedStore, version: str, tmp_path: Path) -> None:
    """The bytes agree with their hashes and the index, and the clips table still says something else."""
    folder = one(tmp_path, "parts/landmarks/*/*/landmarks.zarr/landmarks/c/*/*/*").parents[5]
    array = zarr.open_array(folder / "landmarks.zarr" / "landmarks", mode="r+")
    array[:] = np.zeros(array.shape, np.float32)
    problems = verify_version(store, version)
    assert Check.CLIP_HASH in checks(problems)
    assert all(item.startswith(("M003", "W009")) for item in items(problems, Check.CLIP_HASH))


def test_clip_rows_are_compared_with_the_indices_of_their_parts(store: ManagedStore, version: str, tmp_path: Path) -> None:
    rewritten(tmp_path / "versions" / version / "clips.parquet", lambda rows: with_value(rows, "window_x_px", 2, 99.0))
    problems = [problem for problem in verify_version(store, version) if problem.check is Check.CLIP_ROW]
    assert [problem.item for problem in problems] == ["M003/angry/001_1_000"]
    assert "window_x_px: the part says 10.5, the table 99.0" in problems[0].message


def test_images_of_another_size_are_found(store: ManagedStore, version: str) -> None:
    manifest = VersionManifest.model_validate_json(store.read_bytes(f"versions/{version}/manifest.json"))
    spec = manifest.spec.model_copy(update={"crop": manifest.spec.crop.model_copy(update={"size_px": 128})})
    store.write_bytes(f"versions/{version}/manifest.json", manifest.model_copy(update={"spec": spec}).model_dump_json().encode())
    problems = verify_version(store, version)
    assert any("expected a JPEG of 128 x 128 pixels, found (64, 64)" in problem.message for problem in problems)


def test_problems_of_a_kind_are_listed_up_to_a_limit() -> None:
    found = ProblemList()
    for number in range(LISTED_PER_CHECK + 5):
        found.add(Check.OBJECT, str(number), "bad")
    assert len(found) == LISTED_PER_CHECK + 5
    assert found.all()[-1].message == "and 5 more problems of this kind"


def test_checks_of_tables_stand_alone(store: ManagedStore, version: str) -> None:
    problems = ProblemList()
    check_tables(store, VersionManifest.model_validate_json(store.read_bytes(f"versions/{version}/manifest.json")), version, problems)
    assert problems.all() == []


def test_a_part_of_stills_only_is_whole(store: ManagedStore) -> None:
    recordings = [SyntheticRecording("a", (1,), is_still=True), SyntheticRecording("b", (1,), is_still=True)]
    store_part(store, recordings)
    assert verify_version(store, publish(store, recordings).dataset_version) == []
