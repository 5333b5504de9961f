"""What verification finds: every problem with the item it is about, all of them before anything is said."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

LISTED_PER_CHECK = 1000


class Check(StrEnum):
    """What was looked at when a problem was found."""

    MANIFEST = "manifest"
    TABLE_FILE = "table_file"
    TABLE_ROWS = "table_rows"
    COUNTS = "counts"
    OBJECT = "object"
    PART_INDEX = "part_index"
    FRAMES = "frames"
    ARRAY = "array"
    CLIP_HASH = "clip_hash"
    CLIP_ROW = "clip_row"
    FACE_MODEL = "face_model"
    UNCHECKED = "unchecked"  # the checks could not go on


class Problem(BaseModel):
    """One thing that is wrong: the object, clip or table, and what was expected and found."""

    model_config = ConfigDict(frozen=True)

    check: Check
    item: str
    message: str


class ProblemList:
    """Collects problems; of each check the first `LISTED_PER_CHECK` are kept and the rest are counted."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._counts: Counter[Check] = Counter()

    def add(self, check: Check, item: str, message: str) -> None:
        """Add a problem."""
        self._counts[check] += 1
        if self._counts[check] <= LISTED_PER_CHECK:
            self._problems.append(Problem(check=check, item=item, message=message))

    def extend(self, problems: list[Problem]) -> None:
        """Add problems that were found elsewhere."""
        for problem in problems:
            self.add(problem.check, problem.item, problem.message)

    def __len__(self) -> int:
        return sum(self._counts.values())

    def all(self) -> list[Problem]:
        """Return the problems; where some of a check are left out, the last one says how many."""
        left_out = {check: count - LISTED_PER_CHECK for check, count in self._counts.items() if count > LISTED_PER_CHECK}
        more = [Problem(check=check, item="", message=f"and {count} more problems of this kind") for check, count in left_out.items()]
        return [*self._problems, *more]
