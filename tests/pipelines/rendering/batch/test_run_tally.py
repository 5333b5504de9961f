from __future__ import annotations

from pipelines.rendering.batch.clip_plan import plan_clips
from pipelines.rendering.batch.run_tally import RunTally
from storage_schemas.render_results import ClipResult, ClipStatus
from storage_schemas.script_rows import NumberedRow, ScriptRow


def result(row: int, take: int = 0, status: ClipStatus = ClipStatus.DONE) -> ClipResult:
    return ClipResult(row=row, take=take, status=status)


def test_a_row_is_done_when_all_its_takes_are() -> None:
    rows = [NumberedRow(number, ScriptRow(portrait="a", audio="b", takes=2)) for number in (2, 3, 4)]
    tally = RunTally(plan_clips(rows), [result(5, status=ClipStatus.FAILED)])

    tally.add(result(2, 0), was_there=True)
    tally.add(result(2, 1), was_there=False)
    tally.add(result(3, 0), was_there=True)
    tally.add(result(3, 1), was_there=True)
    tally.add(result(4, 0), was_there=False)
    tally.add(result(4, 1, ClipStatus.FAILED), was_there=False)
    tally.add_frames(30)

    assert tally.rows() == {"rows": 4, "rows_done": 1, "rows_failed": 2, "rows_skipped": 1}
    assert (tally.clips, tally.clips_done, tally.clips_skipped) == (7, 2, 3)
    assert [(item.row, item.take) for item in tally.failed] == [(4, 1), (5, 0)]
    assert tally.note().startswith("30 frames")


def test_a_row_without_a_result_counts_as_failed() -> None:
    tally = RunTally(plan_clips([NumberedRow(2, ScriptRow(portrait="a", audio="b"))]))

    assert tally.rows()["rows_failed"] == 1
