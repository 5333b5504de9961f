"""What a reader of a version should be told besides its figures."""

from __future__ import annotations

from pipelines.face_model.learning import MIN_FRAMES
from storage_schemas.dataset_version import VersionManifest


def version_notes(manifest: VersionManifest) -> list[str]:
    """Return sentences about what a version was asked to have and does not: none for most versions."""
    settings, counts = manifest.spec.face_model, manifest.counts
    if not settings.enabled or manifest.face_model:
        return []
    if counts["frames"] == counts["clips"]:  # a video's clip has more than one frame
        return ["no coefficients: a face model is learned from and fitted to videos, and the version has none"]
    return [
        f"no coefficients: a face model needs {MIN_FRAMES} frames with a face turned less than {settings.largest_angle_deg:g} degrees, and "
        "the videos have fewer; add clips, or build with a model of the store (face_model.policy: named)"
    ]
