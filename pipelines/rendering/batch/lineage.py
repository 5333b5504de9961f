"""Where a clip comes from, as every clip says itself in its metadata, and reading that again."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, NamedTuple

import av
import av.error
import numpy as np
import orjson
from av.container import InputContainer
from av.video.stream import VideoStream

from pipelines.media_time import CLIP_FPS
from pipelines.rendering.batch.clip_sources import NamedClip
from pipelines.rendering.batch.thumbnails import thumbnail_of
from storage_schemas.render_results import DIGITAL_SOURCE_TYPE, SYNTHETIC_STATEMENT, ClipResult, ClipStatus


def lineage_of(named: NamedClip, models: dict[str, dict[str, Any]], settings: dict[str, Any], coefficients_sha256: str) -> dict[str, Any]:
    """Return the lineage of a clip as JSON values: the same for the same inputs, so nothing of the clock."""
    clip = named.clip
    return {
        "clip_id": named.clip_id,
        "synthetic": True,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "row": clip.number,
        "take": clip.take,
        "seed": clip.row.seed,
        "script": clip.row.filled(),
        "files_sha256": named.hashes,
        "models": models,
        "settings": settings,
        "coefficients_sha256": coefficients_sha256,
    }


def container_tags(named: NamedClip, lineage: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a clip's file."""
    row = named.clip.row
    return {
        "title": f"{os.path.basename(row.portrait)}, {row.emotion or row.emotion_reference or 'neutral'}"[:200],  # noqa: PTH119
        "comment": SYNTHETIC_STATEMENT,
        "description": orjson.dumps(lineage, option=orjson.OPT_SORT_KEYS).decode(),
    }


class FoundClip(NamedTuple):
    """What a clip's file says: its lineage (empty if it has none), its number of frames, and a JPEG of its middle frame."""

    lineage: dict[str, Any]
    frames: int
    thumbnail: bytes


def read_clip(file: BinaryIO) -> FoundClip:
    """Return what a clip's file says of itself."""
    try:
        with av.open(file, "r", format="mp4") as container:
            lineage = orjson.loads(container.metadata.get("description", ""))
            video = container.streams.video[0]
            return FoundClip(lineage if isinstance(lineage, dict) else {}, video.frames, _middle_frame(container, video))
    except (av.error.FFmpegError, orjson.JSONDecodeError, IndexError, StopIteration):
        return FoundClip({}, 0, b"")


def _middle_frame(container: InputContainer, video: VideoStream) -> bytes:
    middle = video.frames // 2
    container.seek(middle * av.time_base // CLIP_FPS)
    frame = next(frame for frame in container.decode(video) if frame.time * CLIP_FPS >= middle - 0.5)
    return thumbnail_of(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))


def result_of(named: NamedClip, lineage: dict[str, Any], *, frames: int, size: int, finished: str, thumbnail: bytes = b"") -> ClipResult:
    """Return the record of a clip that is done."""
    clip, models = named.clip, lineage["models"]
    return ClipResult(
        row=clip.number,
        take=clip.take,
        status=ClipStatus.DONE,
        output=named.output,
        clip_id=named.clip_id,
        frames=frames,
        seconds=frames / CLIP_FPS,
        size_bytes=size,
        **{kind: models.get(kind, {}).get("run", "") for kind in ("expflow", "poseflow", "vqig")},
        dataset=models["vqig"].get("dataset", ""),
        coefficients_sha256=lineage["coefficients_sha256"],
        lineage=orjson.dumps(lineage, option=orjson.OPT_SORT_KEYS).decode(),
        finished=finished,
        thumbnail=thumbnail,
        **asked(clip),
    )


def asked(clip: Any) -> dict[str, Any]:  # noqa: ANN401 - a PlannedClip; the schema's names are the row's
    """Return the columns of a result that repeat the row."""
    names = {"portrait", "audio", "text", "voice", "emotion", "emotion_reference", "intensity", "pose", "seed"}
    values: dict[str, Any] = clip.row.model_dump(mode="json", include=names)
    return values
