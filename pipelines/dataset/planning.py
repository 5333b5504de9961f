"""Which recordings form a part, and the key of each family of it.

**Boundaries are content-defined.** Whether a recording ends a part depends on its id and its size alone, so adding or removing one
recording moves no boundary elsewhere and changes one part, or two. A run that grew far beyond the target by chance is split after its
recording of largest hash, and its halves again: a new recording seldom has the largest hash, so it seldom moves a split either.
Stills weigh a sixteenth of a video, since each is one frame.

**Keys are content hashes** of everything that decides a part's bytes: the recordings' content keys (never their labels), the settings
that matter for the family, and the versions of our stages, of the libraries and of the models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow as pa

from storage_schemas.build_spec import BuildSpec, PartSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import content_hash
from storage_schemas.part_layout import PART_FORMAT, RECORDING_FAMILIES, Family
from storage_schemas.recordings import Recording

PART_KEY_DIGITS = 32
STILLS_PER_RECORDING = 16
LONGEST_RUN = 4
"""A run of more than this many times the target is split."""

_ROWS_PER_BATCH = 16_384
_HASH_RANGE = 2**64
_TRACKING_SOFTWARE = ("av", "decord", "mediapipe", "numpy", "opencv")
_AUDIO_SOFTWARE = ("av", "numpy", "scipy", "zarr")
_TRACKING_STAGES = ("probe", "track", "crop", "landmarks", "pack")
_AUDIO_STAGES = ("audio", "pack")
_FIT_SOFTWARE = ("numpy", "scipy", "zarr")
_FIT_STAGES = ("fit", "pack")
_FIT_SETTINGS = ("depth_weight", "landmark_noise", "identity_frames", "pose_smoothing", "expression_smoothing")
_LIMITS_THAT_REJECT = ("max_duration_s", "max_side_px", "min_side_px", "min_fps", "max_fps")
_CONTENT_COLUMNS = (
    "recording_id", "video_sha256", "audio_sha256", "is_still", "start_s", "end_s", "window_x_px", "window_y_px", "window_width_px",
    "window_height_px", "window_reference_height_px", "window_scale",
)  # fmt: skip


@dataclass(frozen=True)
class PlannedPart:
    """A run of recordings that are stored together.

    Attributes:
        first_row: number of its first recording in the listing.
        recordings: its rows of RECORDING_SCHEMA, a view of the listing.
    """

    first_row: int
    recordings: pa.Table

    def records(self) -> list[Recording]:
        """Return the rows as records."""
        return [Recording.model_validate(row) for row in self.recordings.to_pylist()]

    def content_keys(self) -> list[str]:
        """Return the content key of every recording, in order."""
        return content_keys(self.recordings)

    def families(self) -> tuple[Family, ...]:
        """Return the families made from its recordings: stills alone have no audio."""
        stills = all(self.recordings.column("is_still").to_pylist())
        return (Family.FRAMES, Family.LANDMARKS) if stills else RECORDING_FAMILIES


@dataclass
class _Run:
    """The recordings since the last boundary: for each its hash and weight."""

    first_row: int = 0
    hashes: list[int] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    slices: list[pa.Table] = field(default_factory=list)

    def parts(self, longest: int) -> Iterator[PlannedPart]:
        """Yield the parts of a finished run."""
        table = pa.concat_tables(self.slices)
        for begin, end in split_long_run(self.hashes, self.weights, longest):
            yield PlannedPart(self.first_row + begin, table.slice(begin, end - begin))


def plan_parts(recordings: pa.Table | Iterable[pa.RecordBatch], settings: PartSettings) -> Iterator[PlannedPart]:
    """Divide a listing into parts, in one pass, holding no more than a part and a batch.

    Args:
        recordings: rows of RECORDING_SCHEMA sorted by recording_id, each id once.
        settings: expected size of a part.

    Yields:
        Parts in order; together they are the listing.

    Raises:
        BadInputError: the listing is not sorted, or an id comes twice.
    """
    batches = recordings.to_batches(max_chunksize=_ROWS_PER_BATCH) if isinstance(recordings, pa.Table) else recordings
    longest = LONGEST_RUN * settings.target_recordings * STILLS_PER_RECORDING
    run, previous = _Run(), ""
    for batch in batches:
        begin = 0
        table = pa.Table.from_batches([batch])
        for row, (recording_id, hash_value, weight, ends) in enumerate(_marked(batch, settings)):
            _check_order(previous, recording_id)
            previous = recording_id
            run.hashes.append(hash_value)
            run.weights.append(weight)
            if ends:
                run.slices.append(table.slice(begin, row + 1 - begin))
                yield from run.parts(longest)
                begin = row + 1
                run = _Run(run.first_row + len(run.hashes))
        if begin < batch.num_rows:
            run.slices.append(table.slice(begin))
    if run.hashes:
        yield from run.parts(longest)


def split_long_run(hashes: Sequence[int], weights: Sequence[int], longest: int) -> Iterator[tuple[int, int]]:
    """Divide a run, after its element of largest hash, and its halves again, until none weighs more than `longest`.

    Args:
        hashes: of the elements; of equal ones the first counts.
        weights: of the elements.
        longest: largest weight of a piece; one element alone may weigh more.

    Yields:
        (begin, end) of each piece, in order.
    """
    pending = [(0, len(hashes))]
    while pending:
        begin, end = pending.pop()
        if end - begin <= 1 or sum(weights[begin:end]) <= longest:
            yield begin, end
            continue
        # The last element ends the run anyway: a split after it would divide nothing.
        split = max(range(begin, end - 1), key=hashes.__getitem__) + 1
        pending += [(split, end), (begin, split)]


def content_keys(recordings: pa.Table | pa.RecordBatch) -> list[str]:
    """Return `Recording.content_key()` of every row of RECORDING_SCHEMA, without making records."""
    columns = [recordings.column(name).to_pylist() for name in _CONTENT_COLUMNS]
    return [hashlib.sha256(orjson.dumps(values)).hexdigest() for values in zip(*columns, strict=True)]


def family_recipes(
    spec: BuildSpec, stage_versions: Mapping[str, int], software: Mapping[str, str], model_hashes: Mapping[str, str]
) -> dict[Family, str]:
    """Return, by family, the hash of everything that decides its parts' bytes beside the recordings.

    The audio family depends on all that decides the clips' ranges, so on the recipe of the frames too. Where a model file lies, what a
    recording may cost and how parts are sized do not enter.

    Args:
        spec: of the build.
        stage_versions: of our stages, see `stage_versions.STAGE_VERSIONS`.
        software: versions of libraries, see `stage_versions.software_versions`.
        model_hashes: SHA-256 of each landmark model file.
    """
    limits = spec.limits.model_dump(mode="json", include=set(_LIMITS_THAT_REJECT))
    tracking = content_hash(
        {
            "format": PART_FORMAT, "crop": spec.crop.model_dump(mode="json"), "limits": limits, "audio_required": spec.audio.required,
            "landmark_model": spec.landmarks.model.value, "models": dict(model_hashes),
            "stages": _chosen(stage_versions, _TRACKING_STAGES), "software": _chosen(software, _TRACKING_SOFTWARE),
        }
    )  # fmt: skip
    arrays = {"tracking": tracking, "zarr": software.get("zarr", "")}
    audio = {
        "tracking": tracking, "settings": spec.audio.model_dump(mode="json"),
        "stages": _chosen(stage_versions, _AUDIO_STAGES), "software": _chosen(software, _AUDIO_SOFTWARE),
    }  # fmt: skip
    return {Family.FRAMES: tracking, Family.LANDMARKS: content_hash(arrays), Family.AUDIO: content_hash(audio)}


def coefficient_recipe(
    landmark_recipe: str, face_model: str, spec: BuildSpec, stage_versions: Mapping[str, int], software: Mapping[str, str]
) -> str:
    """Return, like `family_recipes`, the hash of what decides the bytes of coefficients beside the recordings.

    Args:
        landmark_recipe: that of the landmarks family.
        face_model: id of the model that is fitted.
        spec: of the build.
        stage_versions: of our stages.
        software: versions of libraries.
    """
    fit = spec.face_model.model_dump(mode="json", include=set(_FIT_SETTINGS))
    return content_hash(
        {
            "landmarks": landmark_recipe, "face_model": face_model, "fit": fit,
            "stages": _chosen(stage_versions, _FIT_STAGES), "software": _chosen(software, _FIT_SOFTWARE),
        }
    )  # fmt: skip


def part_key(family: Family, keys: Sequence[str], recipes: Mapping[Family, str]) -> str:
    """Return the key of one family of a part: 32 hex digits.

    Args:
        family: which.
        keys: content keys of the recordings, in order.
        recipes: from `family_recipes`.
    """
    return content_hash([family.value, recipes[family], list(keys)])[:PART_KEY_DIGITS]


def family_key(
    family: Family,
    keys: Sequence[str],
    spec: BuildSpec,
    stage_versions: Mapping[str, int],
    software: Mapping[str, str],
    model_hashes: Mapping[str, str],
) -> str:
    """Return the key of one family of one part; for many parts, compute `family_recipes` once and use `part_key`."""
    return part_key(family, keys, family_recipes(spec, stage_versions, software, model_hashes))


def _marked(batch: pa.RecordBatch, settings: PartSettings) -> Iterator[tuple[str, int, int, bool]]:
    """Yield (id, hash, weight, ends a part) of each row."""
    columns = (batch.column(name).to_pylist() for name in ("recording_id", "size_bytes", "is_still"))
    for recording_id, size_bytes, is_still in zip(*columns, strict=True):
        hash_value = int.from_bytes(hashlib.sha256(recording_id.encode()).digest()[:8])
        weight = 1 if is_still else STILLS_PER_RECORDING
        share = weight / (STILLS_PER_RECORDING * settings.target_recordings) + size_bytes / settings.target_source_bytes
        yield recording_id, hash_value, weight, hash_value < share * _HASH_RANGE


def _check_order(previous: str, recording_id: str) -> None:
    if recording_id <= previous:
        what = "comes twice" if recording_id == previous else f"comes after {previous!r}"
        msg = f"recording {recording_id!r} {what}; expected a listing sorted by recording_id with each id once"
        raise BadInputError(msg)


def _chosen(versions: Mapping[str, int] | Mapping[str, str], names: Sequence[str]) -> dict[str, int | str]:
    return {name: versions[name] for name in names if name in versions}
