"""Counting what a run has done: by clip and by row, frames, and how long the rest will take."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable

from pipelines.rendering.batch.clip_plan import PlannedClip
from storage_schemas.render_results import ClipResult, ClipStatus


class RunTally:
    """Counts results; used from several threads.

    Args:
        clips: all clips of the list.
        failed_before: records of rows that are not rendered because the list's check found them wrong.

    Attributes:
        clips: how many the list asks for.
    """

    def __init__(self, clips: Iterable[PlannedClip], failed_before: Iterable[ClipResult] = ()) -> None:
        self.results: dict[tuple[int, int], ClipResult] = {}
        self.frames = 0
        self.clips_done = self.clips_skipped = 0
        self._takes = Counter(clip.number for clip in clips)
        self._made_rows: set[int] = set()
        self._started_s = time.monotonic()
        self._guard = threading.Lock()
        self._failed = 0
        for result in failed_before:
            self.results[result.row, result.take] = result
            self._takes[result.row] += 1
            self._failed += 1
        self._failed_before = self._failed
        self.clips = sum(self._takes.values())

    @property
    def failed(self) -> list[ClipResult]:
        """Records of what failed, by row."""
        return sorted((result for result in self.results.values() if result.status is ClipStatus.FAILED), key=lambda r: (r.row, r.take))

    def ordered(self) -> list[ClipResult]:
        """Return the records so far in the order of the list."""
        with self._guard:
            return [self.results[key] for key in sorted(self.results)]

    def add(self, result: ClipResult, was_there: bool) -> None:
        """Count a result."""
        with self._guard:
            self.results[result.row, result.take] = result
            self._failed += result.status is ClipStatus.FAILED
            if result.status is ClipStatus.DONE:
                self.clips_skipped += was_there
                self.clips_done += not was_there
                if not was_there:
                    self._made_rows.add(result.row)

    def add_frames(self, count: int) -> None:
        """Count frames that were made."""
        with self._guard:
            self.frames += count

    def rows(self) -> dict[str, int]:
        """Return rows, rows_done, rows_failed and rows_skipped; a row without a result counts as failed."""
        done = Counter(result.row for result in self.results.values() if result.status is ClipStatus.DONE)
        whole = {row for row, takes in self._takes.items() if done[row] == takes}
        return {
            "rows": len(self._takes),
            "rows_done": len(whole & self._made_rows),
            "rows_failed": len(self._takes) - len(whole),
            "rows_skipped": len(whole - self._made_rows),
        }

    def note(self) -> str:
        """Return frames, speed and time left, for people."""
        with self._guard:
            elapsed = time.monotonic() - self._started_s
            finished = len(self.results) - self.clips_skipped - self._failed_before
            left, failed, frames = self.clips - len(self.results), self._failed, self.frames
        parts = [f"{frames} frames, {frames / max(elapsed, 1e-9):.1f}/s"]
        if failed:
            parts.append(f"{failed} failed")
        if finished and left:
            parts.append(f"{_duration(elapsed / finished * left)} left")
        return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
