"""The face model's part of a report, from a version with coefficients to the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.reports.dataset_statistics import FitStatistics
from pipelines.reports.fit_clips import FIT_COLUMNS, choose_fit_clips
from pipelines.reports.fit_drawing import MODES_SHOWN
from pipelines.reports.fit_samples import read_fit_samples
from pipelines.reports.fit_view import fit_sentence
from pipelines.reports.version_report import make_version_report
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from tests.factories.dataset_versions import local_store
from tests.factories.face_models import small_face_model
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def published(folder: Path) -> Iterator[tuple[ManagedStore, VersionManifest]]:
    """A version of two fitted clips, a still and a clip that could not be fitted."""
    with local_store(folder) as store:
        yield store, publish_fitted(store)


def test_samples_hold_what_is_stored(published: tuple[ManagedStore, VersionManifest]) -> None:
    store, manifest = published
    clips = choose_fit_clips(read_batches(store, manifest.dataset_version, VersionTable.CLIPS, FIT_COLUMNS))
    assert sorted(clip.clip_id for clip in clips) == ["a_000", "b_000"]
    chance, worst = read_fit_samples(store, small_face_model(), clips)
    assert worst == []
    for sample in chance:
        frames = sample.clip.frames
        assert {name: values.shape[0] for name, values in sample.curves.items()} == dict.fromkeys(sample.curves, frames)
        assert [picture.index for picture in sample.pictures] == sorted({picture.index for picture in sample.pictures})
        assert len({picture.caption for picture in sample.pictures}) == 3
        poorest = next(picture.index for picture in sample.pictures if picture.caption == "poorest fit")
        assert poorest == int(np.nanargmax(sample.curves["residual"]))
        assert all(0 < picture.mesh[:, :2].mean() < 1 for picture in sample.pictures)


def test_the_page_has_the_pictures(published: tuple[ManagedStore, VersionManifest], folder: Path) -> None:
    store, manifest = published
    tables = folder / "versions" / manifest.dataset_version
    html = make_version_report(store, manifest, tables)
    assert "<h2>Face model</h2>" in html
    assert manifest.face_model in html
    assert "2 clips fitted; median error" in html
    assert html.count("mouth open widest") == 2 * 2  # alt and title
    assert html.count('width="120"') == 1 + 2 * MODES_SHOWN
    assert html.count('class="smooth"') == 2 * 7
    assert html.count('class="raw"') == 2 * 6
    assert make_version_report(store, manifest, tables) == html


def test_a_page_without_coefficients_says_why(published: tuple[ManagedStore, VersionManifest], folder: Path) -> None:
    store, manifest = published
    tables = folder / "versions" / manifest.dataset_version
    html = make_version_report(store, manifest.model_copy(update={"face_model": ""}), tables)
    assert "<h2>Face model</h2>" not in html
    assert "no coefficients: a face model needs 128 frames" in html


def test_a_missing_model_is_named(published: tuple[ManagedStore, VersionManifest], folder: Path) -> None:
    store, manifest = published
    with pytest.raises((StoreError, FileNotFoundError), match="learned-0000"):
        make_version_report(
            store, manifest.model_copy(update={"face_model": "learned-0000"}), folder / "versions" / manifest.dataset_version
        )


def test_the_sentence_counts_frames(published: tuple[ManagedStore, VersionManifest]) -> None:
    store, manifest = published
    statistics = FitStatistics()
    for batch in read_batches(store, manifest.dataset_version, VersionTable.CLIPS):
        statistics.add(batch)
    assert (statistics.clips, statistics.frames, statistics.error_percent_iod.total) == (2, 55, 2)
    assert 0 <= statistics.flagged_frames_share <= 1
    assert fit_sentence(FitStatistics()).startswith("0 clips fitted")
