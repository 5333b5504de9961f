"""A version with coefficients: what its rows say, what verification and collection make of its face model, and versions without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.comparing import diff_versions
from pipelines.dataset.face_model_store import face_model_folder
from pipelines.dataset.problems import Check
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.row_digests import RowDigest
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.version_identity import content_id, hashed_spec
from pipelines.dataset.version_summary import summarise_version
from pipelines.dataset.version_tables import VersionTable, read_rows, sha256_of
from pipelines.dataset.versions import manifest_bytes, parse_manifest
from storage_schemas.build_spec import BuildSpec, FaceModelSettings
from storage_schemas.clips import CLIP_COLUMNS_BY_FORMAT, FamilyHashes
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.part_layout import Family, PartClip, RowRange, part_path
from tests.factories.dataset_parts import SPEC, store_part
from tests.factories.dataset_versions import CREATED, description, local_store
from tests.factories.face_models import small_face_model
from tests.factories.file_systems import make_read_only, tiny_file_system
from tests.factories.fitted_versions import RECORDINGS, publish_fitted

LATER = time.time() + 100_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


def test_rows_say_where_coefficients_are_and_how_good(store: ManagedStore) -> None:
    manifest = publish_fitted(store)
    rows = {row["clip_id"]: row for row in read_rows(store, manifest.dataset_version, VersionTable.CLIPS)}
    assert sorted(rows) == ["a_000", "b_000", "c_000"]
    assert [(rows[clip]["coefficients_start"], rows[clip]["identity_row"]) for clip in ("a_000", "b_000")] == [(0, 0), (30, 1)]
    assert rows["a_000"]["coefficients_part"] == "c" * 32
    assert 0 < rows["a_000"]["fit_error_percent_iod"] < 2
    assert 0 < rows["a_000"]["fit_jitter_ratio"] < 1
    assert (rows["c_000"]["coefficients_part"], rows["c_000"]["coefficients_sha256"]) == ("", "")
    rejections = list(read_rows(store, manifest.dataset_version, VersionTable.REJECTIONS))
    assert [(row["item_id"], row["stage"], row["reason"]) for row in rejections] == [("a_001", "face_model", "face_lost")]
    assert verify_version(store, manifest.dataset_version) == []


def test_a_poor_fit_is_filtered_with_a_keep_rate(store: ManagedStore) -> None:
    manifest = publish_fitted(store, max_error_percent_iod=1e-6)
    rejections = list(read_rows(store, manifest.dataset_version, VersionTable.REJECTIONS))
    poor = [row for row in rejections if row["reason"] == "poor_fit"]
    assert [(row["item_id"], row["stage"]) for row in poor] == [("a_000", "face_model"), ("b_000", "face_model")]
    assert manifest.keep_rates["filter:poor_fit"] == pytest.approx(1 / 3, abs=1e-6)
    assert manifest.counts["clips"] == 1


def test_the_summary_has_the_quality(store: ManagedStore) -> None:
    summary = summarise_version(store, publish_fitted(store).dataset_version)
    assert summary.quality is not None
    assert summary.quality["expression_variance_64"] == small_face_model().meta["expression_variance_64"]
    rows = list(read_rows(store, summary.dataset_version, VersionTable.CLIPS))
    errors = [row["fit_error_percent_iod"] for row in rows if row["coefficients_part"]]
    assert summary.quality["reprojection_error_percent_iod"] == pytest.approx(sum(errors) / 2, abs=1e-6)


def test_a_missing_or_wrong_face_model_is_found(store: ManagedStore) -> None:
    manifest = publish_fitted(store)
    path = f"{face_model_folder(manifest.face_model)}/model.safetensors"
    store.write_bytes(path, b"another")
    assert [problem.check for problem in verify_version(store, manifest.dataset_version)] == [Check.FACE_MODEL]
    store.delete_folder(face_model_folder(manifest.face_model))
    (problem,) = verify_version(store, manifest.dataset_version)
    assert (problem.check, problem.item) == (Check.FACE_MODEL, manifest.face_model)
    assert summarise_version(store, manifest.dataset_version).quality is not None


def test_a_store_that_cannot_be_written_is_verified(tmp_path: Path) -> None:
    with tiny_file_system("64m") as disk:
        with local_store(disk / "store") as writable:
            version = publish_fitted(writable).dataset_version
        make_read_only(disk)
        with local_store(disk / "store") as store:
            assert verify_version(store, version) == []


def test_damaged_coefficients_are_found(store: ManagedStore, tmp_path: Path) -> None:
    manifest = publish_fitted(store)
    chunk = next((tmp_path / "store" / part_path(Family.COEFFICIENTS, "c" * 32)).rglob("rho/c/0/0"))
    chunk.chmod(0o644)
    data = bytearray(chunk.read_bytes())
    data[20] ^= 1
    chunk.write_bytes(data)
    assert Check.OBJECT in {problem.check for problem in verify_version(store, manifest.dataset_version)}


def test_collection_keeps_models_that_versions_name(store: ManagedStore) -> None:
    manifest = publish_fitted(store)
    assert collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER).face_models == []
    done = collect_garbage(store, KeepPolicy(untagged=False), dry_run=False, now_s=LATER)
    assert (done.versions, done.face_models) == ([manifest.dataset_version], [face_model_folder(manifest.face_model)])


def test_another_face_model_is_named_in_a_diff(store: ManagedStore) -> None:
    part = store_part(store, RECORDINGS)
    before, after = (
        publish_version(store, description(face_model=model), VersionContent([part]), created=CREATED) for model in ("", "learned-0")
    )
    diff = diff_versions(store, before.dataset_version, after.dataset_version)
    assert diff.model_hashes == {"face_model": ("", "learned-0")}


def _as_format_1(store: ManagedStore, folder: Path, manifest: VersionManifest) -> str:
    """Rewrite a version without coefficients as the program wrote it before there were any, and return its id."""
    old = folder / "versions" / manifest.dataset_version
    table = pq.read_table(old / "clips.parquet")
    table = table.select(table.column_names[: CLIP_COLUMNS_BY_FORMAT[1]])
    for path in old.iterdir():
        path.chmod(0o644)
    pq.write_table(table, old / "clips.parquet")
    digest = RowDigest(VersionTable.CLIPS.schema_of_format(1))
    for batch in table.to_batches():
        digest.update(batch)
    with (old / "clips.parquet").open("rb") as file:
        sha256 = sha256_of(file)[0]
    values = orjson.loads(manifest_bytes(manifest)) | {"format": 1}
    del values["spec"]["face_model"]
    values["content"]["clips"], values["files"]["clips"] = digest.hexdigest(), sha256
    version = content_id(parse_manifest(orjson.dumps(values), "m.json"))
    old.chmod(0o755)
    (old / "manifest.json").write_bytes(orjson.dumps(values | {"dataset_version": version}))
    old.rename(folder / "versions" / version)
    return version


def test_versions_from_before_stay_readable(store: ManagedStore, tmp_path: Path) -> None:
    spec = BuildSpec(name="old", crop=SPEC.crop, face_model=FaceModelSettings(enabled=False))
    part = store_part(store, RECORDINGS)
    manifest = publish_version(store, description(spec), VersionContent([part]), created=CREATED)
    version = _as_format_1(store, tmp_path / "store", manifest)
    assert verify_version(store, version) == []
    assert summarise_version(store, version).quality is None
    row = next(read_rows(store, version, VersionTable.CLIPS))
    assert (row["clip_id"], row["coefficients_part"], row["fit_error_percent_iod"]) == ("a_000", "", 0.0)
    assert "face_model" not in hashed_spec(spec)


def test_how_a_model_is_found_does_not_enter_hashes() -> None:
    policies: list[dict[str, Any]] = [{}, {"policy": "refit"}, {"policy": "named", "name": "learned-01"}]
    specs = [FaceModelSettings(enabled=True, **policy) for policy in policies]
    hashed = [hashed_spec(BuildSpec(face_model=settings)) for settings in specs]
    assert hashed[0] == hashed[1] == hashed[2]
    assert hashed[0] != hashed_spec(BuildSpec(face_model=FaceModelSettings(enabled=True, identity_frames=9)))


def test_parts_without_coefficients_have_the_bytes_of_before() -> None:
    clip = RECORDINGS[0].clips()[0]
    item = PartClip(clip=clip, hashes=FamilyHashes(frames="ab"), ranges={"frames": RowRange(start=0, count=3)})
    assert set(item.model_dump(mode="json")) == {"clip", "hashes", "ranges"}
    assert item.model_dump(mode="json")["hashes"] == {"frames": "ab", "landmarks": "", "audio": ""}
