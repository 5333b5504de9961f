"""How planning, publishing, comparing and verifying grow with the number of clips, measured on synthetic listings without media.

Every stage runs in a process of its own, so that its peak memory is its own. Part indices are made while they are consumed, as bytes
that are then parsed like a stored `part.json`; making them is part of the time of the manifest stages and is also given alone.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from pipelines.dataset.clip_rows import BuiltPart, StoredIndex, with_splits
from pipelines.dataset.comparing import diff_versions
from pipelines.dataset.part_arrays import arrays_of
from pipelines.dataset.planning import PlannedPart, coefficient_recipe, content_keys, family_recipes, part_key, plan_parts
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.splitting import speaker_split
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.version_identity import BuildDescription
from storage_schemas.build_spec import BuildSpec
from storage_schemas.errors import BuildFailedError
from storage_schemas.identifiers import clip_key
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family
from storage_schemas.recordings import RECORDING_SCHEMA

OpenStore = Callable[[str], ObjectStore]
"""Opens a store by its address; a function of a module, since another process calls it."""

CHANGED_SHARE = 0.01
_SPEC = BuildSpec(name="scale")
_FRAMES = 75
_FACE_MODEL = "learned-0123456789abcdef"
_CREATED = "1970-01-01T00:00:00Z"
_RECORDINGS_PER_BATCH = 16_384
_OBJECTS = {
    Family.FRAMES: ("frames.tar",),
    Family.LANDMARKS: (
        "landmarks.zarr/detected/c/0", "landmarks.zarr/detected/zarr.json",
        "landmarks.zarr/landmarks/c/0/0/0", "landmarks.zarr/landmarks/zarr.json", "landmarks.zarr/zarr.json",
    ),
    Family.AUDIO: (
        "audio.zarr/log_mel/c/0/0", "audio.zarr/log_mel/zarr.json",
        "audio.zarr/waveform/c/0", "audio.zarr/waveform/zarr.json", "audio.zarr/zarr.json",
    ),
    Family.COEFFICIENTS: (
        *(f"coefficients.zarr/{layout.name}/{name}" for layout in arrays_of(Family.COEFFICIENTS) for name in ("c/0", "zarr.json")),
        "coefficients.zarr/zarr.json",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Work:
    open_store: OpenStore
    store_uri: str
    clips: int
    seed: int
    changed_share: float = 0.0


def measure_scale(open_store: OpenStore, store_uri: str, clips: int = 300_000, seed: int = 0) -> dict[str, Any]:
    """Measure planning, manifest writing, diff against a version with 1 % changes, and verification of tables.

    Args:
        open_store: opens the store in each process.
        store_uri: an empty store; two versions of some 130 bytes a clip each are left in it.
        clips: number of synthetic clips, one a recording.
        seed: of their contents.

    Returns:
        JSON-able: clips, parts, objects, and for each stage (`listing`, `plan`, `indices`, `publish`, `publish_changed`, `diff`,
        `verify_manifest_only`) `seconds`, `cpu_seconds` (of the process, imports included) and `peak_rss_mb`;
        `total_seconds` without listing and indices, and the largest `peak_rss_mb`.

    Raises:
        BuildFailedError: if a stage fails or finds something wrong.
    """
    work = _Work(open_store, store_uri, clips, seed)
    changed = _Work(open_store, store_uri, clips, seed, CHANGED_SHARE)
    stages: dict[str, dict[str, Any]] = {
        "listing": _measured(_make_listing, work),
        "plan": _measured(_plan, work),
        "indices": _measured(_make_indices, work),
        "publish": _measured(_publish, work),
        "publish_changed": _measured(_publish, changed),
    }
    versions = stages["publish"].pop("result"), stages["publish_changed"].pop("result")
    stages["diff"] = _measured(_diff, work, versions[0]["id"], versions[1]["id"])
    stages["verify_manifest_only"] = _measured(_verify, work, versions[0]["id"])
    parts = stages["plan"].pop("result")
    required = ("plan", "publish", "diff", "verify_manifest_only")
    return {
        "clips": clips,
        "parts": parts,
        "objects": versions[0]["objects"],
        "differences": stages["diff"].pop("result"),
        "stages": {name: {key: value for key, value in stage.items() if key != "result"} for name, stage in stages.items()},
        "total_seconds": round(sum(stages[name]["seconds"] for name in required), 2),
        "peak_rss_mb": max(stages[name]["peak_rss_mb"] for name in required),
    }


def synthetic_recordings(clips: int, seed: int, changed_share: float = 0.0) -> Iterator[pa.RecordBatch]:
    """Yield a listing in RECORDING_SCHEMA, sorted, one recording a clip; a share of the recordings has other content.

    Sizes are those of MEAD: some 100 recordings of 3 s for each of the speakers.
    """
    for start in range(0, clips, _RECORDINGS_PER_BATCH):
        numbers = np.arange(start, min(start + _RECORDINGS_PER_BATCH, clips))
        draws = np.random.default_rng([seed, start]).random(len(numbers))
        rows = [_recording_row(int(number), seed + (draw < changed_share)) for number, draw in zip(numbers, draws, strict=True)]
        columns = [pa.array(values, type=field.type) for values, field in zip(zip(*rows, strict=True), RECORDING_SCHEMA, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=RECORDING_SCHEMA)


def _recording_row(number: int, seed: int) -> tuple[Any, ...]:
    speaker = f"M{number // 100:06d}"
    recording_id = f"{speaker}/front/angry/level_1/{number % 100:03d}"
    sha256 = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
    return (
        recording_id, f"{recording_id}.mp4", f"{recording_id}.m4a", False, 0.0, 0.0, speaker, "angry", 1, "front", "en", "research", "",
        0, 0, 0, 0, 0, 1.0, 2_000_000, sha256, sha256,
    )  # fmt: skip


def synthetic_parts(batches: Iterator[pa.RecordBatch]) -> Iterator[BuiltPart]:
    """Yield the planned parts of a listing with the indices that building them would have left."""
    recipes = _recipes()
    for part in plan_parts(batches, _SPEC.parts):
        splits = [speaker_split(speaker, _SPEC.split) for speaker in part.recordings.column("speaker").to_pylist()]
        recordings = with_splits(part.recordings, pa.array(splits, pa.string()))
        keys = part.content_keys()
        stored = {family: StoredIndex.from_bytes(_index_bytes(part, family, part_key(family, keys, recipes))) for family in Family}
        yield BuiltPart(recordings, stored)


def _recipes() -> dict[Family, str]:
    recipes = family_recipes(_SPEC, {}, {}, {})
    return recipes | {Family.COEFFICIENTS: coefficient_recipe(recipes[Family.LANDMARKS], _FACE_MODEL, _SPEC, {}, {})}


def _index_bytes(part: PlannedPart, family: Family, key: str) -> bytes:
    ids, shas = (part.recordings.column(name).to_pylist() for name in ("recording_id", "video_sha256"))
    recordings = [_part_recording(ids[row], shas[row], family, row) for row in range(len(ids))]
    objects = [{"path": path, "size_bytes": 10_000_000, "sha256": hashlib.sha256(key.encode()).hexdigest()} for path in _OBJECTS[family]]
    return orjson.dumps({"format": 1, "family": family.value, "key": key, "recordings": recordings, "objects": objects})


def _part_recording(recording_id: str, sha256: str, family: Family, row: int) -> dict[str, Any]:
    clip_id = f"{recording_id}_000"
    clip = {
        "clip_id": clip_id, "clip_key": clip_key(clip_id), "recording_id": recording_id, "frames": _FRAMES, "source_start_s": 0.04,
        "window_x_px": 704.5, "window_y_px": 212.25, "window_size_px": 512.0, "window_source": "tracked", "source_width_px": 1920,
        "source_height_px": 1080, "source_fps": 29.97, "frames_held": 0, "face_height_px": 310.5, "detection_rate": 1.0,
    }  # fmt: skip
    rows = {Family.FRAMES: {"frames": _FRAMES}} | {
        family: {layout.name: 1 if layout.name == "identity" else _FRAMES for layout in arrays_of(family)}
        for family in (Family.LANDMARKS, Family.COEFFICIENTS)
    }
    counts = rows.get(family, {"waveform": _FRAMES * 640, "log_mel": 1 + _FRAMES * 640 // 200})
    ranges = {name: {"start": row * count, "count": count} for name, count in counts.items()}
    hashes = {family.value: sha256}
    fit = {"error_percent_iod": 0.31, "jitter_ratio": 0.35, "flagged_share": 0.0} if family is Family.COEFFICIENTS else None
    stored = {"clip": clip, "hashes": hashes, "ranges": ranges, "fit": fit}
    return {"recording_id": recording_id, "content_key": sha256, "clips": [stored]}


def _make_listing(work: _Work) -> int:
    return sum(batch.num_rows for batch in synthetic_recordings(work.clips, work.seed))


def _plan(work: _Work) -> int:
    recipes = _recipes()
    parts = 0
    for part in plan_parts(synthetic_recordings(work.clips, work.seed), _SPEC.parts):
        keys = content_keys(part.recordings)
        parts += len({part_key(family, keys, recipes) for family in Family}) == len(Family)
    return parts


def _make_indices(work: _Work) -> int:
    return sum(1 for _ in synthetic_parts(synthetic_recordings(work.clips, work.seed)))


def _publish(work: _Work) -> dict[str, Any]:
    store = work.open_store(work.store_uri)
    content = VersionContent(synthetic_parts(synthetic_recordings(work.clips, work.seed, work.changed_share)))
    manifest = publish_version(store, BuildDescription(_SPEC, {}, {}, {}, _FACE_MODEL), content, created=_CREATED, check_objects=False)
    return {"id": manifest.dataset_version, "objects": manifest.counts["objects"]}


def _diff(work: _Work, a: str, b: str) -> dict[str, int]:
    return diff_versions(work.open_store(work.store_uri), a, b).clip_counts


def _verify(work: _Work, version: str) -> int:
    problems = verify_version(work.open_store(work.store_uri), version, manifest_only=True)
    if problems:
        msg = f"the synthetic version has {len(problems)} problems, first {problems[0]}"
        raise BuildFailedError(msg)
    return len(problems)


def _measured(function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the stage takes
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run_stage, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        result: dict[str, Any] = receiver.recv()
    except EOFError as error:
        process.join()
        msg = f"stage {function.__name__} of the scale benchmark died with exit code {process.exitcode}"
        raise BuildFailedError(msg) from error
    process.join()
    if "error" in result:
        msg = f"stage {function.__name__} of the scale benchmark failed: {result['error']}"
        raise BuildFailedError(msg)
    return result


def _run_stage(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    started = time.perf_counter()
    try:
        value = function(*arguments)
    except Exception as error:
        sender.send({"error": f"{type(error).__name__}: {error}"})
        return
    seconds = time.perf_counter() - started
    sender.send(
        {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(time.process_time(), 2),
            "peak_rss_mb": round(_peak_rss_bytes() / 1e6, 1),
            "result": value,
        }
    )


def _peak_rss_bytes() -> int:
    """Return the peak memory of this process; getrusage would also count what the parent had when it started us."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
