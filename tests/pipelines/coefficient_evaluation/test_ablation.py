from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.coefficient_evaluation.ablation import VARIANTS, AblationSettings, ablate
from pipelines.training.imported_sequences import ImportedSequences
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    folder = tmp_path / "coefficients"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        values = np.cumsum(0.1 * rng.standard_normal((60, 257)), axis=0)
        np.save(folder / f"{name}.npy", values.astype(np.float32), allow_pickle=False)
    return folder


def test_every_variant_is_trained_once_and_measured(tmp_path: Path, imported: Path) -> None:
    store = local_store(tmp_path / "store")
    seen: list[str] = []

    settings = AblationSettings(steps=2, threads=1, device="cpu")
    report, clouds = ablate(store, lambda _: ImportedSequences(imported, validation=["c"]), settings, lambda *news: seen.append(news[2]))
    again, _ = ablate(store, lambda _: ImportedSequences(imported, validation=["c"]), settings)

    assert seen == list(VARIANTS)
    assert again == report
    assert {run.steps for run in report.runs} == {2}
    assert [run.variant for run in report.runs] == list(VARIANTS)
    assert len(store.list_folders(f"runs/{RunKind.EXPFLOW.value}")) == len(VARIANTS)
    assert all(np.isfinite([run.held_out_nll, run.train_nll, run.sample_outliers]).all() for run in report.runs)
    assert [cloud.latents.shape for cloud in clouds] == [(180, 64)] * 3
