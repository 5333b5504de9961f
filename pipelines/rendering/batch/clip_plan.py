"""From rows to clips: their order, their chunks and groups, and the hash that names each.

Order and groups are decided by the list alone, never by what is already done: rounding depends on what is computed together, so a run that
was stopped and goes on gives the same bytes as one that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from storage_schemas.identifiers import content_hash
from storage_schemas.render_results import CLIP_ID_DIGITS, CLIPS_FOLDER
from storage_schemas.script_rows import CLIP_SUFFIX, POSE_AUDIO, POSE_FIXED, NumberedRow, ScriptRow

PLAN_VERSION = 1
"""Counts changes of what a clip of the same inputs shows."""


@dataclass(frozen=True)
class PlannedClip:
    """A take of a row.

    Attributes:
        number: of the row, as a spreadsheet shows it.
        row: what was asked for.
        take: number of the take, from 0.
    """

    number: int
    row: ScriptRow
    take: int

    @property
    def name(self) -> str:
        """For messages and logs."""
        return f"row {self.number}" + (f" take {self.take}" if self.row.takes > 1 else "")

    def files(self) -> dict[str, str]:
        """Return the addresses of the files that the row names, by column."""
        named = {"portrait": self.row.portrait, "audio": self.row.audio, "emotion_reference": self.row.emotion_reference}
        if self.row.pose not in (POSE_AUDIO, POSE_FIXED):
            named["pose"] = self.row.pose
        return {column: address for column, address in named.items() if address}

    def clip_id(self, hashes: dict[str, str], settings: dict[str, Any]) -> str:
        """Return the hash of everything that decides what the clip shows.

        Args:
            hashes: SHA-256 of each file of `files`.
            settings: JSON values: runs, and how clips are made.
        """
        row = self.row.model_dump(mode="json", include={"text", "voice", "emotion", "intensity", "seed"})
        pose = "" if "pose" in hashes else self.row.pose
        identity = {"version": PLAN_VERSION, "row": row, "pose": pose, "files": hashes, "take": self.take, "settings": settings}
        return content_hash(identity)[:CLIP_ID_DIGITS]

    def output(self, clip_id: str) -> str:
        """Return where the clip goes, relative to the output folder."""
        return self.row.clip_name(self.take) or f"{CLIPS_FOLDER}/{clip_id}{CLIP_SUFFIX}"


def plan_clips(rows: Iterable[NumberedRow]) -> list[PlannedClip]:
    """Return the clips of a list, those of one portrait side by side, portraits and rows in the order of the list."""
    first_of: dict[str, int] = {}
    clips = []
    for number, row in rows:
        first_of.setdefault(row.portrait, number)
        clips += [PlannedClip(number, row, take) for take in range(row.takes)]
    return sorted(clips, key=lambda clip: (first_of[clip.row.portrait], clip.number, clip.take))


def cut(clips: Sequence[PlannedClip], size: int) -> list[Sequence[PlannedClip]]:
    """Return runs of `size` clips, the last one shorter."""
    return [clips[start : start + size] for start in range(0, len(clips), size)]
