from pipelines.reports.version_notes import version_notes
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.dataset_version import VersionManifest
from tests.factories.report_tables import example_manifest


def _manifest(frames: int, *, enabled: bool = True, face_model: str = "") -> VersionManifest:
    manifest = example_manifest(3, 0)
    spec = manifest.spec.model_copy(update={"face_model": FaceModelSettings(enabled=enabled)})
    return manifest.model_copy(update={"spec": spec, "face_model": face_model, "counts": manifest.counts | {"frames": frames}})


def test_a_version_with_what_was_asked_for_has_no_notes() -> None:
    assert version_notes(_manifest(225, face_model="learned-0")) == version_notes(_manifest(225, enabled=False)) == []


def test_missing_coefficients_have_a_reason() -> None:
    assert "needs 128 frames with a face turned less than 35 degrees" in version_notes(_manifest(100))[0]
    assert "fitted to videos, and the version has none" in version_notes(_manifest(3))[0]
    assert "fitted to videos" in version_notes(_manifest(0).model_copy(update={"counts": {"frames": 0, "clips": 0}}))[0]
