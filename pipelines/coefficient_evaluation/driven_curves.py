"""The curves that drove the mouths of a demo corpus: truth that no tracker and no face model has touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo.corpus import MANIFEST_NAME
from pipelines.corpora.demo.truth import read_truth
from pipelines.media_time import seconds_to_frames
from storage_schemas.errors import BadInputError


def driven_mouth_openings(corpus: Path, clips: Iterable[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """Return how far the mouth was driven open in each clip, (frames,) by clip id: the jaw's opening less what the lips close of it.

    Args:
        corpus: folder that `flowvqtalker corpus demo` wrote.
        clips: rows of a version's clips table with clip_id, source_video, source_start_s and frames.

    Raises:
        BadInputError: the folder is no demo corpus, or lacks the truth of a clip.
    """
    truth_of = _truth_paths(corpus)
    return {str(clip["clip_id"]): _opening(corpus, truth_of, clip) for clip in clips}


def _truth_paths(corpus: Path) -> dict[str, str]:
    path = corpus / MANIFEST_NAME
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["clips"]
        return {str(row["video"]): str(row["truth"]) for row in rows}
    except FileNotFoundError as error:
        raise BadInputError(f"{corpus} is no demo corpus: it has no {MANIFEST_NAME}; name the folder the version was built from") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path}: expected the manifest of a demo corpus ({type(error).__name__}: {error})") from error


def _opening(corpus: Path, truth_of: Mapping[str, str], clip: Mapping[str, Any]) -> NDArray[np.float64]:
    name = truth_of.get(str(clip["source_video"]))
    if name is None:
        raise BadInputError(f"{corpus} has no truth for {clip['clip_id']} ({clip['source_video']}): the version was built from another one")
    try:
        truth = read_truth(corpus / name)
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(f"{corpus / name}: no readable truth ({type(error).__name__}: {error}); make the corpus again") from error
    first = seconds_to_frames(float(clip["source_start_s"]))
    opening = truth.curve("jaw") - truth.curve("lips_gap_closed")
    return np.asarray(opening[first : first + int(clip["frames"])], dtype=np.float64)
