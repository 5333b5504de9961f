"""The flow `run_ablation_study`: an ablation study asked for in a form.

Input: a file that names a study (`flowvqtalker ablation template` writes one) and a dataset version. Output: as of the flow `ablation`,
which this one calls, and an artifact. Schedule: by hand. Cost: a training for each variant and repetition. Locally:
``flowvqtalker ablation run --help``.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.ablation import ablation
from flows.run_names import named
from infra.settings import Settings
from pipelines.ablation.comparison import StudyWork
from pipelines.ablation.study_files import read_study
from storage_schemas.run_forms import AblationRequest


@flow(name="run_ablation_study", flow_run_name=named("ablation {study} on {dataset}"), persist_result=False, validate_parameters=True)
def run_ablation_study(request: AblationRequest) -> int:
    """Train the variants of a study that are missing, and compare them.

    Args:
        request: which study, on what.

    Returns:
        Number of trainings that the study compares.

    Raises:
        BadInputError: there is no such study, version or codebook.
        StoreError: the store cannot be read or written.
        BuildFailedError: a training diverged.
    """
    work = StudyWork(read_study(Path(request.study)), request.dataset, device=request.device.value)
    ablation(work, request.store or Settings().store)
    trainings = work.study.trainings
    create_markdown_artifact(f"**{trainings} trainings** of {work.study.name} compared.", key="ablation", description=work.study.name)
    return trainings
