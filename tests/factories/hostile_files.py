"""A corpus full of files that a build must survive, each with the rejections that are right for it; the same seed gives the same bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage_schemas.rejections import RejectionReason
from tests.factories.hostile_kinds import KINDS, Kind
from tests.factories.hostile_names import NASTY_FOLDERS, NASTY_STEMS
from tests.factories.hostile_workshop import Workshop

GOOD_NAME = "good clip with a nasty name"
GOOD_FOLDER = "good clip in a nasty folder"


@dataclass(frozen=True)
class HostileFile:
    """One entry of a hostile corpus.

    Attributes:
        path: where it lies.
        kind: what is wrong with it.
        expected_reasons: rejections any of which is right; empty: it must be accepted.
        may_be_accepted: whether a build may also take it.
    """

    path: Path
    kind: str
    expected_reasons: frozenset[RejectionReason]
    may_be_accepted: bool


def write_hostile_files(
    folder: Path, count: int, seed: int, *, kinds: Collection[str] = (), nasty_names: Sequence[str] = NASTY_STEMS
) -> list[HostileFile]:
    """Fill a folder with hostile files: every kind once, then the repeatable kinds again and again.

    Files that must be accepted, because only their names are hostile, come first and are among the `count`.

    Args:
        folder: made if it is not there.
        count: how many; at least one of each kind if it is large enough.
        seed: of the random places, lengths and bits.
        kinds: names of kinds to write besides good clips with nasty names; empty: all that are possible here.
        nasty_names: names of good clips, without suffix.

    Returns:
        What was written, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[HostileFile] = []
    with tempfile.TemporaryDirectory() as scratch:
        shop = Workshop(Path(scratch), folder)
        for maker in _makers(kinds, nasty_names):
            if len(files) == count:
                break
            number = len(files)
            files.append(maker.write(shop, folder, number, np.random.default_rng([seed, number])))
    return files


def write_good_clips(folder: Path, count: int) -> list[Path]:
    """Write clips with a face and sound that every build accepts, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        shop = Workshop(Path(scratch), folder)
        return [shop.write_good(folder / f"good-{number:03d}.mp4", number) for number in range(count)]


@dataclass(frozen=True)
class _Maker:
    """One file to be written."""

    kind: Kind | None
    repetition: int = 0
    good_path: str = ""

    @property
    def name(self) -> str:
        if self.kind is not None:
            return self.kind.name
        return GOOD_FOLDER if "/" in self.good_path else GOOD_NAME

    def write(self, shop: Workshop, folder: Path, number: int, generator: np.random.Generator) -> HostileFile:
        if self.kind is None:
            path = folder / self.good_path
            path.parent.mkdir(parents=True, exist_ok=True)
            shop.write_good(path, number)
            return HostileFile(path, self.name, frozenset(), may_be_accepted=True)
        path = folder / f"{self._stem(number)}{self.kind.suffix}"
        self.kind.make(shop, path, generator)
        return HostileFile(path, self.kind.name, self.kind.reasons, self.kind.may_be_accepted)

    def _stem(self, number: int) -> str:
        """Return a name that says the kind; later repetitions carry a nasty name too, so that damage and name meet."""
        assert self.kind is not None
        plain = f"{number:03d} {self.kind.name}".replace("/", "-")
        nasty = NASTY_STEMS[number % len(NASTY_STEMS)]
        whole = f"{plain} {nasty}"
        return whole if self.repetition % 2 and len(whole.encode("utf-8", "surrogateescape")) < 240 else plain


def _makers(wanted: Collection[str], nasty_names: Sequence[str]) -> Iterator[_Maker]:
    """Yield good clips with nasty names, then every kind, then every repeatable kind again without end."""
    folders = NASTY_FOLDERS if not wanted or GOOD_FOLDER in wanted else ()
    yield from (_Maker(None, good_path=path) for path in [f"{stem}.mp4" for stem in nasty_names] + [f"{name}/clip.mp4" for name in folders])
    kinds = [kind for kind in KINDS if (not wanted or kind.name in wanted) and kind.possible()]
    repetition = 0
    while kinds:
        yield from (_Maker(kind, repetition) for kind in kinds)
        repetition += 1
        kinds = [kind for kind in kinds if repetition < kind.most]


def copy_good(files: list[HostileFile], folder: Path, target: Path) -> None:
    """Copy the files that must be accepted to the same relative paths of another folder."""
    for file in files:
        if not file.expected_reasons:
            copy = target / file.path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.path, copy)
