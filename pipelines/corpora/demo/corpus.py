"""Writes a demo corpus: talking-face clips in MEAD's tree, with their ground truth beside them and lists of held-out sentences."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipelines.corpora.demo.clip_plan import DEMO_VERSION, DemoClip, Side, plan_clips
from pipelines.corpora.demo.clip_writing import WrittenClip, write_demo_clip
from pipelines.corpora.demo.speakers import SPEAKERS
from pipelines.corpora.demo.speech import require_speech
from pipelines.media_time import CLIP_FPS
from storage_schemas.errors import BadInputError

_LOGGER = logging.getLogger(__name__)

MANIFEST_NAME = "corpus.json"
LIST_NAMES: dict[Side, str] = {side: f"splits/{side}.txt" for side in ("train", "validation", "test")}
"""Where the clip ids of each side are listed; a build divides the corpus by these lists unless it is told otherwise."""
LICENCE = "public domain (portrait: NASA, through scikit-image; speech synthesised with espeak-ng)"
CONSENT = "synthesised from an official portrait in the public domain; the person did not say these sentences"


class DemoCorpusSummary(BaseModel):
    """What `write_demo_corpus` did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    clips: int = Field(description="Clips in the corpus")
    clips_made: int = Field(description="Of them made now; the others were there already")
    frames: int
    duration_s: float
    speakers: int
    bytes: int = Field(description="Of videos and audio files together")


def write_demo_corpus(
    folder: Path,
    clips: int,
    seed: int,
    *,
    size_px: int = 512,
    speakers: int = len(SPEAKERS),
    progress: Callable[[int, int], None] | None = None,
) -> DemoCorpusSummary:
    """Write a demo corpus, or complete one that was begun with the same seed, size and speakers.

    The same arguments give the same bytes; the first clips of a larger corpus are those of a smaller one, and a sentence stays on its
    side. From 24 clips on there are clips for validation, from 104 on also for testing.

    Args:
        folder: root of the corpus; made if need be.
        clips: how many, 1 to 9,999; eight emotions take turns, so multiples of 8 are even.
        seed: 0 or more.
        size_px: side of the square videos, a multiple of 2 from 128 to 1,024.
        speakers: how many of the four speakers, 1 to 4.
        progress: called with (clips done, clips in all) after each clip.

    Raises:
        BadInputError: if an argument is out of range, espeak-ng is not installed, or the folder holds clips of another demo corpus.
        OSError: if a file cannot be written.
    """
    _check(clips, seed, size_px, speakers)
    require_speech()
    plan = plan_clips(clips, seed, size_px, speakers)
    _refuse_strangers(folder, plan)
    _write_lists(folder, plan)
    written = []
    for clip in plan:
        written.append(write_demo_clip(folder, clip))
        _LOGGER.debug("%s: %d frames%s", clip.clip_id, written[-1].frames, "" if written[-1].made else ", was there already")
        if progress is not None:
            progress(len(written), clips)
    return finish_demo_corpus(folder, written)


def finish_demo_corpus(folder: Path, written: Sequence[WrittenClip]) -> DemoCorpusSummary:
    """Write the manifest of a corpus whose clips are all written, and return its summary."""
    frames = sum(clip.frames for clip in written)
    manifest = {
        "format": "flowvqtalker-demo-corpus", "version": DEMO_VERSION, "licence": LICENCE, "consent": CONSENT, "fps": CLIP_FPS,
        "clips": [_manifest_row(clip) for clip in sorted(written, key=lambda clip: clip.clip.index)],
    }  # fmt: skip
    _replace_text(folder / MANIFEST_NAME, json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return DemoCorpusSummary(
        folder=str(folder), clips=len(written), clips_made=sum(clip.made for clip in written), frames=frames,
        duration_s=frames / CLIP_FPS, speakers=len({clip.clip.speaker for clip in written}),
        bytes=sum(clip.video_bytes + clip.audio_bytes for clip in written),
    )  # fmt: skip


def _manifest_row(written: WrittenClip) -> dict[str, Any]:
    clip = written.clip
    paths = {"video": clip.video.as_posix(), "audio": clip.audio.as_posix(), "truth": clip.truth.as_posix()}
    return {"clip_id": clip.clip_id, "frames": written.frames, **paths, **clip.model_dump(mode="json")}


def _write_lists(folder: Path, plan: Sequence[DemoClip]) -> None:
    """Write the lists before the clips, so that a corpus whose making was interrupted has no clip that is in none of them."""
    for side, name in LIST_NAMES.items():
        ids = sorted(clip.clip_id for clip in plan if clip.split == side)
        _replace_text(folder / name, "".join(f"{clip_id}\n" for clip_id in ids))


def _replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _check(clips: int, seed: int, size_px: int, speakers: int) -> None:
    if not 1 <= clips <= 9999:
        raise BadInputError(f"a demo corpus has 1 to 9,999 clips, got {clips}")
    if seed < 0:
        raise BadInputError(f"the seed must be 0 or more, got {seed}")
    if size_px % 2 or not 128 <= size_px <= 1024:
        raise BadInputError(f"the size of the videos must be an even number from 128 to 1,024 pixels, got {size_px}")
    if not 1 <= speakers <= len(SPEAKERS):
        raise BadInputError(f"a demo corpus has 1 to {len(SPEAKERS)} speakers, got {speakers}")


def _refuse_strangers(folder: Path, plan: Sequence[DemoClip]) -> None:
    """Refuse a folder with clips that are not of this corpus: a build of it would take them in."""
    expected = {clip.video.as_posix() for clip in plan}
    found = {path.relative_to(folder).as_posix() for path in folder.glob("*/video/**/*.mp4")}
    strangers = sorted(found - expected)
    if strangers:
        raise BadInputError(
            f"{folder} holds {len(strangers)} videos that are not of this demo corpus of {len(plan)} clips, e.g. {strangers[0]}: "
            "name an empty folder, or ask for the same speakers and at least as many clips as it holds"
        )
