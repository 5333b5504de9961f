"""The flow `ablation`: one study file and a dataset version in, trained variants and their comparison out.

Input: an `AblationStudy` and a dataset version; for the image generator a codebook's run. Output: runs in the store and a comparison.
Schedule: by hand; trainings that are finished are found, so a study that was stopped goes on, and one with another repetition trains that
alone. Cost: a training for each variant and repetition. Locally: ``flowvqtalker ablation run --help``.
"""

from __future__ import annotations

from prefect import flow

from pipelines.ablation.comparison import Comparison, StudyWork
from tasks.ablation import compare_variants, train_variant
from tasks.build_marking import marked_as_running
from tasks.progress import RunProgress


@flow(name="ablation", flow_run_name="ablation {work.study.name}", persist_result=False, validate_parameters=False)
def ablation(work: StudyWork, store: str) -> Comparison:
    """Train every variant that is missing, one after the other, and compare them.

    Args:
        work: the study, the version and how it is carried out.
        store: folder or s3://bucket/prefix with the version; the runs go there.

    Raises:
        BadInputError: there is no such version or codebook.
        StoreError: the store cannot be read or written.
        BuildFailedError: a training diverged.
    """
    with marked_as_running(store, f"ablation {work.study.name}"):
        progress = RunProgress("ablation", work.study.trainings + 1, "trainings and their comparison")
        for number, training in enumerate(work.trainings()):
            progress.reach(number, work.study.trainings + 1, training.name)
            train_variant(work, store, training)
        progress.reach(work.study.trainings, work.study.trainings + 1, "comparing")
        found: Comparison = compare_variants(work, store)
        progress.reach(work.study.trainings + 1, work.study.trainings + 1)
    return found
