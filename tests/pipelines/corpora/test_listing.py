"""What every layout has in common: order, unique ids, filters, messages, scale."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.corpora.listing import LAYOUTS, list_corpus
from pipelines.corpora.listing_builder import ListingBuilder
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion, unescape_path
from storage_schemas.recordings import RECORDING_SCHEMA, Recording
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import mead_paths, write_files

STRANGE_NAMES = [
    b"with space.mp4", b"hash#1.mp4", b"it's \"quoted\".mp4", b"new\nline.mp4", b"semi;colon.mp4", b"`id`.mp4", b"$(touch x).mp4",
    b"latin-\xe9.mp4", "café.mp4".encode(), "cafe\u0301.mp4".encode(), "\u202eevil.mp4".encode(), b"100%.mp4", b"100%25.mp4",
    b"back\\slash.mp4", b"-rf.mp4", "\U0001f600.mp4".encode(), b"tab\t.mp4", b"a b/c d/e f.mp4",
]  # fmt: skip


def test_every_layout_has_a_reader() -> None:
    assert set(LAYOUTS) == set(Layout)


def test_strange_names_are_just_names(tmp_path: Path) -> None:
    write_files(tmp_path, STRANGE_NAMES)
    listing = list_corpus(tmp_path, Layout.FOLDER, CorpusSettings())
    ids = listing.recordings["recording_id"].to_pylist()
    assert listing.rejections == []
    assert len(set(ids)) == len(STRANGE_NAMES)
    assert all("\n" not in recording_id for recording_id in ids)
    for path in listing.recordings["video"].to_pylist():
        assert (tmp_path / unescape_path(path)).is_file()


@pytest.mark.parametrize("layout", list(Layout))
def test_nothing_there_is_an_error(tmp_path: Path, layout: Layout) -> None:
    write_files(tmp_path, ["readme.txt"])
    with pytest.raises(BadInputError, match="expected at least one"):
        list_corpus(tmp_path, layout, CorpusSettings())
    with pytest.raises(BadInputError, match="expected a folder"):
        list_corpus(tmp_path / "missing", layout, CorpusSettings())


def test_only_rejections_is_a_listing(tmp_path: Path) -> None:
    write_files(tmp_path, ["a.mp4"], b"")
    listing = list_corpus(tmp_path, Layout.FOLDER, CorpusSettings())
    assert listing.recordings.num_rows == 0
    assert listing.recordings.schema == RECORDING_SCHEMA
    assert [(one.item_id, one.reason) for one in listing.rejections] == [("a.mp4", RejectionReason.EMPTY_FILE)]


@pytest.mark.parametrize(
    ("layout", "settings"),
    [
        (Layout.MEAD, CorpusSettings(labels_csv="a.csv")),
        (Layout.FOLDER, CorpusSettings(views=["front"])),
        (Layout.HDTF, CorpusSettings(levels=[1])),
        (Layout.FFHQ, CorpusSettings(annotations="x")),
    ],
)
def test_settings_of_another_layout_are_an_error(tmp_path: Path, layout: Layout, settings: CorpusSettings) -> None:
    with pytest.raises(BadInputError, match="is for layout"):
        list_corpus(tmp_path, layout, settings)


def test_filters_that_leave_nothing_say_what_there_is(tmp_path: Path) -> None:
    write_files(tmp_path, mead_paths(emotions=["angry"], levels=[1, 2]))
    with pytest.raises(BadInputError, match="2 with level 1, 2 with level 2"):
        list_corpus(tmp_path, Layout.MEAD, CorpusSettings(levels=[3]))
    with pytest.raises(BadInputError, match="unknown 'furious'; known are angry"):
        list_corpus(tmp_path, Layout.MEAD, CorpusSettings(emotions=["furious"]))


def test_licence_and_consent_of_the_settings_fill_gaps(tmp_path: Path) -> None:
    write_files(tmp_path, [*mead_paths()])
    settings = CorpusSettings(licence="mine", consent="given")
    mead = list_corpus(tmp_path, Layout.MEAD, settings).recordings
    folder = list_corpus(tmp_path, Layout.FOLDER, settings).recordings
    assert mead["licence"][0].as_py().startswith("MEAD: for research only")
    assert set(mead["consent"].to_pylist()) == set(folder["consent"].to_pylist()) == {"given"}
    assert set(folder["licence"].to_pylist()) == {"mine"}


def test_batches_sort_and_duplicates() -> None:
    builder = ListingBuilder(CorpusSettings())
    count = 40_000  # more than two batches
    for number in reversed(range(count)):
        builder.add(Recording(recording_id=f"r{number:06d}", video=f"v{number}.mp4", speaker="s", emotion=Emotion.SAD))
    builder.add(Recording(recording_id="r000007", video="second.mp4", speaker="s"))
    builder.add(Recording(recording_id="r000007", video="again.mp4", speaker="s"))
    listing = builder.finish("nothing")
    ids = listing.recordings["recording_id"].to_pylist()
    assert ids == sorted(ids)
    assert len(ids) == count
    assert listing.recordings["emotion"][1].as_py() == "sad"
    assert [(one.item_id, one.reason) for one in listing.rejections] == [("r000007", RejectionReason.DUPLICATE_RECORDING)] * 2


def test_many_files_are_all_listed(tmp_path: Path) -> None:
    write_files(tmp_path, [f"{speaker:02d}/{number:04d}.mp4" for speaker in range(20) for number in range(1000)])
    listing = list_corpus(tmp_path, Layout.FOLDER, CorpusSettings())
    assert isinstance(listing.recordings, pa.Table)
    assert listing.recordings.num_rows == 20_000
    assert len(listing.recordings["speaker"].unique()) == 20
