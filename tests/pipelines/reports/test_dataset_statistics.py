from __future__ import annotations

import pytest

from pipelines.reports.dataset_statistics import ClipStatistics, RejectionStatistics
from storage_schemas.rejections import RejectionReason
from tests.factories.report_tables import clip_batches, rejection_batch, rejection_batches


def clip_statistics(clips: int, batch_rows: int) -> ClipStatistics:
    statistics = ClipStatistics()
    for batch in clip_batches(clips, batch_rows=batch_rows):
        statistics.add(batch)
    return statistics


def test_totals_agree_with_each_other() -> None:
    statistics = clip_statistics(500, 64)

    assert statistics.clips == 500
    assert statistics.clips_by_group.total() == statistics.clips_by_split.total() == statistics.source_fps.total() == 500
    assert statistics.clips_by_size.total() == statistics.duration_s.total == statistics.licences.total() == 500
    assert statistics.frames == statistics.frames_by_split.total()
    assert statistics.hours == pytest.approx(sum(statistics.hours_of_split(split) for split in statistics.clips_by_split))
    assert statistics.speakers == 12


def test_a_speaker_counts_in_each_split_it_is_in() -> None:
    statistics = clip_statistics(240, 100)

    assert {split: len(speakers) for split, speakers in statistics.speakers_by_split.items()} == {"train": 8, "test": 2, "validation": 2}


def test_rejections_are_all_counted_while_few_rows_are_kept() -> None:
    statistics = RejectionStatistics()
    for _ in range(3):
        statistics.add(rejection_batch([(f"r{number}", RejectionReason.NO_FACE, "") for number in range(900)]))

    assert statistics.total == 2700
    assert len(statistics.rows[RejectionReason.NO_FACE]) == 1000


def test_rows_are_shared_out_so_that_rare_reasons_are_seen() -> None:
    statistics = RejectionStatistics()
    statistics.add(rejection_batch([(f"a{number:04d}", RejectionReason.NO_FACE, "") for number in range(500)]))
    statistics.add(rejection_batch([("b", RejectionReason.CRASHED, ""), ("c", RejectionReason.EMPTY_FILE, "")]))

    rows = statistics.rows_within(50)

    assert {reason: len(kept) for reason, kept in rows.items()} == {
        RejectionReason.CRASHED: 1,
        RejectionReason.EMPTY_FILE: 1,
        RejectionReason.NO_FACE: 48,
    }
    assert rows[RejectionReason.NO_FACE][0]["item_id"] == "a0000"


def test_never_more_rows_than_asked_for() -> None:
    statistics = RejectionStatistics()
    for batch in rejection_batches(5000, 512):
        statistics.add(batch)

    assert sum(map(len, statistics.rows_within(1000).values())) <= 1000
    assert statistics.rows_within(0) == {reason: [] for reason in RejectionReason}
