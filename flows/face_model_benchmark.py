"""The benchmark of the face model: versions are built from videos and measured as they lie in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flows.running import run_build
from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.extraction_comparison import compare_extractions
from pipelines.dataset.face_model_benchmark import fit_spans, measure_face_model
from pipelines.video.still_videos import write_noisy_still
from storage_schemas.build_spec import AudioSettings, BuildSpec

_PICTURES = {".jpg", ".jpeg", ".png"}


def run_face_model_benchmark(
    source: Path,
    store: str,
    scratch: Path,
    portraits: Path | None,
    extractions: Sequence[tuple[str, Path]],
    on_progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Build a version from videos and measure its face model.

    Args:
        source: folder of videos.
        store: where the versions go; what is there already is not built again.
        scratch: an empty folder.
        portraits: folder of pictures, of which videos with noise are made and fitted with the same model; None: not measured.
        extractions: pairs of a video's name in `source` and a file of coefficients extracted from it.
        on_progress: called with steps done and their number.

    Returns:
        What `measure_face_model` returns, and `stills` and `extractions`.

    Raises:
        BadInputError: the videos give no face model, or an extraction cannot be used.
        BuildFailedError, StoreError: as a build.
    """
    spec = BuildSpec(name="face-model-benchmark", audio=AudioSettings(required=False))
    home = Settings().home
    quiet_prefect_environment(home)
    with prefect_api(home):  # one for both builds: Prefect reads its address once
        version = run_build(spec, source, store, tag="face-model-benchmark").dataset_version
        stills = _noisy_stills(portraits, scratch / "stills", spec) if portraits else None
        still_version = run_build(spec, stills, store, tag="face-model-benchmark-stills").dataset_version if stills else ""
    files: dict[str, list[Path]] = {}
    for video, path in extractions:
        files.setdefault(video, []).append(path)
    with open_store(store, Settings()) as opened:
        values = measure_face_model(opened, version, on_progress)
        values["stills"] = fit_spans(opened, still_version) if still_version else None
        values["extractions"] = {video: compare_extractions(opened, version, source, video, paths) for video, paths in files.items()}
    return values


def _noisy_stills(pictures: Path, folder: Path, spec: BuildSpec) -> Path:
    folder.mkdir()
    for path in sorted(path for path in pictures.iterdir() if path.suffix.lower() in _PICTURES):
        write_noisy_still(path, folder / f"{path.stem}.mp4", spec.limits)
    return folder
