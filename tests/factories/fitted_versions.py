"""A version with coefficients, made of a synthetic part and invented faces."""

from __future__ import annotations

from infra.managed_store import ManagedStore
from pipelines.dataset.clip_rows import BuiltPart, StoredIndex
from pipelines.dataset.coefficient_fitting import clip_rejection, fit_recording, outcome_of
from pipelines.dataset.face_model_store import publish_face_model
from pipelines.dataset.fit_filter import fit_filter
from pipelines.dataset.packing import pack_part
from pipelines.dataset.publishing import ReportMaker, VersionContent, publish_version
from pipelines.dataset.staging import write_outcome
from pipelines.face_model.basis import write_face_model
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.clips import RecordingOutcome
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, part_path
from storage_schemas.processing_request import FitRequest
from storage_schemas.rejections import RejectionReason
from tests.factories.dataset_parts import SPEC, SyntheticRecording, store_part
from tests.factories.dataset_versions import CREATED, description
from tests.factories.face_models import small_face_model
from tests.factories.landmark_parts import pack_landmarks

RECORDINGS = [SyntheticRecording("a", (30, 20)), SyntheticRecording("b", (25,)), SyntheticRecording("c", (1,), is_still=True)]


def fitted_part(store: ManagedStore) -> BuiltPart:
    """Store a part of RECORDINGS with coefficients of invented faces; clip a_001 could not be fitted."""
    part = store_part(store, RECORDINGS)
    folder = store.scratch_folder()
    entries = pack_landmarks(folder / "landmarks", {item.recording_id: item.frame_counts for item in RECORDINGS}).recordings
    write_face_model(folder / "model.safetensors", small_face_model())
    staged = []
    for entry, item in zip(entries, RECORDINGS, strict=True):
        staged.append(folder / item.recording_id)
        # Faces from the invented part, everything else as the synthetic one says.
        clips = [PartClip(clip=clip, hashes=old.hashes, ranges=old.ranges) for clip, old in zip(item.clips(), entry.clips, strict=True)]
        wanted = entry.model_copy(update={"clips": clips[:1], "content_key": item.recording().content_key()})
        if item.is_still:
            staged[-1].mkdir()
            write_outcome(staged[-1], outcome_of(wanted.model_copy(update={"clips": []}), []))
            continue
        request = FitRequest(
            landmarks_folder=str(folder / "landmarks"), recording=wanted, model_file=str(folder / "model.safetensors"),
            settings=FaceModelSettings(), size_px=512, out_folder=str(staged[-1]),
        )  # fmt: skip
        fit_recording(request, [].append)
        if item.recording_id == "a":
            done = RecordingOutcome.model_validate_json((staged[-1] / "outcome.json").read_bytes())
            lost = clip_rejection(clips[1].clip, RejectionReason.FACE_LOST, "no face", {})
            write_outcome(staged[-1], done.model_copy(update={"clips": item.clips(), "rejections": [lost]}))
    key = "c" * 32
    pack_part(Family.COEFFICIENTS, key, staged, folder / "part")
    path = part_path(Family.COEFFICIENTS, key)
    store.publish_folder(folder / "part", path, PART_INDEX_FILE)
    return BuiltPart(part.recordings, {**part.indices, Family.COEFFICIENTS: StoredIndex.from_bytes(store.read_bytes(f"{path}/part.json"))})


def publish_fitted(store: ManagedStore, report: ReportMaker | None = None, **limits: float) -> VersionManifest:
    """Publish a version of a fitted part with a small face model."""
    facts = {"recipe": "ab" * 32, "parents": [], "software": {}, "held_out_error_percent_iod": None}
    card = publish_face_model(store, small_face_model(), facts)
    settings = FaceModelSettings(**limits)  # type: ignore[arg-type]
    described = description(SPEC.model_copy(update={"face_model": settings}), face_model=card.face_model)
    content = VersionContent([fitted_part(store)], (), [fit_filter(settings)])
    return publish_version(store, described, content, created=CREATED, report=report)
