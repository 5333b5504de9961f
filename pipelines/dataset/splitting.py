"""Splitting a dataset into train, validation and test: by lists that the corpus brings, by speaker, or by other lists of names."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dataset.split_lists import name_key, parse_name_list, recording_keys
from storage_schemas.build_spec import SplitMethod, SplitSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import canonical_json_bytes

TRAIN, VALIDATION, TEST, UNLISTED = "train", "validation", "test", "unlisted"
SPLITS = (TRAIN, VALIDATION, TEST, UNLISTED)
CORPUS_LISTS = {split: f"splits/{split}.txt" for split in (TRAIN, VALIDATION, TEST)}
"""Where a corpus may have lists of its own, relative to its folder: one name a line."""

_NAMES_SHOWN = 5

logger = logging.getLogger(__name__)

ReadList = Callable[[str], bytes]
"""Returns the bytes of a list, given its path as the settings have it; FileNotFoundError or OSError where it cannot."""


@dataclass(frozen=True)
class SplitAssignment:
    """Which row is in which split.

    Attributes:
        splits: one of SPLITS for each row of the table, in its order.
        clips: number of rows of each split.
        speakers: number of speakers of each split.
        shared_speakers: speakers in more than one of train, validation and test; empty for a split by speaker.
        unmatched: for each list, its names that fit no row (a list is often made for more data than was built).
        warnings: sentences for the report.
    """

    splits: pa.Array
    clips: dict[str, int]
    speakers: dict[str, int]
    shared_speakers: list[str] = field(default_factory=list)
    unmatched: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read_local_list(path: str) -> bytes:
    """Return the bytes of a list on the local file system."""
    return Path(path).read_bytes()


def assign_splits(
    clips: pa.Table, settings: SplitSettings, read_list: ReadList = read_local_list, *, source: Path | None = None
) -> SplitAssignment:
    """Say for each clip (or recording) which split it is in.

    By speaker, a speaker's split depends on nothing but the seed and the speaker, so adding others never moves anyone; the shares are
    expected values. By lists, rows that no list names are "unlisted". By corpus is by the lists in the source folder (`CORPUS_LISTS`)
    or, where it has none of them, by speaker.

    Args:
        clips: a table with the string columns `recording_id` and `speaker`.
        settings: method, shares, seed, speakers that are always test, lists.
        read_list: returns the bytes of a list.
        source: folder of the corpus; None: it brings no lists.

    Raises:
        BadInputError: if no list is given or one cannot be read, or if the lists put the same recording into two splits.
    """
    if settings.method is SplitMethod.BY_LISTS:
        return _by_lists(clips, settings, read_list)
    lists = _lists_of(source, read_list) if source and settings.method is SplitMethod.BY_CORPUS else {}
    return _by_corpus(clips, settings, lists) if lists else _by_speaker(clips, settings)


def speaker_split(speaker: str, settings: SplitSettings) -> str:
    """Return the split of a speaker: the SHA-256 of (seed, speaker) as a number in [0, 1) against the shares, test first."""
    if speaker in settings.test_speakers:
        return TEST
    digest = hashlib.sha256(canonical_json_bytes([settings.seed, speaker])).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < settings.test_share:
        return TEST
    return VALIDATION if position < settings.test_share + settings.validation_share else TRAIN


def _by_speaker(clips: pa.Table, settings: SplitSettings) -> SplitAssignment:
    speakers = clips["speaker"].combine_chunks().dictionary_encode()
    names = speakers.dictionary.to_pylist()
    splits = pa.array([speaker_split(name, settings) for name in names], pa.string()).take(speakers.indices)
    missing = sorted(set(settings.test_speakers) - set(names))
    warnings = [f"split.test_speakers: no clip of {', '.join(missing)}"] if missing else []
    asked = {VALIDATION: settings.validation_share > 0, TEST: settings.test_share > 0 or bool(settings.test_speakers), TRAIN: True}
    return _assignment(clips, splits, warnings, expected=[split for split, is_asked in asked.items() if is_asked])


def _lists_of(source: Path, read_list: ReadList) -> dict[str, list[str]]:
    """Return the names of each list that the corpus has; an empty file is an empty list."""
    lists = {}
    for split, name in CORPUS_LISTS.items():
        try:
            data = read_list(str(source / name))
        except FileNotFoundError:
            continue
        except OSError as error:
            msg = f"split list {name} of the corpus {source} cannot be read: {error.strerror or error}"
            raise BadInputError(msg) from error
        lists[split] = parse_name_list(data, name) if data.strip() else []
    return lists


def _by_corpus(clips: pa.Table, settings: SplitSettings, names: dict[str, list[str]]) -> SplitAssignment:
    """Divide by the corpus' own lists, which may well name more than was listed for the build."""
    splits, _ = _listed(clips, names)
    warnings = ["split.test_speakers is not heeded: the corpus has lists of its own"] if settings.test_speakers else []
    left_out = pc.sum(pc.equal(splits, UNLISTED)).as_py() or 0
    if left_out:
        warnings.append(f"{left_out} of {len(splits)} recordings are in none of the corpus' lists {', '.join(CORPUS_LISTS.values())}")
    return _assignment(clips, splits, warnings, expected=[split for split, listed in names.items() if listed])


