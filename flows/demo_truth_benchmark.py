"""The benchmark of the demo corpus: a version is built from it and its coefficients are compared with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.running import run_build
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.corpora.demo.fit_evaluation import compare_with_truth
from storage_schemas.build_spec import BuildSpec, FaceModelPolicy, FaceModelSettings, Layout


def run_demo_truth_benchmark(corpus: Path, store: str) -> dict[str, Any]:
    """Build a version from a demo corpus and return what `compare_with_truth` does.

    Args:
        corpus: folder of the demo corpus.
        store: where the version goes; parts that are there already are not built again.

    Raises:
        BadInputError: the corpus is too small for a face model.
        BuildFailedError, StoreError: as a build.
    """
    spec = BuildSpec(name="demo-truth", layout=Layout.DEMO, face_model=FaceModelSettings(policy=FaceModelPolicy.REFIT))
    version = run_build(spec, corpus, store, tag="demo-truth").dataset_version
    with open_store(store, Settings()) as opened:
        return compare_with_truth(opened, version, corpus)