def _by_lists(clips: pa.Table, settings: SplitSettings, read_list: ReadList) -> SplitAssignment:
    lists = {TRAIN: settings.train_list, VALIDATION: settings.validation_list, TEST: settings.test_list}
    given = {split: path for split, path in lists.items() if path}
    if not given:
        msg = "split.method is by_lists: expected at least one of split.train_list, validation_list and test_list, found none"
        raise BadInputError(msg)
    names = {split: parse_name_list(_read(path, read_list), path) for split, path in given.items()}
    splits, matched = _listed(clips, names)
    unmatched = {given[split]: [name for name in names[split] if name_key(name) not in matched] for split in given}
    warnings = [f"split list {path}: {len(left)} of its names fit no clip, e.g. {_some(left)}" for path, left in unmatched.items() if left]
    return _assignment(clips, splits, warnings, expected=list(given), unmatched=unmatched)


def _listed(clips: pa.Table, names: dict[str, list[str]]) -> tuple[pa.Array, set[str]]:
    """Return the split of each row by lists of names, and the keys of the names that fit a row."""
    split_of_key = _splits_by_key(names)
    ids = clips["recording_id"].combine_chunks().dictionary_encode()
    matched: set[str] = set()
    splits_of_ids = [_split_of(recording_id, split_of_key, matched) for recording_id in ids.dictionary.to_pylist()]
    return pa.array(splits_of_ids, pa.string()).take(ids.indices), matched


def _read(path: str, read_list: ReadList) -> bytes:
    try:
        return read_list(path)
    except OSError as error:
        msg = f"split list {path} cannot be read: {error.strerror or error}; paths are relative to the working folder"
        raise BadInputError(msg) from error


def _splits_by_key(names: dict[str, list[str]]) -> dict[str, str]:
    """Return the split of each key.

    Raises:
        BadInputError: if names of different lists mean the same recording.
    """
    splits: dict[str, str] = {}
    clashes: dict[str, str] = {}
    for split, listed in names.items():
        for name in listed:
            if splits.setdefault(name_key(name), split) != split:
                clashes[name] = f"{name} ({splits[name_key(name)]} and {split})"
    if clashes:
        msg = f"the split lists overlap: {len(clashes)} name(s) are in two of them, e.g. {_some(clashes.values())}"
        raise BadInputError(msg)
    return splits


def _split_of(recording_id: str, split_of_key: dict[str, str], matched: set[str]) -> str:
    found = [key for key in recording_keys(recording_id) if key in split_of_key]
    matched.update(found)
    splits = {split_of_key[key] for key in found}
    if len(splits) > 1:
        msg = f"the split lists overlap: {recording_id} is in {' and '.join(sorted(splits))} under the names {_some(found)}"
        raise BadInputError(msg)
    return splits.pop() if splits else UNLISTED


def _assignment(
    clips: pa.Table, splits: pa.Array, warnings: list[str], *, expected: list[str], unmatched: dict[str, list[str]] | None = None
) -> SplitAssignment:
    pairs = pa.table({"split": splits, "speaker": clips["speaker"]}).group_by(["split", "speaker"]).aggregate([]).to_pylist()
    speakers = Counter(pair["split"] for pair in pairs)
    sides = Counter(pair["speaker"] for pair in pairs if pair["split"] != UNLISTED)
    shared = sorted(speaker for speaker, count in sides.items() if count > 1)
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(splits).to_pylist()}
    if shared:
        warnings.append(f"{len(shared)} speaker(s) are in more than one split, as the lists say: {_some(shared)}")
    if clips.num_rows:
        known = len(set(clips["speaker"].unique().to_pylist()))
        warnings += [f"split {split} is empty; the dataset has {known} speaker(s)" for split in sorted(expected) if split not in counts]
    for warning in warnings:
        logger.warning(warning)
    return SplitAssignment(
        splits=splits,
        clips={split: counts.get(split, 0) for split in SPLITS},
        speakers={split: speakers.get(split, 0) for split in SPLITS},
        shared_speakers=shared,
        unmatched=unmatched or {},
        warnings=warnings,
    )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
    return ", ".join(listed[:_NAMES_SHOWN]) + more
